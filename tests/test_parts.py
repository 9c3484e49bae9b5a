"""Parts tell of their shards, and make the index one after the other."""

from pathlib import Path

import pytest

from pipebench.dataset import Shard
from pipebench.datasets_prep.formats.contract import Extra, Placed, PlacedPart, Sample
from pipebench.datasets_prep.sharding import parts as _parts
from pipebench.datasets_prep.sharding.parts import Part, Summary, summary, tables
from pipebench.errors import BadInput
from pipebench.index import content_sum

SHARD = Shard(name="x.tar", samples=5, size=9, sha256="ab", idx_sha256=None)


def sample(number: int) -> Sample:
    extras = (Extra("json", b"{}", number), Extra("txt", b"", 7)) if number % 2 else ()
    return Sample(f"key {number}", number % 3, "jpg", b"x" * number, (1 << 64) - 1 - number, extras)


def placed(number: int) -> Placed:
    extras = (PlacedPart("a", 1, 2), PlacedPart("b", 3, 0)) if number % 2 else ()
    return Placed(PlacedPart(f"key {number}.jpg", 100 * number, number), extras, row=number)


def make(path: Path, first: int, count: int, lag: int = 0) -> None:
    part, numbers = Part(2, first), range(first, first + count)
    seen = 0
    for seen, _ in enumerate(part.noting(map(sample, numbers)), start=1):
        if seen > lag:
            part.add(placed(first + seen - lag - 1))
    for late in range(lag):
        part.add(placed(first + seen - lag + late))
    path.write_bytes(part.content(SHARD))


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_what_a_part_says(tmp_path: Path, lag: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_parts, "BATCH", 2)
    make(tmp_path / "p", 10, 5, lag)
    samples = [sample(number) for number in range(10, 15)]
    total = content_sum([s.key for s in samples], [s.hash for s in samples], [s.label for s in samples])
    assert summary(str(tmp_path / "p")) == Summary(
        shard=SHARD, samples=5, payload_bytes=60, content_sum=total
    )
    (table,) = tables([str(tmp_path / "p")])
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [10, 11, 12, 13, 14]
    assert rows[0] == {
        "id": 10,
        "key": "key 10",
        "member": "key 10.jpg",
        "shard": 2,
        "row": 10,
        "offset": 1000,
        "size": 10,
        "label": 1,
        "hash": (1 << 64) - 11,
        "extras": None,
    }
    assert rows[1]["extras"] == [
        {"field": "json", "member": "a", "offset": 1, "size": 2, "hash": 11},
        {"field": "txt", "member": "b", "offset": 3, "size": 0, "hash": 7},
    ]


def test_tables_are_of_one_size_whatever_the_parts_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parts, "BATCH_ROWS", 4)
    urls = []
    for number, (first, count) in enumerate([(0, 1), (1, 2), (3, 9), (12, 1)]):
        make(tmp_path / f"{number}", first, count)
        urls.append(str(tmp_path / f"{number}"))
    found = list(tables(urls))
    assert [len(table) for table in found] == [4, 4, 4, 1]
    assert [row for table in found for row in table["id"].to_pylist()] == list(range(13))


def test_damage_is_one_sentence(tmp_path: Path) -> None:
    make(tmp_path / "p", 0, 5)
    whole = (tmp_path / "p").read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 50)]
    for damaged in (b"", whole[:5], whole[:100], whole[:-20], whole[:300] + whole[400:], *flipped):
        (tmp_path / "p").write_bytes(damaged)
        with pytest.raises(BadInput, match=r"is damaged .*; remove it, and its shard is made again"):
            summary(str(tmp_path / "p"))
        with pytest.raises(BadInput, match="is damaged"):
            list(tables([str(tmp_path / "p")]))
