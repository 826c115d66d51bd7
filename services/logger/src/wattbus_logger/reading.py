"""Reads `battery_log.csv` back: whole rows as they were; broken ones told by number, left out."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

NEEDED = ("at", "local_time", "station", "power_w", "energy_register_wh")


class BadLog(ValueError):  # noqa: N818 - says what it is, as InvalidMessage does
    """A file that is no log of ours; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One meter value; `local_time` is without zone, `sent_at` the wall clock's text."""

    at: datetime
    local_time: datetime
    station: str
    power_w: float
    energy_register_wh: float
    is_plugged_in: bool = True
    soc_percent: float | None = None
    target_soc_percent: float | None = None
    planned_limit_w: float | None = None
    reason: str = ""
    house_load_w: float | None = None
    site_load_w: float | None = None
    fuse_power_w: float | None = None
    price_per_kwh: float | None = None
    currency: str = ""
    station_min_power_w: float | None = None
    station_max_power_w: float | None = None
    battery_capacity_wh: float | None = None
    charging_efficiency: float | None = None
    sent_at: str = ""
    pv_power_w: float | None = None
    feed_in_price_per_kwh: float | None = None
    co2_g_per_kwh: float | None = None


@dataclass(slots=True)
class Problems:
    """What was left out while reading; the first few in words."""

    most_told: int = 5
    count: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, path: Path, row_number: int, problem: str) -> None:
        """Note a row that was left out; the header is row 1."""
        self.count += 1
        if len(self.told) < self.most_told:
            self.told.append(f"{path.name} row {row_number} left out: {problem}")

    def add_all(self, others: "Problems") -> None:
        """Take over what was left out elsewhere."""
        self.count += others.count
        self.told += others.told[: max(0, self.most_told - len(self.told))]

    def lines(self) -> list[str]:
        """Return what to tell."""
        more = self.count - len(self.told)
        return [*self.told, f"and {more} more rows left out"] if more else list(self.told)


def read_rows(
    path: Path, problems: Problems, stations: frozenset[str] | None = None
) -> Iterator[RecordedRow]:
    """Yield a file's rows, of some stations only if given. BadLog if it is no log at all."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(line.replace("\0", "�") for line in file)
        try:
            header = next(lines)
        except StopIteration:
            raise BadLog(f"{path} is empty: nothing has been recorded yet") from None
        except csv.Error as error:
            raise BadLog(f"{path} is no CSV file: {error}") from error
        for row in _rows(path, lines, _reader_of(path, header), problems, 0):
            if stations is None or row.station in stations:
                yield row


def read_rows_after(
    path: Path, offset: int, line_number: int, problems: Problems, most_bytes: int = -1
) -> tuple[list[RecordedRow], int, int]:
    """Read the rows after an offset on which a line begins; 0 reads from the header on.

    Returns the rows, and the offset and number of lines up to the end of the last whole line. A
    last line of the file without end is read too. BadLog if the file is no log at all.
    """
    with path.open("rb") as file:
        header = file.readline().decode(errors="replace")
        if not header:
            raise BadLog(f"{path} is empty: nothing has been recorded yet")
        if offset:
            file.seek(offset)
        else:
            offset, line_number = len(header.encode()), 1
        data = file.read(most_bytes)
        # A block ends within a line: the rest of it belongs to the next one.
        data += file.readline() if most_bytes >= 0 else b""
    text = data.decode(errors="replace").replace("\0", "�")
    lines = csv.reader(io.StringIO(text, newline=""))
    (names,) = csv.reader([header])
    rows = list(_rows(path, lines, _reader_of(path, names), problems, line_number))
    whole = data.rfind(b"\n") + 1
    return rows, offset + whole, line_number + data.count(b"\n")


def _rows(
    path: Path, lines: Any, read: "_Reader", problems: Problems, line_number: int
) -> Iterator[RecordedRow]:
    while True:
        try:
            cells = next(lines)
            if cells:
                yield read(cells)
        except StopIteration:
            return
        except (csv.Error, ValueError, IndexError) as error:
            problems.add(path, line_number + lines.line_num, str(error))


class _Reader:
    """Turns cells into a row by the header's names; columns may be missing or in another order."""

    def __init__(self, header: Sequence[str]) -> None:
        self._width = len(header)
        self._index = {name: index for index, name in enumerate(header)}

    def __call__(self, cells: Sequence[str]) -> RecordedRow:
        if len(cells) != self._width:
            raise ValueError(f"{len(cells)} cells instead of {self._width}")
        return RecordedRow(
            at=_instant(self._text(cells, "at")),
            local_time=datetime.fromisoformat(self._text(cells, "local_time")),
            station=self._text(cells, "station"),
            power_w=_required(cells[self._index["power_w"]], "power_w"),
            energy_register_wh=_required(
                cells[self._index["energy_register_wh"]], "energy_register_wh"
            ),
            is_plugged_in=self._text(cells, "is_plugged_in") != "false",
            soc_percent=self._number(cells, "soc_percent"),
            target_soc_percent=self._number(cells, "target_soc_percent"),
            planned_limit_w=self._number(cells, "planned_limit_w"),
            reason=self._text(cells, "reason"),
            house_load_w=self._number(cells, "house_load_w"),
            site_load_w=self._number(cells, "site_load_w"),
            fuse_power_w=self._number(cells, "fuse_power_w"),
            price_per_kwh=self._number(cells, "price_per_kwh"),
            currency=self._text(cells, "currency"),
            station_min_power_w=self._number(cells, "station_min_power_w"),
            station_max_power_w=self._number(cells, "station_max_power_w"),
            battery_capacity_wh=self._number(cells, "battery_capacity_wh"),
            charging_efficiency=self._number(cells, "charging_efficiency"),
            sent_at=self._text(cells, "sent_at"),
            pv_power_w=self._number(cells, "pv_power_w"),
            feed_in_price_per_kwh=self._number(cells, "feed_in_price_per_kwh"),
            co2_g_per_kwh=self._number(cells, "co2_g_per_kwh"),
        )

    def _text(self, cells: Sequence[str], name: str) -> str:
        index = self._index.get(name)
        return "" if index is None else cells[index]

    def _number(self, cells: Sequence[str], name: str) -> float | None:
        text = self._text(cells, name)
        return None if not text else _required(text, name)


def _reader_of(path: Path, header: Sequence[str]) -> _Reader:
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise BadLog(f"{path} is no battery log: its header lacks {', '.join(missing)}")
    return _Reader(header)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"at = {text!r} has no zone")
    return instant


def _required(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{name} = {text!r} is no number") from error
    if not math.isfinite(value):
        raise ValueError(f"{name} = {text!r} is no finite number")
    return value
