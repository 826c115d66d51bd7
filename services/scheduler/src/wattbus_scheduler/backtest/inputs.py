"""From a study's files to the worlds it is played in, with notes on what was left out and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattbus_scheduler.backtest.csv_rows import BadTable
from wattbus_scheduler.backtest.files import RawData, RawSession, counted, read_data
from wattbus_scheduler.backtest.stays import Session
from wattbus_scheduler.backtest.study import CarModel, Study, Tariff
from wattbus_scheduler.backtest.timeline import (
    Gap,
    Steps,
    Timeline,
    wall_clock_series,
)
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.situation import Car, CarControl, Site
from wattbus_scheduler.strategies import StrategySettings

DAY = timedelta(days=1)
MOST_GAPS_TOLD = 5
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Inputs:
    """One world for each tariff, by name, and what people should know about the data."""

    worlds: dict[str, World]
    notes: tuple[str, ...]


def load_inputs(study: Study, folder: Path) -> Inputs:
    """Read a study's files; BadTable names file, line and column of what cannot be read."""
    return assemble(study, read_data(study, folder))


def assemble(study: Study, data: RawData) -> Inputs:
    """Put data on one grid and leave out sessions that it does not cover, with a note each."""
    notes = data.notes
    start_s, end_s, step_s = _span(study, data.prices)
    count = round((end_s - start_s) / step_s)
    market = data.prices.on_grid(start_s, step_s, count)
    loads = _loads(study, data.loads, start_s, step_s, count)
    timeline = Timeline(start_s, step_s, market, loads, study.zone)
    for what, values in (("price", market), ("house load", loads)):
        notes.extend(_gap_notes(what, timeline.gaps(values), study.zone))
    sessions = _numbered(study, _kept(study, timeline, data.sessions, notes))
    if not sessions:
        raise BadTable("no session is left to play: " + "; ".join(notes or ["there is none"]))
    cars = _cars(study, sessions)
    settings = StrategySettings(
        price_threshold_per_kwh=study.strategies.price_threshold_per_kwh,
        price_quantile=study.strategies.price_quantile,
        start_price=study.strategies.start_price,
    )
    worlds = {}
    for tariff in study.tariffs:
        paid = _household_prices(tariff, timeline)
        worlds[tariff.name] = World(
            _site(study),
            with_prices(timeline, paid),
            cars,
            sessions,
            settings,
            study.prices_known_at,
            study.load_forecast == "perfect",
        )
    if len(worlds) < len(study.tariffs):
        raise BadTable("two tariffs have the same name")
    return Inputs(worlds, tuple(notes))


def with_prices(timeline: Timeline, prices: list[float | None]) -> Timeline:
    """Return the same timeline with other prices."""
    return Timeline(timeline.start_s, timeline.step_s, prices, timeline.loads_w, timeline.zone)


def _span(study: Study, prices: Steps) -> tuple[float, float, float]:
    """Return start, end and step of the grid: whole local days of prices, as few as wanted."""
    if not prices.starts_s:
        raise BadTable(f"{study.prices.file}: no price")
    widths = Counter(
        round(end - start) for start, end in zip(prices.starts_s, prices.ends_s, strict=True)
    )
    finest_s = min(width for width, rows in widths.items() if rows > 1 or len(widths) == 1)
    step_s = study.slot_minutes * 60.0 if study.slot_minutes else max(300.0, float(finest_s))
    zone = study.zone
    first = datetime.fromtimestamp(prices.starts_s[0], zone).date()
    last = datetime.fromtimestamp(prices.ends_s[-1] - 1, zone).date()
    # Two weeks before, for what is expected of the house; one after, for cars that stay.
    if study.from_day is not None:
        first = max(first, study.from_day - 14 * DAY)
    if study.to_day is not None:
        last = min(last, study.to_day + 7 * DAY)
    if last < first:
        raise BadTable(f"{study.prices.file}: no price from {study.from_day} to {study.to_day}")
    start_s = max(_midnight_s(first, zone), _floor(prices.starts_s[0], step_s))
    end_s = min(_midnight_s(last + DAY, zone), prices.ends_s[-1])
    return start_s, start_s + max(1, round((end_s - start_s) / step_s)) * step_s, step_s


def _floor(at_s: float, step_s: float) -> float:
    return at_s - at_s % step_s


def _midnight_s(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def _loads(
    study: Study,
    loads: Steps | dict[datetime, float] | None,
    start_s: float,
    step_s: float,
    count: int,
) -> list[float | None]:
    base_w = study.site.base_load_w
    if loads is None:
        return [base_w] * count
    if isinstance(loads, Steps):
        found = loads.on_grid(start_s, step_s, count)
    else:
        found = wall_clock_series(loads, start_s, step_s, count, study.zone)
    return [None if load is None else max(0.0, load) + base_w for load in found]


def _gap_notes(what: str, gaps: Sequence[Gap], zone: ZoneInfo) -> list[str]:
    notes = [
        f"no {what} from {_stamp(gap.start_s, zone)} to {_stamp(gap.end_s, zone)}"
        for gap in gaps[:MOST_GAPS_TOLD]
    ]
    if len(gaps) > MOST_GAPS_TOLD:
        notes.append(f"and {len(gaps) - MOST_GAPS_TOLD} more gaps of the {what}")
    return notes


def _stamp(at_s: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_s, zone):%Y-%m-%d %H:%M}"


def _kept(
    study: Study, timeline: Timeline, sessions: Sequence[RawSession], notes: list[str]
) -> list[RawSession]:
    """Leave out what is outside of the days, not covered by data, or overlaps on one car."""
    zone = study.zone
    kept: list[RawSession] = []
    in_gaps: list[int] = []
    overlapping: list[int] = []
    gone_at_s: dict[str, float] = {}
    for session in sorted(sessions, key=lambda one: (one.arrival_s, one.line)):
        day = datetime.fromtimestamp(session.arrival_s, zone).date()
        if (study.from_day and day < study.from_day) or (study.to_day and day > study.to_day):
            continue
        if not timeline.is_known(session.arrival_s, session.departure_s):
            in_gaps.append(session.line)
            continue
        if session.arrival_s < gone_at_s.get(session.car, float("-inf")):
            overlapping.append(session.line)
            continue
        gone_at_s[session.car] = session.departure_s
        kept.append(session)
    if in_gaps:
        notes.append(f"{counted(in_gaps)} without price or house load all through left out")
    if overlapping:
        notes.append(f"{counted(overlapping)} that begin before the car's last one ends left out")
    return kept


def _numbered(study: Study, sessions: Sequence[RawSession]) -> tuple[Session, ...]:
    return tuple(
        Session(
            number,
            one.car,
            one.arrival_s,
            one.departure_s,
            _stated_departure_s(study, one),
            one.energy_wh,
        )
        for number, one in enumerate(sessions)
    )


def _stated_departure_s(study: Study, session: RawSession) -> float:
    """Return what the scheduler is told: the true departure, or always the same time of day."""
    if study.departure is None:
        return session.departure_s
    day = datetime.fromtimestamp(session.arrival_s, study.zone).date()
    while True:
        stated_s = datetime.combine(day, study.departure, study.zone).timestamp()
        if stated_s > session.arrival_s + 60:
            return stated_s
        day += DAY


def _cars(study: Study, sessions: Sequence[Session]) -> dict[str, Car]:
    models = {car.id: car for car in study.cars if car.id is not None}
    largest_wh: dict[str, float] = {}
    for session in sessions:
        largest_wh[session.car] = max(largest_wh.get(session.car, 0.0), session.energy_wh)
    return {
        name: _car(name, models.get(name, study.car), most_wh, study)
        for name, most_wh in sorted(largest_wh.items())
    }


def _car(name: str, model: CarModel, largest_wh: float, study: Study) -> Car:
    phases = tuple(phase for phase in model.phases if phase <= study.site.phases)
    if not phases:
        raise BadTable(f"car {name} uses phases {model.phases} of a one-phase site")
    volts = study.site.voltage_v * len(phases)
    most_w = model.max_power_w or model.max_current_a * volts
    if model.control is CarControl.CURRENT:
        most_w = min(most_w, model.max_current_a * volts)
    # A session that fills more than the battery holds shows that it holds more.
    capacity_wh = max((model.battery_capacity_kwh or 0.0) * 1000, largest_wh * model.efficiency)
    return Car(
        station_id=name,
        battery_capacity_wh=capacity_wh,
        soc_percent=0.0,
        target_soc_percent=100.0,
        max_power_w=most_w,
        control=model.control,
        phases=phases,
        voltage_v=study.site.voltage_v,
        min_current_a=model.min_current_a,
        max_current_a=model.max_current_a,
        current_step_a=model.current_step_a,
        efficiency=model.efficiency,
        taper=model.taper,
    )


def _site(study: Study) -> Site:
    return Site(
        max_power_w=study.site.max_power_w,
        fuse_current_a=study.site.fuse_current_a,
        phases=study.site.phases,
        voltage_v=study.site.voltage_v,
        currency=study.currency,
        time_zone=study.zone,
    )


def _household_prices(tariff: Tariff, timeline: Timeline) -> list[float | None]:
    vat = 1 + tariff.vat_percent / 100
    prices: list[float | None] = []
    for index, price in enumerate(timeline.prices_per_kwh):
        if price is None:
            prices.append(None)
            continue
        fee = tariff.fee_per_kwh
        if tariff.surcharges:
            local = datetime.fromtimestamp(timeline.slot_start_s(index), timeline.zone)
            fee += sum(
                one.fee_per_kwh
                for one in tariff.surcharges
                if local.hour in one.hours
                and local.month in one.months
                and WEEKDAYS[local.weekday()] in one.days
            )
        prices.append((price + fee) * vat)
    return prices
