"""Tar shards: GNU tar, Python's tarfile, webdataset and DALI all read them, and the index beside them."""

import gc
import shutil
import subprocess
import tarfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipebench.datasets_prep.formats.contract import Row, Sample
from pipebench.datasets_prep.formats.wds import member_stem
from pipebench.errors import BadInput

LayOut = Callable[..., list[Row]]
MakeSample = Callable[..., Sample]

KEYS = (
    "plain/a",
    "plain/b.1.final",
    "plain/100%",
    "two words/ä ö/ü",
    "v1.0/c",
    "quotes\"'`$(x)\\",
    "new\nline",
    "-option",
    f"long/{'n' * 200}",
    f"deep/{'/'.join(['folder'] * 20)}/{'m' * 90}",
)


@pytest.fixture
def samples(make_sample: MakeSample) -> list[Sample]:
    """With every kind of key; some have extras, also empty ones."""
    made = [
        make_sample(key, number % 2, f"payload {number}".encode() * number) for number, key in enumerate(KEYS)
    ]
    extras = {"json": b'{"caption": "x"}', "seg.png": b""}
    return [
        *made,
        make_sample("with/extras", 1, **extras),
        make_sample("other", 1, field="cam.png", txt=b"text"),
    ]


def _members(samples: list[Sample]) -> dict[str, bytes]:
    """What a shard holds of them, in order."""
    members = {}
    for sample in samples:
        stem = member_stem(sample.key)
        members[f"{stem}.{sample.field}"] = bytes(sample.payload)
        members[f"{stem}.cls"] = str(sample.label).encode()
        members |= {f"{stem}.{extra.field}": bytes(extra.content) for extra in sample.extras}
    return members


def test_python_tarfile_reads_them(samples: list[Sample], lay_out: LayOut, tmp_path: Path) -> None:
    rows = lay_out(tmp_path, "wds", samples)
    with tarfile.open(tmp_path / "s.tar", "r:") as tar:
        infos = {info.name: info for info in tar}
        contents = {name: tar.extractfile(info).read() for name, info in infos.items()}  # type: ignore[union-attr] # plain files
    assert list(contents.items()) == list(_members(samples).items())
    fixed = {(info.mtime, info.uid, info.gid, info.mode, info.uname, info.gname) for info in infos.values()}
    assert fixed == {(0, 0, 0, 0o644, "", "")}
    for part in (part for row in rows for part in (row.payload, *row.extras)):
        assert (infos[part.member].offset_data, infos[part.member].size) == (part.offset, part.size)


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar command here")
def test_the_tar_command_unpacks_them_without_a_complaint(
    samples: list[Sample], lay_out: LayOut, tmp_path: Path
) -> None:
    lay_out(tmp_path, "wds", samples)
    target = tmp_path / "unpacked"
    target.mkdir()
    command = ["tar", "--extract", "--file", str(tmp_path / "s.tar"), "--directory", str(target)]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    files = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert files == _members(samples)


def test_webdataset_reads_them(samples: list[Sample], lay_out: LayOut, tmp_path: Path) -> None:
    lay_out(tmp_path, "wds", samples)
    webdataset = pytest.importorskip("webdataset")
    with warnings.catch_warnings():  # the library leaves its files to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        read = list(webdataset.WebDataset([str(tmp_path / "s.tar")], shardshuffle=False))
        gc.collect()
    assert [found["__key__"] for found in read] == [member_stem(sample.key) for sample in samples]
    for found, sample in zip(read, samples, strict=True):
        fields = {name: content for name, content in found.items() if not name.startswith("__")}
        extras = {extra.field: extra.content for extra in sample.extras}
        assert fields == {sample.field: sample.payload, "cls": str(sample.label).encode()} | extras


def test_dali_reads_them_by_the_index_beside_them(
    samples: list[Sample], lay_out: LayOut, tmp_path: Path
) -> None:
    lay_out(tmp_path, "wds", samples)
    pytest.importorskip("nvidia.dali")
    components = _read_with_dali(tmp_path, ["jpg;cam.png", "cls", "json", "txt"], len(samples))
    for number, sample in enumerate(samples):
        extras = {extra.field: extra.content for extra in sample.extras}
        expected = [
            sample.payload,
            str(sample.label).encode(),
            extras.get("json", b""),
            extras.get("txt", b""),
        ]
        assert [component[number] for component in components] == expected


def _read_with_dali(folder: Path, fields: list[str], count: int) -> list[list[bytes]]:
    from nvidia.dali import fn, pipeline_def

    @pipeline_def(batch_size=count, num_threads=1, device_id=None)  # type: ignore[untyped-decorator]
    def pipeline() -> Any:
        found: Any = fn.readers.webdataset(
            paths=str(folder / "s.tar"),
            index_paths=str(folder / "s.idx"),
            ext=fields,
            missing_component_behavior="empty",
        )
        return tuple(found)

    built = pipeline()
    built.build()
    return [[np.asarray(output.at(n)).tobytes() for n in range(count)] for output in built.run()]


def test_a_field_with_blanks_stands_in_the_tar_but_not_in_dalis_index(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path
) -> None:
    rows = lay_out(tmp_path, "wds", [make_sample("a", 1, **{"two words": b"x", "txt": b"yy"})])
    offsets = [rows[0].payload.offset, rows[0].extras[1].offset]
    expected = f"v1.1 1\njpg {offsets[0]} 7 cls {offsets[0] + 1024} 1 txt {offsets[1]} 2\n"
    assert (tmp_path / "s.idx").read_text() == expected


def test_a_shard_of_nothing(lay_out: LayOut, tmp_path: Path) -> None:
    assert lay_out(tmp_path, "wds", []) == []
    assert (tmp_path / "s.idx").read_text() == "v1.1 0\n"
    with tarfile.open(tmp_path / "s.tar") as tar:
        assert tar.getmembers() == []


def test_member_stems() -> None:
    assert member_stem("v1.0/a.b%c") == "v1.0/a%2Eb%25c"


@pytest.mark.parametrize("key", ["__meta__/x", "__a\nb__/x", "a.b\n/x"])
def test_keys_that_webdataset_would_leave_out(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, key: str
) -> None:
    with pytest.raises(BadInput, match="webdataset leaves out when it reads a tar; rename it"):
        lay_out(tmp_path, "wds", [make_sample(key)])


@pytest.mark.parametrize("odd", [{"field": "cls"}, {"cls": b"3"}])
def test_the_labels_name_is_taken(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, odd: Mapping[str, Any]
) -> None:
    with pytest.raises(BadInput, match="sample 'a' has a file 'cls', which is the label's in a tar"):
        lay_out(tmp_path, "wds", [make_sample("a", **odd)])
