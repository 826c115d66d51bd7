"""Reads back what the logger has left on its disk, without any of the logger's own code."""

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

RowId = tuple[str, str, int]
"""Source, boot_id and seq."""


@dataclass(slots=True)
class Logbook:
    """Rows by their sender's number and by (station, at); lines that cannot be read are torn."""

    rows: Counter[RowId] = field(default_factory=Counter)
    instants: Counter[tuple[str, str]] = field(default_factory=Counter)
    quarantined: Counter[RowId] = field(default_factory=Counter)
    torn: list[str] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        """How many rows or quarantined messages are there more than once."""
        return sum(
            times - 1 for counter in (self.rows, self.quarantined) for times in counter.values()
        )


def read_logbook(folder: Path) -> Logbook:
    """Read all days' files of a folder."""
    book = Logbook()
    for path in sorted(folder.glob("battery_log*.csv")):
        _read_rows(path, book)
    for path in sorted(folder.glob("quarantine*.jsonl")):
        for line in _lines(path, book):
            _read_quarantined(line, path, book)
    for path in sorted(folder.glob("events*.jsonl")):
        for line in _lines(path, book):
            try:
                json.loads(line)
            except ValueError:
                book.torn.append(f"{path.name}: {line[:80]}")
    return book


def _lines(path: Path, book: Logbook) -> list[str]:
    text = path.read_text(errors="replace")
    if text and not text.endswith("\n"):
        book.torn.append(f"{path.name}: {text[-80:]!r} has no end")
    return text.splitlines()


def _read_rows(path: Path, book: Logbook) -> None:
    lines = _lines(path, book)
    if not lines:
        return
    header = next(csv.reader(lines[:1]))
    for line, cells in zip(lines[1:], csv.reader(lines[1:]), strict=True):
        row = dict(zip(header, cells, strict=False))
        if len(cells) != len(header) or not row["seq"].isdecimal():
            book.torn.append(f"{path.name}: {line[:80]}")
            continue
        book.rows[row["source"], row["boot_id"], int(row["seq"])] += 1
        book.instants[row["station"], row["at"]] += 1


def _read_quarantined(line: str, path: Path, book: Logbook) -> None:
    try:
        document = json.loads(json.loads(line)["payload"])
        book.quarantined[document["source"], document["boot_id"], document["seq"]] += 1
    except (ValueError, KeyError, TypeError):
        book.torn.append(f"{path.name}: {line[:80]}")
