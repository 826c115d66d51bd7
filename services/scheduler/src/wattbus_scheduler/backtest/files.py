"""Reads a study's files: prices, house load and sessions as they stand there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattbus_scheduler.backtest.csv_rows import Row, read_rows
from wattbus_scheduler.backtest.study import House, Prices, Sessions, Study, find_file
from wattbus_scheduler.backtest.timeline import Steps, instant_s, steps_of

MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class RawSession:
    """A session as its file has it; `line` for people."""

    car: str
    arrival_s: float
    departure_s: float
    energy_wh: float
    line: int


@dataclass(frozen=True, slots=True)
class RawData:
    """What files say, before it is put on a grid: market prices, house load, sessions."""

    prices: Steps
    loads: Steps | dict[datetime, float] | None
    sessions: list[RawSession]
    notes: list[str]


def read_data(study: Study, folder: Path) -> RawData:
    """Read prices, house load and sessions. BadTable."""
    zone = study.zone
    notes: list[str] = []
    prices = _read_prices(study.prices, find_file(folder, study.prices.file), zone)
    loads = _read_house(study.house, folder, zone) if study.house is not None else None
    path = find_file(folder, study.sessions.file)
    described = [car.id for car in study.cars if car.id is not None]
    wanted = frozenset(study.sessions.cars or described)
    sessions = _read_sessions(study.sessions, path, zone, wanted, notes)
    return RawData(prices, loads, sessions, notes)


def _read_prices(source: Prices, path: Path, zone: ZoneInfo) -> Steps:
    rows = read_rows(path, [source.at, source.price], source.delimiter)
    return _steps(source, rows, source.price, zone)


def _read_house(source: House, folder: Path, zone: ZoneInfo) -> Steps | dict[datetime, float]:
    path = find_file(folder, source.file)
    rows = read_rows(path, [source.at, source.power], source.delimiter)
    if not source.shift_weeks:
        return _steps(source, rows, source.power, zone)
    values: dict[datetime, float] = {}
    for row in rows:
        if not row.text(source.power):
            continue
        at = row.instant(source.at)
        local = at.astimezone(zone).replace(tzinfo=None) if at.tzinfo is not None else at
        for weeks in source.shift_weeks:
            value_w = max(0.0, row.number(source.power) * source.factor)
            values.setdefault(local + timedelta(weeks=weeks), value_w)
    return values


def _steps(source: Prices | House, rows: Iterable[Row], value: str, zone: ZoneInfo) -> Steps:
    points: list[tuple[float, float, Row]] = []
    previous_s: float | None = None
    for row in rows:
        if not row.text(value):
            # An empty cell is a gap, which is told; a wrong one is a mistake.
            continue
        previous_s = _at_s(row, source.at, source.clock, zone, previous_s)
        points.append((previous_s, row.number(value) * source.factor, row))
    return steps_of(points, source.at)


def _at_s(row: Row, column: str, clock: str, zone: ZoneInfo, previous_s: float | None) -> float:
    at = row.instant(column)
    if at.tzinfo is not None:
        return at.timestamp()
    if clock == "utc":
        return at.replace(tzinfo=UTC).timestamp()
    try:
        return instant_s(at, zone, previous_s)
    except ValueError as error:
        raise row.mistake(column, str(error)) from error


def _read_sessions(
    source: Sessions, path: Path, zone: ZoneInfo, wanted: frozenset[str], notes: list[str]
) -> list[RawSession]:
    columns = [source.arrival, source.departure, source.energy_kwh]
    columns.extend([source.car] if source.car is not None else [])
    found: list[RawSession] = []
    left_out: dict[str, list[int]] = {}
    for row in read_rows(path, columns, source.delimiter):
        car = row.text(source.car) if source.car is not None else "car1"
        if wanted and car not in wanted:
            continue
        if not row.text(source.departure):
            left_out.setdefault("without a departure", []).append(row.line)
            continue
        arrival = row.instant(source.arrival, source.form)
        departure = row.instant(source.departure, source.form)
        energy_wh = row.number(source.energy_kwh, source.decimal) * 1000
        day = _local(arrival, source.clock, zone).date()
        if (source.only_from and day < source.only_from) or (
            source.only_to and day > source.only_to
        ):
            continue
        if energy_wh <= 0:
            left_out.setdefault("without energy", []).append(row.line)
            continue
        for weeks in source.shift_weeks or (0,):
            moved = [_moved_s(at, weeks, source.clock, zone) for at in (arrival, departure)]
            if moved[1] <= moved[0]:
                left_out.setdefault("that end before they begin", []).append(row.line)
                continue
            found.append(RawSession(car, moved[0], moved[1], energy_wh, row.line))
    for why, lines in left_out.items():
        notes.append(f"{path.name}: {counted(lines)} {why} left out")
    return found


def _local(at: datetime, clock: str, zone: ZoneInfo) -> datetime:
    if at.tzinfo is None and clock == "utc":
        at = at.replace(tzinfo=UTC)
    return at.astimezone(zone).replace(tzinfo=None) if at.tzinfo is not None else at


def _moved_s(at: datetime, weeks: int, clock: str, zone: ZoneInfo) -> float:
    """Return POSIX seconds of an instant, moved by whole weeks of local time."""
    if not weeks and at.tzinfo is not None:
        return at.timestamp()
    moved = _local(at, clock, zone) + timedelta(weeks=weeks)
    # A time that spring leaves out is read an hour later, as people's clocks do.
    return moved.replace(tzinfo=zone).astimezone(UTC).timestamp()


def counted(lines: Sequence[int]) -> str:
    """Return how many sessions, with the lines of the first ones."""
    distinct = sorted(set(lines))
    told = ", ".join(str(line) for line in distinct[:MOST_TOLD])
    more = ", …" if len(distinct) > MOST_TOLD else ""
    sessions = "session" if len(lines) == 1 else "sessions"
    return f"{len(lines)} {sessions} ({'line' if len(distinct) == 1 else 'lines'} {told}{more})"
