"""An index that agrees with its checksum and lies."""

import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.dataset import INDEX, open_dataset, write_description
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.files import join
from pipebench.index import content_name, content_sum, schema, write_rows
from tests.verifying import OURS, SHARDED, Copy, lines


def _rewrite(root: Path, rows: Callable[[list[dict[str, Any]]], Any], **described: Any) -> None:
    """Changes the index's rows in place, and seals it as its writer would have."""
    dataset = open_dataset(str(root))
    table = pq.read_table(root / INDEX).to_pylist()
    rows(table)
    changed = pa.Table.from_pylist(table, schema=schema())
    sums = content_sum(
        changed["key"].to_pylist(),
        np.array([row["hash"] for row in table], np.uint64),
        np.array([row["label"] for row in table], np.int64),
    )
    size = sum(row["size"] for row in table)
    made = replace(dataset, content_id=content_name(sums), payload_bytes=size, samples=len(table))
    sha256 = write_rows(join(dataset.url, INDEX), [changed])
    write_description(replace(made, index_sha256=sha256, **described))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": 7}, "its id is 7 where 5 is due"),
        ({"key": ""}, "sample 5 has an empty key"),
        ({"label": 2}, "its label is 2, and there are 2 classes"),
        ({"label": -1}, "its label is -1"),
        ({"shard": 9}, "its shard is number 9"),
        ({"shard": -7}, "its shard is number -7"),
        ({"row": 2**62}, "row"),
        ({"offset": 2**63 - 1}, ""),
        ({"offset": -5}, ""),
        ({"size": -1}, "its size is -1"),
        ({"size": 2**63 - 1}, ""),
        ({"member": "../../etc/passwd"}, "leads out of the dataset"),
        ({"member": "/etc/passwd"}, "leads out of the dataset"),
        ({"member": "a\0b"}, "leads out of the dataset"),
        ({"member": ""}, "leads out of the dataset"),
        (
            {"extras": [{"field": "x", "member": "../x", "offset": 2**63 - 1, "size": -3, "hash": 0}]},
            "its 'x': ",
        ),
        (
            {"extras": [{"field": "x", "member": "x", "offset": 5, "size": 2, "hash": 0}] * 2},
            "two of that name",
        ),
    ],
)
def test_values_that_cannot_be(
    form: str, change: dict[str, Any], says: str, full: bool, verify_copy: Copy
) -> None:
    root = verify_copy(form)
    _rewrite(root, lambda rows: rows[5].update(change))
    found = lines(root, full=full)
    assert any(says in line for line in found), found


@pytest.mark.parametrize("form", OURS)
def test_values_that_are_missing(form: str, verify_copy: Copy) -> None:
    root = verify_copy(form)
    for change in (
        {"extras": [{"field": "x", "member": "x", "offset": None, "size": 1, "hash": 0}]},
        {"offset": None},
    ):
        table = pq.read_table(root / INDEX).to_pylist()
        table[5] |= change
        sha256 = write_rows(str(root / INDEX), [pa.Table.from_pylist(table, schema=schema())])
        write_description(replace(open_dataset(str(root)), index_sha256=sha256))
        assert lines(root, full=True)[0] == f"{INDEX}: it misses values"


def test_an_index_without_a_column(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    pq.write_table(pq.read_table(root / INDEX).drop_columns(["label"]), root / INDEX)
    _reseal(root)
    assert lines(root)[0] == f"{INDEX}: it has no column 'label' of type int64"


def test_an_index_that_is_no_parquet(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    (root / INDEX).write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    _reseal(root)
    assert lines(root)[0].startswith(f"{INDEX}: it cannot be read")


def _reseal(root: Path) -> None:
    sha256 = hashlib.sha256((root / INDEX).read_bytes()).hexdigest()
    write_description(replace(open_dataset(str(root)), index_sha256=sha256))


def test_sums_that_do_not_add_up(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    dataset = open_dataset(str(root))
    one = replace(dataset.shards[0], samples=5)
    wrong = replace(
        dataset, samples=11, payload_bytes=1, content_id="0" * 32, shards=(one, *dataset.shards[1:])
    )
    write_description(wrong)
    found = lines(root)
    assert [line.partition(" is ")[0] for line in found[:3]] == [
        f"{INDEX}: its samples",
        f"{INDEX}: its payload_bytes",
        f"{INDEX}: its content_id",
    ]
    assert found[3:] == ["shard-000000.tar: the index has 4 samples of it, and the description says 5"]


def test_a_key_twice(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    _rewrite(root, lambda rows: rows[7].update(key=rows[2]["key"]))
    [found] = lines(root)
    key = open_dataset(str(root)).index.key[2].as_py()
    assert found == f"shard-000001.tar: sample {key!r}, its key is that of sample 2 too; it is sample 7"


@pytest.mark.parametrize("form", SHARDED)
def test_two_samples_in_one_place(form: str, verify_copy: Copy) -> None:
    root = verify_copy(form)
    same = ("offset", "size", "hash", "row", "member")
    _rewrite(root, lambda rows: rows[5].update({name: rows[4][name] for name in same}))
    found = lines(root)
    assert any("shares bytes with sample" in line for line in found)
    assert any("its row 0 is that of sample" in line for line in found) == (form == "parquet")


@pytest.mark.parametrize("form", SHARDED)
@pytest.mark.parametrize("full", [False, True])
def test_rows_in_any_order_are_no_fault(form: str, full: bool, verify_copy: Copy) -> None:
    root = verify_copy(form)

    def shuffle(rows: list[dict[str, Any]]) -> None:
        random.Random(4).shuffle(rows)
        for number, row in enumerate(rows):
            row["id"] = number

    _rewrite(root, shuffle)
    assert lines(root, full=full) == []


def test_labels_and_further_columns_in_full(verify_copy: Copy) -> None:
    """An index that agrees with itself and not with the shards."""
    for form in SHARDED:
        root = verify_copy(form)
        _rewrite(root, lambda rows: rows[5].update(label=1 - rows[5]["label"]))
        assert lines(root) == []
        [found] = lines(root, full=True)
        assert "label" in found
        shutil.rmtree(root)
        root = verify_copy(form)
        _rewrite(root, lambda rows: next(row for row in rows if row["extras"]).update(extras=None))
        assert lines(root) == []
        told = lines(root, full=True)
        assert len(told) == {"wds": 3, "parquet": 2}[form]  # the DALI index has another line too


@pytest.mark.parametrize("form", OURS)
def test_a_damaged_image_with_the_right_hash(form: str, verify_originals: Path, tmp_path: Path) -> None:
    plain = Path(shutil.copytree(verify_originals / "plain", tmp_path / "plain"))
    content = (plain / "cats/3.jpg").read_bytes()
    (plain / "cats/3.jpg").write_bytes(content[: len(content) // 2])
    root = tmp_path / "damaged"
    shard_dataset(str(plain), str(root), Sharding(format=form))
    assert lines(root) == []
    [found] = lines(root, full=True)
    assert "sample 'cats/3'" in found
    assert "its payload cannot be decoded: " in found


def test_a_dali_index_that_lies(verify_copy: Copy) -> None:
    root = verify_copy("wds")
    path = root / "shard-000001.idx"
    text = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*text[:2], text[2].replace(b"cls", b"cla"), *text[3:], b"x\n"]))
    dataset = open_dataset(str(root))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    shards = [replace(s, idx_sha256=sha256) if "01" in s.name else s for s in dataset.shards]
    write_description(replace(dataset, shards=tuple(shards)))
    assert lines(root) == []
    found = lines(root, full=True)
    assert [line.partition(" is ")[0] for line in found] == [
        f"shard-000001.idx: sample '{dataset.index.key[5].as_py()}' at byte {len(text[0] + text[1])}, line 3",
        f"shard-000001.idx: at byte {sum(map(len, text))}, line 6",
    ]
