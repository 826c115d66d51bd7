"""Reads a series from a CSV file; every error names the file, the line and the column.

Lines that begin with `#` are comments. The header names the columns; `start` is one of
`HH:MM` (one wall-clock day that holds for every day), a local `YYYY-MM-DDTHH:MM`, or the same
with an offset or `Z`. A slot lasts until the next row begins.
"""

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattbus_simulator.series import DailySeries, DatedSeries, Series, Slot, WallSlot

START_COLUMN = "start"
_LONGEST_SLOT = timedelta(hours=1)


class BadSeriesError(ValueError):
    """A CSV file that cannot be read as a series; the text says where and why."""


@dataclass(frozen=True)
class _Row:
    where: str
    start: str
    value: float


def read_series(path: Path, column: str, factor: float, zone: ZoneInfo) -> Series:
    """Read `column` times `factor`; times without offset are in `zone`. Raises BadSeriesError."""
    rows = _read_rows(path, column, factor)
    if len(rows[0].start) == len("HH:MM"):
        return DailySeries(zone, _daily_profile(rows))
    return DatedSeries(zone, _dated_slots(rows, zone))


def _read_rows(path: Path, column: str, factor: float) -> list[_Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSeriesError(f"{path}: cannot be read: {error}") from error
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    cells = list(csv.reader(line for _, line in numbered))
    if len(cells) < 2:
        raise BadSeriesError(f"{path}: needs a header and at least one row")
    header = [name.strip() for name in cells[0]]
    for wanted in (START_COLUMN, column):
        if wanted not in header:
            raise BadSeriesError(
                f"{path}, line {numbered[0][0]}: no column {wanted!r}, found {', '.join(header)}"
            )
    start_index, value_index = header.index(START_COLUMN), header.index(column)
    rows = []
    for (number, _), row in zip(numbered[1:], cells[1:], strict=True):
        if len(row) != len(header):
            raise BadSeriesError(
                f"{path}, line {number}: {len(row)} cells, the header has {len(header)}"
            )
        where = f"{path}, line {number}, column {column!r}"
        # Rounding to a millionth takes back what the factor adds, as in 68.01 * 0.01.
        value = round(_finite(row[value_index], where) * factor, 6)
        where = f"{path}, line {number}, column {START_COLUMN!r}"
        rows.append(_Row(where, row[start_index].strip(), value))
    return rows


def _finite(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise BadSeriesError(f"{where}: {text!r} is not a number") from error
    if not math.isfinite(number):
        raise BadSeriesError(f"{where}: {text!r} is not a finite number")
    return number


def _daily_profile(rows: list[_Row]) -> tuple[WallSlot, ...]:
    profile: list[WallSlot] = []
    for row in rows:
        try:
            wall = datetime.strptime(row.start, "%H:%M").replace(tzinfo=UTC)
        except ValueError as error:
            raise BadSeriesError(f"{row.where}: {row.start!r} is not HH:MM") from error
        minute = wall.hour * 60 + wall.minute
        if not profile and minute != 0:
            raise BadSeriesError(f"{row.where}: the day begins with 00:00, not {row.start}")
        if profile and minute <= profile[-1].minute_of_day:
            raise BadSeriesError(f"{row.where}: {row.start} is not later than the row before")
        profile.append(WallSlot(minute, row.value))
    return tuple(profile)


def _dated_slots(rows: list[_Row], zone: ZoneInfo) -> tuple[Slot, ...]:
    starts: list[datetime] = []
    for row in rows:
        start_at = _instant(row, zone, starts[-1] if starts else None)
        if starts and not timedelta(0) < start_at - starts[-1] <= _LONGEST_SLOT:
            raise BadSeriesError(
                f"{row.where}: {row.start} does not follow the row before within an hour"
            )
        starts.append(start_at)
    end_at = starts[-1] + (starts[-1] - starts[-2] if len(starts) > 1 else _LONGEST_SLOT)
    for where, instant in ((rows[0].where, starts[0]), (rows[-1].where, end_at)):
        local = instant.astimezone(zone)
        if (local.hour, local.minute, local.second) != (0, 0, 0):
            raise BadSeriesError(
                f"{where}: dated rows hold whole local days from midnight to midnight, "
                f"but this one meets {local:%Y-%m-%d %H:%M}"
            )
    return tuple(
        Slot(start_at, int((until - start_at).total_seconds()), row.value)
        for row, start_at, until in zip(rows, starts, [*starts[1:], end_at], strict=True)
    )


def _instant(row: _Row, zone: ZoneInfo, previous: datetime | None) -> datetime:
    try:
        parsed = datetime.fromisoformat(row.start)
    except ValueError as error:
        raise BadSeriesError(
            f"{row.where}: {row.start!r} is neither HH:MM nor YYYY-MM-DDTHH:MM"
        ) from error
    if parsed.second or parsed.microsecond:
        raise BadSeriesError(f"{row.where}: {row.start!r} is not at a whole minute")
    if parsed.tzinfo is not None:
        return parsed.astimezone(UTC)
    instant = parsed.replace(tzinfo=zone).astimezone(UTC)
    if previous is not None and instant <= previous:
        # In autumn the same wall-clock hour comes twice: the second time is the later offset.
        instant = parsed.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != parsed:
        raise BadSeriesError(f"{row.where}: {row.start} does not exist in {zone.key}")
    return instant
