"""Small datasets of each format, to be damaged and verified."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipebench.datasets_prep.importer import Import, import_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.datasets_prep.verify import Verification, Verifier

OURS = ("wds", "parquet", "folder")
SHARDED = ("wds", "parquet")
SAMPLES = 10
Copy = Callable[[str], Path]


def jpeg(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 9), (20 * number, 40, 90)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="session")
def verify_originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures in two classes, half of them with two further files, as `plain`; each of ours of it."""
    root = tmp_path_factory.mktemp("originals")
    for number in range(SAMPLES):
        stem = root / f"plain/{'cats' if number % 2 else 'dogs'}/{number}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".jpg").write_bytes(jpeg(number))
        if number % 2:
            stem.with_suffix(".json").write_text(json.dumps({"number": number}))
            stem.with_suffix(".seg.png").write_bytes(b"mask %d" % number)
    for form in OURS:
        sharding = Sharding(format=form, shard_samples=None if form == "folder" else 4)
        shard_dataset(str(root / "plain"), str(root / form), sharding)
    _foreign_tar(root)
    _foreign_parquet(root)
    return root


def _foreign_tar(root: Path) -> None:
    (root / "tars").mkdir()
    with tarfile.open(root / "tars/a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(SAMPLES):
            _append(tar, f"x/{number}.cls", b"cat" if number % 2 else b"dog\n")
            _append(tar, f"x/{number}.jpg", jpeg(number))
            _append(tar, f"x/{number}.txt", b"a caption")
    import_dataset(Import(source=str(root / "tars")))


def _append(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.uname = len(content), 1_700_000_000, "joe"
    tar.addfile(info, io.BytesIO(content))


def _foreign_parquet(root: Path) -> None:
    (root / "tables").mkdir()
    columns = {
        "key": [f"k{number}" for number in range(SAMPLES)],
        "label": ["cat" if number % 2 else "dog" for number in range(SAMPLES)],
        "image": [jpeg(number) for number in range(SAMPLES)],
        "caption": [f"picture {number}" if number % 3 else None for number in range(SAMPLES)],
    }
    pq.write_table(pa.table(columns), root / "tables/a.parquet", row_group_size=4, compression="zstd")
    import_dataset(Import(source=str(root / "tables")))


@pytest.fixture
def verify_copy(verify_originals: Path, tmp_path: Path) -> Callable[[str], Path]:
    """`verify_copy(name)`: one of the originals, to be damaged."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(verify_originals / name, tmp_path / name))

    return make


def lines(url: Path | str, *, full: bool = False, workers: int = 1) -> list[str]:
    """What is found, one line each."""
    task = Verification(url=str(url), full=full, workers=workers)
    with closing(Verifier(task).faults()) as faults:
        return [fault.line() for fault in faults]


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
