"""A study of what was recorded here: prices, house load and sessions from `battery_log.csv`."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from wattbus_scheduler.backtest.csv_rows import BadTable, Row, read_rows
from wattbus_scheduler.backtest.files import RawData, RawSession
from wattbus_scheduler.backtest.study import CarModel, Prices, Sessions, SiteModel, Study, Tariff
from wattbus_scheduler.backtest.timeline import Steps
from wattbus_scheduler.situation import CarControl

COLUMNS = (
    "at", "local_time", "station", "is_plugged_in", "energy_register_wh", "transaction_id",
    "house_load_w", "fuse_power_w", "price_per_kwh", "currency", "station_max_power_w",
    "battery_capacity_wh", "charging_efficiency",
)  # fmt: skip
LOG = "battery_log.csv"
LEAST_WH = 10.0
QUARTER_S = 900
ZONES = ("Europe/Stockholm", "Europe/London", "Europe/Helsinki")


def recorded_study(folder: Path) -> tuple[Study, RawData]:
    """Return a study and the data of a logger's folder, the files of earlier days included.

    Stations are switched ones of the recorded power, unless the log says more. A session lasts
    from plug to plug, or for a transaction; it wants what was charged. BadTable for a bad file.
    """
    paths = sorted(folder.glob("battery_log*.csv"), key=lambda path: (path.name == LOG, path.name))
    if not paths:
        raise BadTable(f"{folder}: no {LOG}; the logger writes it, `wattbus demo` makes one")
    rows = [row for path in paths for row in read_rows(path, COLUMNS)]
    if not rows:
        raise BadTable(f"{paths[-1]}: no row")
    rows.sort(key=lambda row: (_at(row), row.line))
    by_station: dict[str, list[Row]] = {}
    for row in rows:
        by_station.setdefault(row.text("station"), []).append(row)
    last = rows[-1]
    study = Study(
        description=f"recorded in {folder}",
        time_zone=_zone(last),
        currency=last.text("currency") or "SEK",
        slot_minutes=15,
        load_forecast="perfect",
        prices=Prices(file=LOG),
        sessions=Sessions(file=LOG),
        site=SiteModel(max_power_w=_optional(last, "fuse_power_w")),
        cars=tuple(_car(name, mine[-1]) for name, mine in sorted(by_station.items())),
        tariffs=(Tariff(name="recorded"),),
    )
    sessions = [one for mine in by_station.values() for one in _sessions(mine)]
    loads = _steps(rows, "house_load_w")
    return study, RawData(_steps(rows, "price_per_kwh"), loads, sessions, [])


def _at(row: Row) -> float:
    at = row.instant("at")
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _zone(row: Row) -> str:
    """Return a zone with the recorded offset from UTC; its rules for summer are Europe's."""
    at, local = datetime.fromtimestamp(_at(row), UTC), row.instant("local_time")
    hours = (local.replace(tzinfo=UTC) - at).total_seconds() / 3600
    for name in ZONES:
        offset = at.astimezone(ZoneInfo(name)).utcoffset()
        if offset is not None and abs(offset.total_seconds() / 3600 - hours) < 0.01:
            return name
    return "Etc/UTC"


def _optional(row: Row, column: str) -> float | None:
    return row.number(column) if row.text(column) else None


def _car(name: str, row: Row) -> CarModel:
    capacity_wh = _optional(row, "battery_capacity_wh")
    return CarModel(
        id=name,
        battery_capacity_kwh=None if capacity_wh is None else capacity_wh / 1000,
        efficiency=_optional(row, "charging_efficiency") or 1.0,
        control=CarControl.SWITCH,
        max_power_w=_optional(row, "station_max_power_w"),
    )


def _steps(rows: list[Row], column: str) -> Steps:
    """Return the mean of each quarter of an hour; those without a reading stay gaps."""
    sums: dict[int, list[float]] = {}
    for row in rows:
        value = _optional(row, column)
        if value is not None:
            sums.setdefault(int(_at(row) // QUARTER_S), []).append(value)
    quarters = sorted(sums)
    starts_s = [float(quarter * QUARTER_S) for quarter in quarters]
    values = [sum(sums[quarter]) / len(sums[quarter]) for quarter in quarters]
    return Steps(starts_s, [start_s + QUARTER_S for start_s in starts_s], values)


def _sessions(rows: list[Row]) -> list[RawSession]:
    found: list[RawSession] = []
    begin: Row | None = None
    energy_wh = 0.0
    for one, two in pairwise(rows):
        if not _is_plugged(one):
            continue
        begin = begin or one
        energy_wh += max(0.0, two.number("energy_register_wh") - one.number("energy_register_wh"))
        if not _is_plugged(two) or two is rows[-1]:
            if energy_wh >= LEAST_WH:
                name = one.text("station")
                found.append(RawSession(name, _at(begin), _at(two), energy_wh, begin.line))
            begin, energy_wh = None, 0.0
    return found


def _is_plugged(row: Row) -> bool:
    return row.text("is_plugged_in") == "true"
