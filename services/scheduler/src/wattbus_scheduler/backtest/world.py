"""What a backtest plays in: the site, its timeline, its cars and the sessions."""

from dataclasses import dataclass
from datetime import time

from wattbus_scheduler.backtest.stays import Session
from wattbus_scheduler.backtest.timeline import Timeline
from wattbus_scheduler.situation import Car, Site
from wattbus_scheduler.strategies import StrategySettings


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is the same for all strategies.

    `cars` are patterns by id: battery, station, phases. `publication` is the local time from which
    tomorrow's prices are known. `has_perfect_load_forecast` lets strategies know the house load to
    come; else they expect what was at the same time a week before.
    """

    site: Site
    timeline: Timeline
    cars: dict[str, Car]
    sessions: tuple[Session, ...]
    settings: StrategySettings
    publication: time = time(13)
    has_perfect_load_forecast: bool = False
