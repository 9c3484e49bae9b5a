"""Parquet shards: pyarrow reads them, and every value lies where it is said to lie."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipebench.datasets_prep.formats import parquet
from pipebench.datasets_prep.formats.contract import Row, Sample
from pipebench.errors import BadInput

LayOut = Callable[..., list[Row]]
MakeSample = Callable[..., Sample]


def _rows(samples: list[Sample]) -> list[dict[str, Any]]:
    """As pyarrow gives them back."""
    fields = sorted({extra.field for sample in samples for extra in sample.extras})
    rows = []
    for sample in samples:
        extras = {f".{extra.field}": extra.content for extra in sample.extras}
        row = {"key": sample.key, "label": sample.label, "image": sample.payload, "extension": sample.field}
        rows.append(row | {f".{field}": extras.get(f".{field}") for field in fields})
    return rows


def _check(rows: list[Row], samples: list[Sample], path: Path) -> None:
    content = path.read_bytes()
    assert pq.ParquetFile(path).read().to_pylist() == _rows(samples)
    for number, (row, sample) in enumerate(zip(rows, samples, strict=True)):
        contents = (sample.payload, *(extra.content for extra in sample.extras))
        for part, expected in zip((row.payload, *row.extras), contents, strict=True):
            assert (part.row, part.size) == (number, len(expected))
            assert content[part.offset : part.offset + part.size] == expected
            assert content[part.offset - 4 : part.offset] == part.size.to_bytes(4, "little")


def test_one_row(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    samples = [make_sample("a", 1, b"x")]
    _check(lay_out(tmp_path, "parquet", samples), samples, tmp_path / "s.parquet")


def test_no_row(lay_out: LayOut, tmp_path: Path) -> None:
    assert lay_out(tmp_path, "parquet", []) == []
    assert pq.ParquetFile(tmp_path / "s.parquet").read().to_pylist() == []


def test_extras_that_are_there_empty_or_missing(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path
) -> None:
    samples = [
        make_sample("a", json=b"{}"),
        make_sample("b", payload=b"", txt=b""),
        make_sample("c", **{"seg.png": b"mask", "txt": b"text"}),
        make_sample("d", field="png"),
    ]
    _check(lay_out(tmp_path, "parquet", samples), samples, tmp_path / "s.parquet")


def test_many_row_groups(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1000)
    samples = [
        make_sample(f"k{number}", payload=bytes(number * 7), txt=b"t" * number) for number in range(200)
    ]
    _check(lay_out(tmp_path, "parquet", samples), samples, tmp_path / "s.parquet")
    metadata = pq.read_metadata(tmp_path / "s.parquet")
    sizes = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    assert len(sizes) > 100
    assert max(sizes) < 2500


def test_row_groups_hold_so_many_rows_in_one_page(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path
) -> None:
    samples = [make_sample(f"{number}", payload=b"%d" % number) for number in range(10_001)]
    _check(lay_out(tmp_path, "parquet", samples), samples, tmp_path / "s.parquet")
    metadata = pq.read_metadata(tmp_path / "s.parquet")
    assert [metadata.row_group(number).num_rows for number in range(2)] == [10_000, 1]


def test_alike_values_are_told_apart(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    samples = [
        make_sample("same", payload=b"same", field="same", a=b"same", b=b"same"),
        make_sample("same", b=b"same"),
    ]
    _check(lay_out(tmp_path, "parquet", samples), samples, tmp_path / "s.parquet")


def test_payloads_lie_plain_and_uncompressed(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path
) -> None:
    lay_out(tmp_path, "parquet", [make_sample(f"k{n}", payload=b"x" * 1000, json=b"{}") for n in range(50)])
    group = pq.read_metadata(tmp_path / "s.parquet").row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    for name in ("image", ".json"):
        assert columns[name].compression == "UNCOMPRESSED"
        assert set(columns[name].encodings) <= {"PLAIN", "RLE"}
        assert not columns[name].is_stats_set
    assert columns["key"].statistics.min == "k0"


def test_the_schema_tells_kind_and_classes(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    lay_out(tmp_path, "parquet", [make_sample("a")], classes=("cät", "dog"))
    metadata = pq.read_schema(tmp_path / "s.parquet").metadata
    assert json.loads(metadata[b"pipebench"]) == {"kind": "image", "classes": ["cät", "dog"]}


def test_members_are_columns(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    [row] = lay_out(tmp_path, "parquet", [make_sample("a", field="cam.png", json=b"{}")])
    assert [part.member for part in (row.payload, *row.extras)] == ["image/cam.png", ".json"]


def test_pages_that_are_laid_out_otherwise_are_noticed(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "OPTIONS", {"compression": "zstd"})
    with pytest.raises(RuntimeError, match="lays out Parquet's pages in a way"):
        lay_out(tmp_path, "parquet", [make_sample("a", payload=b"x" * 1000)])


def test_samples_that_are_too_large(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "LARGEST", 10)
    for number, odd in enumerate((make_sample("a", payload=bytes(11)), make_sample("a", txt=bytes(11)))):
        with pytest.raises(BadInput, match="sample 'a' is larger than Parquet can hold"):
            lay_out(tmp_path, "parquet", [odd], name=str(number))


def test_too_many_sorts_of_extras(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="1001 sorts of further files, too many"):
        lay_out(tmp_path, "parquet", [make_sample("a", **{f"{number}": b"" for number in range(1001)})])
