"""Files that are lost, strange, cut short or swapped."""

import os
import shutil
from pathlib import Path

import pytest

from pipebench.dataset import INDEX, open_dataset
from tests.verifying import SHARDED, Copy, flip, lines


def test_lost_and_strange_files(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    (root / "shard-000000.tar").unlink()
    (root / "shard-000002.idx").unlink()
    with (root / "shard-000001.tar").open("r+b") as file:
        file.truncate(9000)
    (root / "shard-000003.tar").write_bytes(b"more")
    (root / "deep").mkdir()
    (root / "deep/x\n.tar").touch()
    assert lines(root) == [
        "shard-000000.tar: it is missing",
        "shard-000001.tar: it has 9000 bytes, and ought to have 20480",
        "shard-000002.idx: it is missing",
        "deep/x | .tar: neither the description nor the index tells of it",
        "shard-000003.tar: neither the description nor the index tells of it",
    ]


def test_what_is_left_of_a_truncated_tar_in_full(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    with (root / "shard-000001.tar").open("r+b") as file:
        file.truncate(9000)
    told = [line for line in lines(root, full=True) if "sample" in line]
    index = open_dataset(str(root)).index
    lost = [s for s in range(4, 8) if index.offset[s] + index.size[s] > 9000]
    assert 0 < len(lost) < 4
    assert {
        key for key in index.key.take(lost).to_pylist() if any(repr(key) in line for line in told)
    } == set(index.key.take(lost).to_pylist())
    assert all(any(repr(index.key[s].as_py()) in line for s in range(min(lost) - 1, 8)) for line in told)


@pytest.mark.parametrize("form", SHARDED)
def test_swapped_shards(form: str, verify_copy: Copy) -> None:
    root = verify_copy(form)
    first, second, _ = sorted(
        path for path in root.iterdir() if path.name.startswith("shard") and path.suffix != ".idx"
    )
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    found = lines(root)
    assert {line.partition(":")[0] for line in found} == {first.name, second.name}
    keys = open_dataset(str(root)).index.key.to_pylist()[:8]
    told = "\n".join(lines(root, full=True))
    assert all(repr(key) in told for key in keys)


def test_swapped_payloads(verify_copy: Copy) -> None:
    """Of the same size, so that only their hashes tell."""
    root = verify_copy("folder")
    one, other = root / "cats/1.jpg", root / "cats/3.jpg"
    assert one.stat().st_size == other.stat().st_size
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert lines(root) == []
    found = lines(root, full=True)
    assert [line.partition(",")[0] for line in found] == [
        "cats/1.jpg: sample 'cats/1'",
        "cats/3.jpg: sample 'cats/3'",
    ]


def test_files_of_a_folder(verify_copy: Copy) -> None:
    root = verify_copy("folder")
    (root / "cats/1.jpg").unlink()
    (root / "cats/3.json").write_text("")
    (root / "dogs/2.jpg").unlink()
    os.mkfifo(root / "dogs/2.jpg")
    (root / "dogs/4.jpg").unlink()
    (root / "dogs/4.jpg").symlink_to("/nowhere")
    (root / "dogs/mine.jpg").touch()
    expected = [
        "cats/1.jpg: sample 'cats/1', it is missing",
        "cats/3.json: sample 'cats/3', it has 0 bytes, and ought to have 13",
        "dogs/2.jpg: sample 'dogs/2', it is no regular file",
        "dogs/4.jpg: sample 'dogs/4', it is no regular file",
        "dogs/mine.jpg: neither the description nor the index tells of it",
    ]
    assert sorted(lines(root)) == expected
    assert set(lines(root, full=True)) >= set(expected)


def test_a_link_to_a_file_is_as_good_as_the_file(verify_copy: Copy, tmp_path: Path) -> None:
    root = verify_copy("wds")
    (root / "shard-000000.tar").rename(tmp_path / "elsewhere")
    (root / "shard-000000.tar").symlink_to(tmp_path / "elsewhere")
    assert lines(root, full=True) == []


def test_others_files_may_lie_beside_imported_ones(verify_copy: Copy) -> None:
    root = verify_copy("tars")
    (root / "README").touch()
    assert lines(root, full=True) == []


def test_a_lost_index(verify_copy: Copy) -> None:
    """Shards are looked at all the same."""
    root = verify_copy("wds")
    (root / INDEX).unlink()
    flip(root / "shard-000001.tar", 9999)
    found = lines(root, full=True)
    assert found == [f"{INDEX}: it is missing", "shard-000001.tar: its SHA-256 is not the recorded one"]


def test_the_index_of_another_dataset(verify_copy: Copy) -> None:
    root = verify_copy("parquet")
    shutil.copy(verify_copy("wds") / INDEX, root / INDEX)
    [found] = lines(root)
    assert found.startswith(f"{INDEX}: its SHA-256 is not the recorded one")
