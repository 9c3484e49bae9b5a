"""Cells of Parquet that somebody else wrote."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench import cells
from pipebench.cells import Cell, Cells, payload_column, read_cell
from pipebench.dataset import Dataset, Shard
from pipebench.index import make_index

ROWS = 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """100 rows in row groups of 30, as pyarrow writes them unasked: compressed, with dictionaries."""
    columns: dict[str, Any] = {
        "image": [
            {"bytes": b"%d" % row * row, "path": f"{row}.png"} if row % 7 else None for row in range(ROWS)
        ],
        "a.b": [f"ä{row}" if row % 5 else None for row in range(ROWS)],
        "word": pa.array(["yes", "no"] * 50).dictionary_encode(),
        "number": range(ROWS),
        "share": [row / 4 for row in range(ROWS)],
        "boxes": [[{"x": row, "name": "é"}] * (row % 3) for row in range(ROWS)],
        "when": [datetime(2020, 1, 1)] * ROWS,
        "raw": [[b"\xff"]] * ROWS,
    }
    pq.write_table(pa.table(columns), tmp_path / "foreign.parquet", row_group_size=30)
    return tmp_path / "foreign.parquet"


@pytest.fixture
def opened(path: Path) -> Iterator[Cells]:
    with closing(Cells(str(path))) as found:
        yield found


def test_contents(opened: Cells) -> None:
    columns = ["image.bytes", "image.path", "a.b", "word", "number", "share", "boxes", "when", "raw"]
    assert opened.read([Cell(31, column) for column in columns]) == [
        b"31" * 31,
        b"31.png",
        "ä31".encode(),
        b"no",
        b"31",
        b"7.75",
        '[{"x": 31, "name": "é"}]'.encode(),
        b'"2020-01-01 00:00:00"',
        b'["/w=="]',
    ]


def test_null_is_none(opened: Cells) -> None:
    assert opened.read([Cell(7, "image.bytes"), Cell(5, "a.b"), Cell(0, "number")]) == [None, None, b"0"]


@pytest.mark.parametrize("batch_rows", [1, 7, 4096])
def test_rows_in_any_order(path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int) -> None:
    monkeypatch.setattr(cells, "BATCH_ROWS", batch_rows)
    with closing(Cells(str(path))) as found:
        for rows in ([3, 1, 2], [50, 99, 0, 50], [98], [29, 30, 59, 60], [5], range(ROWS)):
            assert found.read([Cell(row, "number") for row in rows]) == [b"%d" % row for row in rows]


def test_columns_that_are_asked_for_later(opened: Cells) -> None:
    assert opened.read([Cell(40, "number")]) == [b"40"]
    assert opened.read([Cell(41, "share"), Cell(42, "number")]) == [b"10.25", b"42"]


def test_rows_in_order_are_decoded_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    whole = pq.ParquetFile.iter_batches

    def counted(self: Any, *args: Any, row_groups: list[int], **options: Any) -> Any:
        groups.extend(row_groups)
        return whole(self, *args, row_groups=row_groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    with closing(Cells(str(path))) as found:
        for row in range(ROWS):
            found.read([Cell(row, "number"), Cell(row, "image.bytes")])
    assert groups == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Cell(100, "number"), "100 rows, and none with number 100"),
        (Cell(0, "nothing"), "no column 'nothing'"),
        (Cell(0, "image.nothing"), "nothing"),
    ],
)
def test_what_is_not_there(opened: Cells, cell: Cell, message: str) -> None:
    with pytest.raises(OSError, match=message):
        opened.read([cell])


def test_text_that_is_none(tmp_path: Path) -> None:
    lengths = pa.py_buffer(b"\0\0\0\0\1\0\0\0")
    text = pa.Array.from_buffers(pa.string(), 1, [None, lengths, pa.py_buffer(b"\xff")])
    pq.write_table(pa.table({"text": text}), tmp_path / "x.parquet")
    assert read_cell(str(tmp_path / "x.parquet"), 0, "text") == b"\xff"


@pytest.mark.parametrize(
    "sort",
    [
        pa.binary(2),
        pa.large_binary(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
    ],
)
def test_types_of_bytes_and_text(tmp_path: Path, sort: Any) -> None:
    values = pa.array([b"ab", None] if pa.types.is_fixed_size_binary(sort) else ["ab", None], sort)
    pq.write_table(pa.table({"x": values}), tmp_path / "x.parquet")
    with closing(Cells(str(tmp_path / "x.parquet"))) as found:
        assert found.read([Cell(0, "x"), Cell(1, "x")]) == [b"ab", None]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet" * 100])
def test_files_that_are_no_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(OSError, match=r"(?i)parquet"):
        Cells(str(tmp_path / "x.parquet"))


def test_a_flipped_byte_is_no_crash(path: Path) -> None:
    """Whatever it hits: an error that is `OSError`, or other content, which hashes tell."""
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            with closing(Cells(str(path))) as found:
                found.read([Cell(row, "image.bytes") for row in range(0, ROWS, 9)])
        except OSError as error:
            assert str(error)


def test_remote_files(path: Path) -> None:
    with fsspec.open("memory://cells/foreign.parquet", "wb") as file:
        file.write(path.read_bytes())
    assert read_cell("memory://cells/foreign.parquet", 31, "image.bytes") == b"31" * 31


def test_payload_columns() -> None:
    assert payload_column("image.bytes/cam.png") == "image.bytes"
    assert payload_column("odd/name/png") == "odd/name"
    assert payload_column("image") == "image"


def test_a_cell_that_has_nothing(path: Path) -> None:
    with pytest.raises(OSError, match=r"row 7 has nothing in its column 'image\.bytes'"):
        read_cell(str(path), 7, "image.bytes")


def test_a_dataset_whose_payloads_lie_encoded(path: Path) -> None:
    index = make_index(
        key=["a", "b"],
        member=["image.bytes/png"] * 2,
        shard=[0, 0],
        offset=[-1, -1],
        size=[4, 6],
        label=[0, 0],
        hash=[0, 0],
        row=[2, 3],
    )
    shard = Shard(name=path.name, samples=ROWS, size=path.stat().st_size, sha256=None)
    root = str(path.parent)
    dataset = Dataset(
        url=root,
        root=root,
        kind="image",
        format="parquet",
        classes=("c",),
        samples=2,
        payload_bytes=5,
        content_id="",
        shards=(shard,),
    )
    vars(dataset)["index"] = index
    assert dataset.payloads(2) == [b"22", b"333"]
