"""Whole datasets, none, many faults, and the command."""

import json
import random
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pipebench.cli import main
from pipebench.dataset import DESCRIPTION, WORK, Dataset, open_dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.datasets_prep.verify import Verification, Verifier
from pipebench.errors import BadInput
from pipebench.seal import sealed
from tests.verifying import OURS, Copy, flip, jpeg, lines


@pytest.mark.parametrize("name", [*OURS, "tars", "tables"])
@pytest.mark.parametrize("full", [False, True])
def test_whole_datasets_have_no_faults(name: str, full: bool, verify_originals: Path) -> None:
    assert lines(verify_originals / name, full=full) == []


def test_large_datasets_too(tiny_folder: Dataset, tiny_wds: Dataset) -> None:
    assert lines(tiny_folder.url, full=True, workers=2) == []
    assert lines(tiny_wds.url, full=True, workers=2) == []


def test_what_cannot_be_told_is_said(verify_originals: Path) -> None:
    said = {}
    for name in (*OURS, "tars", "tables"):
        for full in (False, True):
            verifier = Verifier(Verification(url=str(verify_originals / name), full=full))
            assert list(verifier.faults()) == []
            said[name, full] = " ".join(verifier.unproved)
    assert {case for case, text in said.items() if text} == {
        ("folder", False),
        ("tars", False),
        ("tables", False),
        ("tars", True),
        ("tables", True),
    }
    assert "no SHA-256 is recorded of 1 shards; --full tells" in said["tars", False]
    assert "cannot be proved" in said["tables", True]


def test_a_newer_schema_is_refused(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    raw = json.loads((root / DESCRIPTION).read_text())
    del raw["checksum"]
    (root / DESCRIPTION).write_bytes(sealed(raw | {"schema": 99}))
    with pytest.raises(BadInput, match="has schema 99"):
        lines(root)
    (root / DESCRIPTION).write_text(json.dumps(raw | {"schema": 99}))
    [found] = lines(root)
    assert "edited by hand; nothing else was looked at: " in found
    assert "has schema 99" in found


@pytest.mark.parametrize(
    "change",
    [
        {"samples": float("nan")},
        {"format": "zip"},
        {"kind": "smell"},
        {"shards": [{"name": "../x"}]},
        {"made": 1},
    ],
)
def test_descriptions_that_make_no_sense(change: dict[str, Any], verify_copy: Copy) -> None:
    root = verify_copy("wds")
    raw = json.loads((root / DESCRIPTION).read_text())
    del raw["checksum"]
    (root / DESCRIPTION).write_bytes(sealed(raw | change))
    with pytest.raises(BadInput):
        lines(root)


def test_an_unfinished_dataset_is_refused(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    (root / DESCRIPTION).unlink()
    (root / WORK).mkdir()
    with pytest.raises(BadInput, match="is incomplete: its sharding was cut short"):
        lines(root)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        lines(tmp_path / "none")


def test_workers_find_the_same_in_the_same_order(
    tiny_wds: Dataset, tiny_folder: Dataset, tmp_path: Path
) -> None:
    for dataset in (tiny_wds, tiny_folder):
        root = Path(shutil.copytree(dataset.url, tmp_path / dataset.format))
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".tar", ".jpg"))[::2]:
            flip(path, 8 * 5000)
        one = lines(root, full=True)
        assert len(one) > 5
        assert lines(root, full=True, workers=2) == one


def test_an_odd_image_is_no_fault(verify_originals: Path, tmp_path: Path) -> None:
    """One about which Pillow warns."""
    plain = Path(shutil.copytree(verify_originals / "plain", tmp_path / "plain"))
    picture, part = jpeg(1), b"MPF\0II*\0\xff\xff\xff\xff"  # pictures that follow, which is not true
    segment = b"\xff\xe2" + (2 + len(part)).to_bytes(2) + part
    (plain / "cats/odd.jpg").write_bytes(picture[:2] + segment + picture[2:])
    shard_dataset(str(plain), str(tmp_path / "odd"), Sharding(format="wds"))
    assert lines(tmp_path / "odd", full=True) == []


def test_a_tar_of_noise(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    path = root / "shard-000000.tar"
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))
    told = "\n".join(lines(root, full=True))
    assert all(repr(key) in told for key in open_dataset(str(root)).index.key.to_pylist()[:4])


def test_headers_that_ask_for_all_memory(verify_copy: Copy) -> None:
    """A PAX header of 8 exabytes, in an archive whose sums are right."""
    root = verify_copy("tars")
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**62
    content = bytearray((root / "a.tar").read_bytes())
    content[:512] = info.tobuf(tarfile.GNU_FORMAT)
    (root / "a.tar").write_bytes(content)
    found = lines(root, full=True)
    assert any("the header is damaged" in line for line in found)


def test_the_command(verify_copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(verify_copy("wds"))
    assert main(["data", "verify", root, "--workers", "1"]) == 0
    assert capsys.readouterr().out == f"{root} is whole: 10 samples in 3 shards, 0.0 MB of payloads\n"
    flip(Path(root, "shard-000001.tar"), 8 * 700)
    assert main(["data", "verify", root, "--full", "--workers", "1"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 3
    assert shown[-1] == "2 faults"
    assert main(["data", "verify", root, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "shard": "shard-000001.tar",
            "key": None,
            "offset": None,
            "fault": "its SHA-256 is not the recorded one",
        }
    ]


def test_no_faults_as_json(verify_originals: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(verify_originals / "tars"), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == []
    assert captured.err.startswith("pipebench: note: no SHA-256 is recorded of 1 shards")


def test_of_many_faults_the_first_are_shown(verify_copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    root = verify_copy("wds")
    for number in range(60):
        (root / f"more-{number}").touch()
    assert main(["data", "verify", str(root)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 52
    assert shown[-2:] == [
        "and 10 more, all of which --json tells",
        "60 faults; --full tells which samples are hit",
    ]
    assert main(["data", "verify", str(root), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 60


def test_what_cannot_be_verified_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("pipebench: there is no folder")
