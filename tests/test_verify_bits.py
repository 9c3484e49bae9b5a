"""No flipped bit passes."""

import random
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.dataset import DESCRIPTION, INDEX, open_dataset
from tests.verifying import OURS, SAMPLES, SHARDED, Copy, flip, jpeg, lines


def _missed(path: Path, bits: Sequence[int], look: Callable[[], list[str]]) -> list[str]:
    """The bits whose flip is not found, or not told of this file."""
    missed = []
    for bit in bits:
        flip(path, bit)
        found = look()
        if not found or not any(line.startswith(path.name) for line in found):
            missed.append(f"bit {bit} of {path.name}: {found}")
        flip(path, bit)
    return missed


def _some_bits(path: Path, count: int) -> list[int]:
    """So many of a file's bits, and those of its first and its last bytes."""
    size = path.stat().st_size
    drawn = random.Random(size).sample(range(8 * size), count)
    return [*drawn, 0, 7, 8 * size - 8, 8 * size - 1]


@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize("name", [DESCRIPTION, INDEX])
def test_a_flipped_bit_in_description_or_index(form: str, name: str, verify_copy: Copy) -> None:
    root = verify_copy(form)
    assert _missed(root / name, _some_bits(root / name, 40), lambda: lines(root)) == []


@pytest.mark.parametrize("form", SHARDED)
def test_a_flipped_bit_anywhere_in_shards(form: str, verify_copy: Copy) -> None:
    """Quick: by their SHA-256 and that of the DALI indexes beside them."""
    root = verify_copy(form)
    files = [path for path in root.iterdir() if path.name not in (DESCRIPTION, INDEX)]
    assert {path.suffix for path in files} == {"wds": {".tar", ".idx"}, "parquet": {".parquet"}}[form]
    for path in sorted(files):
        assert _missed(path, _some_bits(path, 15), lambda: lines(root)) == []


@pytest.mark.parametrize("form", OURS)
def test_a_flipped_bit_of_a_payload_names_the_sample(form: str, verify_copy: Copy) -> None:
    root = verify_copy(form)
    dataset = open_dataset(str(root))
    index = dataset.index
    for sample in range(0, SAMPLES, 3):
        shard = int(index.shard[sample])
        name = dataset.shards[shard].name if shard >= 0 else index.member[sample].as_py()
        bit = 8 * int(index.offset[sample]) + 8 * int(index.size[sample]) // 2
        flip(root / name, bit)
        found = [line for line in lines(root, full=True) if "payload" in line]
        assert len(found) == 1
        assert found[0].startswith(f"{name}: sample {index.key[sample].as_py()!r}")
        flip(root / name, bit)
    assert lines(root, full=True) == []


def test_a_flipped_bit_anywhere_in_a_folder_is_found_in_full(verify_copy: Copy) -> None:
    root = verify_copy("folder")
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.parent != root)
    assert {path.suffix for path in files} == {".jpg", ".json", ".png"}
    for path in files[::4]:
        bits = _some_bits(path, 4)
        for bit in bits:
            flip(path, bit)
            assert lines(root) == []
            [found] = lines(root, full=True)
            assert found.startswith(f"{path.relative_to(root)}: sample")
            flip(path, bit)


def _members(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


@pytest.mark.parametrize("name", ["tars/a.tar", "wds/shard-000001.tar"])
def test_regions_of_a_tar_in_full(name: str, verify_copy: Copy) -> None:
    """Headers, payloads, further files, labels, what fills blocks, and the end: one fault in each case."""
    root = verify_copy(name.partition("/")[0])
    path = root / name.partition("/")[2]
    members = _members(path)
    places = {"end": 8 * path.stat().st_size - 1, "end mark": 8 * (path.stat().st_size - 2048)}
    for info in members[3:7]:
        places |= {
            f"{info.name} header {byte}": 8 * (info.offset + byte) for byte in (0, 101, 130, 150, 160, 345)
        }
        places |= {
            f"{info.name} content": 8 * info.offset_data,
            f"{info.name} last": 8 * (info.offset_data + info.size) - 1,
        }
        places[f"{info.name} padding"] = 8 * (info.offset_data + info.size)
    for place, bit in places.items():
        flip(path, bit)
        found = [line for line in lines(root, full=True) if "SHA-256" not in line]
        assert len(found) == 1, (place, found)
        key = place.partition(" ")[0].partition(".")[0]
        assert place.startswith("end") or repr(key) in found[0], (place, found)
        flip(path, bit)


def test_bits_of_foreign_tars_in_full(verify_copy: Copy) -> None:
    """All but those of the headers' own sums, which no reader looks at."""
    root = verify_copy("tars")
    path = root / "a.tar"
    sums = {info.offset + byte for info in _members(path) for byte in (148, 154, 155)}
    bits = [bit for bit in _some_bits(path, 150) if bit // 8 not in sums]
    assert _missed(path, bits, lambda: lines(root, full=True)) == []


def test_values_of_foreign_parquet_in_full(verify_copy: Copy) -> None:
    root = verify_copy("tables")
    table = pq.read_table(root / "a.parquet")
    for column, row, value in [
        ("image", 5, jpeg(7)),
        ("caption", 5, "other"),
        ("caption", 5, None),
        ("caption", 3, "some"),
        ("label", 5, "dog"),
        ("key", 5, "k4"),
    ]:
        values = table[column].to_pylist()
        values[row] = value
        at = table.column_names.index(column)
        other = table.set_column(at, column, pa.array(values))
        pq.write_table(other, root / "a.parquet", row_group_size=4, compression="zstd")
        found = [line for line in lines(root, full=True) if "bytes, and ought" not in line]
        assert len(found) == 1, (column, value, found)
        assert f"'k{row}'" in found[0]
