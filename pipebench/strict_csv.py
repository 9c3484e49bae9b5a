"""CSV files that nobody vouches for: the expected columns and no others, the line named in every error."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path

from pipebench.errors import BadInput, one_line, unknown

MOST_BYTES = 4_000_000
LONGEST_CELL = 500


class Line:
    """One row; its errors say where it stands."""

    def __init__(self, where: str, cells: Mapping[str, str]) -> None:
        self.where = where
        self._cells = cells

    def text(self, column: str) -> str:
        """The cell without space around it; empty where the file lacks the column."""
        return self._cells.get(column, "").strip()

    def needed(self, column: str) -> str:
        """As `text`; raises `BadInput` where it is empty."""
        found = self.text(column)
        if not found:
            raise self.wrong(f"{column} is empty")
        return found

    def choice(self, column: str, known: Sequence[str]) -> str:
        """One of `known`."""
        found = self.needed(column)
        if found not in known:
            raise self.wrong(str(unknown(column, found, known)))
        return found

    def positive(self, column: str) -> float | None:
        """A finite number above 0, or None where the cell is empty."""
        text = self.text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not (isfinite(number) and number > 0):
            raise self.wrong(f"{column} must be a number above 0, not {one_line(text, 40)!r}")
        return number

    def wrong(self, what: str) -> BadInput:
        """The error that says where, and what is wrong there."""
        return BadInput(f"{self.where}: {what}")


def read_text(path: Path) -> str:
    """The file's text; raises `BadInput` where it cannot be read, is too large, or is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES / 1e6:g} MB, so it is no table of profiles")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is no text in UTF-8") from None


def lines(text: str, name: str, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Line]:
    """The rows below the heading; raises `BadInput` for other columns, surplus or unprintable cells."""
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        heading = [column.strip() for column in next(reader, [])]
        _check_heading(heading, name, needed, optional)
        for cells in reader:
            if any(cells):
                yield _line(f"{name}, line {reader.line_num}", heading, cells)
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: {error}") from None


def _check_heading(heading: Sequence[str], name: str, needed: Sequence[str], optional: Sequence[str]) -> None:
    if len(set(heading)) < len(heading):
        raise BadInput(f"{name}: a column is there twice")
    if missing := [column for column in needed if column not in heading]:
        raise BadInput(
            f"{name}: its first line must name the columns {', '.join(needed)}; {missing[0]} is missing"
        )
    for column in heading:
        if column not in (*needed, *optional):
            raise BadInput(f"{name}: {unknown('column', one_line(column, 40), (*needed, *optional))}")


def _line(where: str, heading: Sequence[str], cells: Sequence[str]) -> Line:
    line = Line(where, dict(zip(heading, cells, strict=False)))
    if len(cells) != len(heading):
        raise line.wrong(f"{len(cells)} cells under {len(heading)} columns")
    if not all(cell.isprintable() and len(cell) <= LONGEST_CELL for cell in cells):
        raise line.wrong(f"a cell is not printable, or longer than {LONGEST_CELL} characters")
    return line
