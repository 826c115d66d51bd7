"""Small worlds for the backtest: prices by hour, a house, one switched or steered car."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_scheduler.backtest.foreknowledge import Foreknowledge
from wattbus_scheduler.backtest.stays import Session
from wattbus_scheduler.backtest.timeline import Timeline
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.situation import Car, CarControl, Site
from wattbus_scheduler.strategies import StrategySettings

ZONE = ZoneInfo("Europe/Stockholm")
MIDNIGHT = datetime(2024, 1, 15, tzinfo=ZONE)


def car(name: str = "car1", **changes: object) -> Car:
    values: dict[str, object] = {
        "station_id": name,
        "battery_capacity_wh": 50_000.0,
        "soc_percent": 0.0,
        "target_soc_percent": 100.0,
        "max_power_w": 7360.0,
        "control": CarControl.CURRENT,
        "phases": (1,),
        "efficiency": 1.0,
    }
    return Car(**{**values, **changes})  # type: ignore[arg-type]


def session(
    arrival: datetime, hours: float, kwh: float, number: int = 0, name: str = "car1"
) -> Session:
    start_s = arrival.timestamp()
    end_s = start_s + hours * 3600
    return Session(number, name, start_s, end_s, end_s, kwh * 1000)


def world(
    prices: Sequence[float | None],
    sessions: Sequence[Session],
    *,
    start: datetime = MIDNIGHT,
    loads_w: Sequence[float | None] | None = None,
    site: Site | None = None,
    cars: Sequence[Car] | None = None,
    minutes: int = 60,
    perfect: bool = False,
) -> World:
    timeline = Timeline(
        start.timestamp(),
        minutes * 60.0,
        list(prices),
        list(loads_w) if loads_w is not None else [0.0] * len(prices),
        ZONE,
    )
    chosen = cars if cars is not None else [car()]
    return World(
        site or Site(max_power_w=11_000),
        timeline,
        {one.station_id: one for one in chosen},
        tuple(sessions),
        StrategySettings(),
        has_perfect_load_forecast=perfect,
    )


def knowledge(of: World) -> Foreknowledge:
    return Foreknowledge(of)


def at(day: int, hour: float) -> datetime:
    """Return a local instant `day` days after MIDNIGHT."""
    local = MIDNIGHT + timedelta(days=day)
    return (local + timedelta(hours=hour)).astimezone(UTC)
