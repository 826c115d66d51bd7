"""Prices or house load from a CSV file; every mistake names the file, the line and the column.

Lines that begin with `#` are comments. The column `start` is `HH:MM` (one day that holds for every
day) or `YYYY-MM-DDTHH:MM`, local or with an offset. A slot lasts until the next row begins.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from wattbus_contract.broker_settings import BadSetting
from wattbus_station_bridge.stations.reading import SourceSlot

DAY = timedelta(days=1)
Row = tuple[int, str, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A day that repeats (`daily`) or dated slots; only one of them is filled."""

    daily: tuple[tuple[time, float], ...] = ()
    dated: tuple[SourceSlot, ...] = ()

    def slots(self, now: datetime, zone: ZoneInfo) -> tuple[SourceSlot, ...]:
        """Return the slots of today and tomorrow by the clock on the wall."""
        today = now.astimezone(zone).date()
        starts = [datetime.combine(today + offset * DAY, time(0), zone) for offset in (0, 1, 2)]
        first_at, end_at = starts[0].astimezone(UTC), starts[2].astimezone(UTC)
        if self.dated:
            return tuple(slot for slot in self.dated if first_at <= slot.start_at < end_at)
        marks = [
            (datetime.combine(today + offset * DAY, start, zone).astimezone(UTC), value)
            for offset in (0, 1)
            for start, value in self.daily
        ]
        ends = [*(start_at for start_at, _ in marks[1:]), end_at]
        return tuple(
            SourceSlot(start_at, (until - start_at).total_seconds(), value)
            for (start_at, value), until in zip(marks, ends, strict=True)
            # An hour that summer time leaves out begins when the next one does.
            if until > start_at
        )


def read(
    path: Path, column: str, factor: float, zone: ZoneInfo, least: float = -math.inf
) -> Series:
    """Return `column` times `factor`; BadSetting says what is wrong and where.

    A value below `least` is a mistake, too.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read: {error}") from error
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    cells = list(csv.reader(line for _, line in numbered))
    header = [name.strip() for name in cells[0]] if cells else []
    for wanted in ("start", column):
        if wanted not in header:
            raise BadSetting(f"{path}: no column {wanted!r}, found {', '.join(header) or 'none'}")
    at, value_at = header.index("start"), header.index(column)
    rows: list[Row] = []
    for (number, _), row in zip(numbered[1:], cells[1:], strict=True):
        if len(row) != len(header):
            raise BadSetting(f"{path}, line {number}: {len(row)} cells, not {len(header)}")
        where = f"{path}, line {number}, column {column!r}"
        value = _finite(row[value_at], where)
        if value < least:
            raise BadSetting(f"{where}: {value:g} is below {least:g}")
        rows.append((number, row[at].strip(), round(value * factor, 6)))
    if not rows:
        raise BadSetting(f"{path}: has no rows")
    if len(rows[0][1]) == len("HH:MM"):
        return Series(daily=_daily(path, rows))
    return Series(dated=_dated(path, rows, zone))


def _finite(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise BadSetting(f"{where}: {text!r} is no number") from error
    if not math.isfinite(number):
        raise BadSetting(f"{where}: {text!r} is no finite number")
    return number


def _daily(path: Path, rows: Sequence[Row]) -> tuple[tuple[time, float], ...]:
    profile = []
    for number, text, value in rows:
        try:
            profile.append((time.fromisoformat(text), value))
        except ValueError as error:
            raise BadSetting(f"{path}, line {number}: {text!r} is not HH:MM") from error
    if profile[0][0] != time(0):
        raise BadSetting(f"{path}, line {rows[0][0]}: a day begins with 00:00")
    for (number, text, _), ((earlier, _), (later, _)) in zip(
        rows[1:], pairwise(profile), strict=True
    ):
        if later <= earlier:
            raise BadSetting(f"{path}, line {number}: {text} is not later than the row before")
    return tuple(profile)


def _dated(path: Path, rows: Sequence[Row], zone: ZoneInfo) -> tuple[SourceSlot, ...]:
    marks: list[tuple[datetime, float]] = []
    for number, text, value in rows:
        try:
            start = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadSetting(
                f"{path}, line {number}: {text!r} is neither HH:MM nor YYYY-MM-DDTHH:MM"
            ) from error
        start_at = _utc(start, zone)
        if marks and start_at <= marks[-1][0]:
            # In autumn a local hour comes twice; the second time has the later offset.
            start_at = _utc(start.replace(fold=1), zone)
        if marks and start_at <= marks[-1][0]:
            raise BadSetting(f"{path}, line {number}: {text} is not later than the row before")
        marks.append((start_at, value))
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(marks)]
    steps.append(steps[-1] if steps else timedelta(hours=1))
    return tuple(
        SourceSlot(start_at, step.total_seconds(), value)
        for (start_at, value), step in zip(marks, steps, strict=True)
    )


def _utc(instant: datetime, zone: ZoneInfo) -> datetime:
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
