"""Reads CSV files (plain or gzipped) so that every mistake names file, line and column."""

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NOTHING = frozenset({"NA", "N/A", "NaN", "nan", "null", "NULL"})


class BadTable(ValueError):  # noqa: N818 - says what is wrong, as BadScenario does
    """A file that cannot be used; the message names file, line and column."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file with its cells by column."""

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell without the blanks around it; empty where nothing stands, or NA."""
        text = self.cells[column].strip()
        return "" if text in NOTHING else text

    def number(self, column: str, decimal: str = ".") -> float:
        """Return a finite number; BadTable for anything else."""
        text = self.text(column)
        try:
            value = float(text.replace(decimal, ".") if decimal != "." else text)
        except ValueError:
            raise self.mistake(column, "is no number") from None
        if not math.isfinite(value):
            raise self.mistake(column, "is no finite number")
        return value

    def instant(self, column: str, form: str | None = None) -> datetime:
        """Return date and time, naive unless the text says its offset; BadTable for others."""
        text = self.text(column)
        try:
            return datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - zone is applied by who knows it
        except ValueError:
            like = (
                f"in the form {form}" if form else "such as 2024-01-31 13:00 or 2024-01-31T12:00Z"
            )
            raise self.mistake(column, f"is no date and time {like}") from None

    def mistake(self, column: str, what: str) -> BadTable:
        """Return the error for a cell."""
        cell = self.cells.get(column) or ""
        return BadTable(f"{self.path}, line {self.line}, column {column}: {cell!r} {what}")


def read_rows(path: Path, columns: Sequence[str], delimiter: str = ",") -> Iterator[Row]:
    """Yield the rows of a file; lines that begin with # at its head are left out.

    BadTable if the file cannot be read, lacks a column, or has a line that is too short.
    """
    try:
        text = _text_of(path)
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise BadTable(f"{path}: {error}") from error
    lines = text.splitlines()
    skipped = 0
    while skipped < len(lines) and lines[skipped].startswith("#"):
        skipped += 1
    reader = csv.reader(lines[skipped:], delimiter=delimiter)
    head = [name.strip() for name in next(reader, [])]
    for column in columns:
        if column not in head:
            there = ", ".join(head) or "nothing"
            raise BadTable(f"{path}, line {skipped + 1}: no column {column!r}; there is {there}")
    places = [(column, head.index(column)) for column in columns]
    for cells in reader:
        if not cells:
            continue
        line = skipped + reader.line_num
        for column, place in places:
            if place >= len(cells):
                raise BadTable(f"{path}, line {line}, column {column}: the line ends before it")
        yield Row(path, line, {column: cells[place] for column, place in places})


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode("utf-8-sig")
