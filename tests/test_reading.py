"""Samples are read from wherever they lie, few reads at a time, and what has changed is refused."""

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.datasets_prep import _fetching, _reading
from pipebench.datasets_prep._reading import read_samples
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.formats.contract import Extra, Part, Row, Sample
from pipebench.errors import BadInput

LayOut = Callable[..., list[Row]]
MakeSample = Callable[..., Sample]
EVERY = pytest.mark.parametrize("format", FORMATS)


@pytest.fixture
def samples(make_sample: MakeSample) -> list[Sample]:
    """Of many sizes, some empty, most with extras."""
    return [
        make_sample(f"k{number}", number % 2, os.urandom(number * 37), txt=b"t" * number)
        if number % 3
        else make_sample(f"k{number}", payload=b"", json=b"")
        for number in range(150)
    ]


def _owned(samples: Iterable[Sample]) -> list[Sample]:
    return [
        found._replace(
            payload=bytes(found.payload),
            extras=tuple(extra._replace(content=bytes(extra.content)) for extra in found.extras),
        )
        for found in samples
    ]


@EVERY
def test_any_order(samples: list[Sample], lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    rows = lay_out(tmp_path, format, samples)
    order = list(range(len(rows)))
    for _ in range(3):
        assert _owned(read_samples(rows[number] for number in order)) == [samples[number] for number in order]
        random.Random(5).shuffle(order)


def test_many_shards_in_turns(samples: list[Sample], lay_out: LayOut, tmp_path: Path) -> None:
    rows = [lay_out(tmp_path, "wds", [sample], name=f"s{n}")[0] for n, sample in enumerate(samples)]
    assert _owned(read_samples(rows[::-1] + rows)) == samples[::-1] + samples
    assert not _open_below(tmp_path)


@EVERY
def test_what_is_not_known_is_taken_as_it_is(
    samples: list[Sample],
    lay_out: LayOut,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    rows = lay_out(tmp_path, format, samples)
    size = {"size": -1} if format == "folder" else {}
    bare = [
        row._replace(
            payload=row.payload._replace(hash=None, **size),
            extras=tuple(part._replace(hash=None, **size) for part in row.extras),
        )
        for row in rows
    ]
    assert _owned(read_samples(bare)) == samples


@EVERY
def test_remote_files(samples: list[Sample], lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    rows = lay_out(tmp_path, format, samples)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        with fsspec.open(f"memory://reading/{format}/{path.relative_to(tmp_path)}", "wb") as file:
            file.write(path.read_bytes())

    def moved(part: Part) -> Part:
        return part._replace(url=part.url.replace(str(tmp_path), f"memory://reading/{format}"))

    remote = [row._replace(payload=moved(row.payload), extras=tuple(map(moved, row.extras))) for row in rows]
    assert _owned(read_samples(remote)) == samples


def _counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often the system is asked to open and to read."""
    counts = {"open": 0, "pread": 0}

    def count(name: str) -> Callable[..., Any]:
        function = getattr(os, name)

        def call(*args: Any) -> Any:
            counts[name] += 1
            return function(*args)

        return call

    for name in counts:
        monkeypatch.setattr(_fetching.os, name, count(name))
    return counts


@pytest.mark.parametrize("format", ["wds", "parquet"])
def test_neighbours_are_read_together(
    samples: list[Sample],
    lay_out: LayOut,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    format: str,  # noqa: A002
) -> None:
    rows = lay_out(tmp_path, format, samples)
    counts = _counted(monkeypatch)
    for _ in read_samples(rows):
        pass
    assert counts["open"] == 1
    assert counts["pread"] <= 3


def test_no_more_than_a_window_is_read_ahead(
    samples: list[Sample], lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lay_out(tmp_path, "wds", samples)
    monkeypatch.setattr(_reading, "LOCAL", (50_000, 10))
    counts = _counted(monkeypatch)
    read = read_samples(rows)
    for _ in range(10):
        next(read)
    assert counts["pread"] == 1
    next(read)
    assert counts["pread"] == 2
    read.close()
    assert not _open_below(tmp_path)


def _open_below(folder: Path) -> list[str]:
    links = (os.readlink(link) for link in map(str, Path("/proc/self/fd").iterdir()) if os.path.islink(link))  # noqa: PTH115, PTH114 - they come and go
    return [link for link in links if link.startswith(str(folder))]


def _spoilt(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


@EVERY
def test_another_payload(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    [good, row] = lay_out(
        tmp_path, format, [make_sample("good"), make_sample("bad", payload=b"abc", txt=b"text")]
    )
    _spoilt(Path(row.payload.url), lambda whole: whole.replace(b"abc", b"abd"))
    with pytest.raises(
        BadInput, match=r"sample 'bad': .* has changed since it was indexed; index its dataset again"
    ):
        list(read_samples([good, row]))


@EVERY
def test_another_extra(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    [row] = lay_out(tmp_path, format, [make_sample("bad", txt=b"text")])
    _spoilt(Path(row.extras[0].url), lambda whole: whole.replace(b"text", b"test"))
    with pytest.raises(BadInput, match=r"sample 'bad': .*txt has changed since it was indexed"):
        list(read_samples([row]))


@EVERY
def test_a_file_that_is_cut_short(
    make_sample: MakeSample,
    lay_out: LayOut,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    rows = lay_out(tmp_path, format, [make_sample(f"k{number}", payload=b"abc") for number in range(3)])
    last = rows[-1].payload
    os.truncate(last.url, last.offset + 2)
    with pytest.raises(BadInput, match=r"sample 'k2': .* it is shorter than its 3 bytes"):
        list(read_samples(rows))


def test_a_file_that_grew(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    [row] = lay_out(tmp_path, "folder", [make_sample("x", payload=b"abc")])
    _spoilt(Path(row.payload.url), lambda whole: whole + b"d")
    with pytest.raises(BadInput, match=r"sample 'x': c0/x.jpg .* it is longer than its 3 bytes"):
        list(read_samples([row]))


def test_a_file_that_is_being_written(
    make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = lay_out(tmp_path, "folder", [make_sample("x", payload=b"abc")])
    fstat = os.fstat

    def grow(file: int) -> os.stat_result:
        found = fstat(file)
        _spoilt(Path(row.payload.url), lambda whole: whole + b"d")
        return found

    monkeypatch.setattr(_fetching.os, "fstat", grow)
    bare = row._replace(payload=row.payload._replace(hash=None, size=-1))
    with pytest.raises(BadInput, match=r"sample 'x': c0/x.jpg cannot be read \(it is being written to\)"):
        list(read_samples([bare]))


@EVERY
def test_a_missing_file(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    rows = lay_out(tmp_path, format, [make_sample("a"), make_sample("b")])
    Path(rows[1].payload.url).unlink()
    with pytest.raises(BadInput, match=r"sample '.': .* cannot be read \(No such file or directory\)"):
        list(read_samples(rows))


def test_a_missing_remote_file(make_sample: MakeSample) -> None:
    for size in (3, -1):
        part = Part("jpg", "x.jpg", "memory://reading/nothing/x.jpg", 0, size, None)
        with pytest.raises(
            BadInput, match=r"sample 'x': x.jpg cannot be read \(.*\); index its dataset again"
        ):
            list(read_samples([Row("x", 0, part)]))


@pytest.fixture
def foreign(tmp_path: Path) -> str:
    """Parquet that pyarrow writes unasked."""
    columns = {
        "image": [b"%d" % row * 9 for row in range(90)],
        "text": [f"{row}" if row % 2 else None for row in range(90)],
    }
    pq.write_table(pa.table(columns), tmp_path / "f.parquet", row_group_size=20)
    return str(tmp_path / "f.parquet")


def _cell(url: str, row: int, column: str = "image/png", field: str = "png") -> Part:
    return Part(field, column, url, -1, -1, None, row)


def test_cells_of_foreign_parquet(foreign: str, make_sample: MakeSample) -> None:
    numbers = [*range(90), 5, 88, 3]
    rows = [Row(f"k{n}", 0, _cell(foreign, n), (_cell(foreign, n, "text", "text.txt"),)) for n in numbers]
    for number, sample in zip(numbers, read_samples(rows), strict=True):
        assert (sample.payload, sample.field) == (b"%d" % number * 9, "png")
        text = b"%d" % number
        expected = make_sample("", **{"text.txt": text}).extras if number % 2 else ()
        assert sample.extras == expected


def test_cells_in_a_random_order_are_decoded_together(foreign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    whole = pq.ParquetFile.iter_batches

    def counted(self: Any, *args: Any, row_groups: list[int], **options: Any) -> Any:
        groups.extend(row_groups)
        return whole(self, *args, row_groups=row_groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    order = random.Random(5).sample(range(90), 90)
    found = [sample.payload for sample in read_samples(Row(f"{n}", 0, _cell(foreign, n)) for n in order)]
    assert found == [b"%d" % number * 9 for number in order]
    assert groups == [0, 1, 2, 3, 4]


def test_a_cell_without_a_payload(foreign: str) -> None:
    with pytest.raises(BadInput, match=r"sample 'x': .*f.parquet/text/txt has no value"):
        list(read_samples([Row("x", 0, _cell(foreign, 0, "text/txt", "txt"))]))


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [(90, "image", "90 rows, and none with number 90"), (0, "x", "no column 'x'")],
)
def test_cells_that_are_gone(foreign: str, row: int, column: str, message: str) -> None:
    with pytest.raises(BadInput, match=rf"sample 'x': .* cannot be read \(it has {message}\)"):
        list(read_samples([Row("x", 0, _cell(foreign, row, column))]))


def test_another_file_where_parquet_was(foreign: str) -> None:
    Path(foreign).write_bytes(b"nothing" * 100)
    with pytest.raises(BadInput, match=r"sample 'x': .*f.parquet/image/png cannot be read"):
        list(read_samples([Row("x", 0, _cell(foreign, 0))]))


def test_nothing() -> None:
    assert list(read_samples([])) == []


def test_extras_keep_their_order(make_sample: MakeSample, lay_out: LayOut, tmp_path: Path) -> None:
    [row] = lay_out(tmp_path, "wds", [make_sample("x", a=b"1", b=b"2")])
    [sample] = read_samples([row])
    assert [type(extra) for extra in sample.extras] == [Extra, Extra]
    assert [extra.field for extra in sample.extras] == ["a", "b"]
