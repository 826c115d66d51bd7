"""What is known of a site, as far as people may have to be told of it: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wattbus_contract.codec import Decoded
from wattbus_contract.control import Plan, StationPlan
from wattbus_contract.facts import (
    Goal,
    HouseholdMeter,
    SiteInfo,
    StationEvent,
    StationEventKind,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import PriceForecast
from wattbus_contract.room import make_room
from wattbus_contract.service import ServiceStatus, Status

BRIDGE_USER = "station-bridge"


@dataclass(frozen=True)
class Station:
    """One station; `finished_at` is when its car had its target, while it is plugged in."""

    info: StationInfo | None = None
    state: StationState | None = None
    goal: Goal | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """One site; `now` is its own clock, as far as it has been heard."""

    site: SiteInfo | None = None
    now: datetime | None = None
    stations: Mapping[str, Station] = field(default_factory=dict)
    plan: Plan | None = None
    price: PriceForecast | None = None
    is_bridge_down: bool = False

    def station_plan(self, station: str) -> StationPlan | None:
        """Return what is planned for a station, if anything."""
        plans = () if self.plan is None else self.plan.stations
        return next((plan for plan in plans if plan.station == station), None)


def with_message(  # noqa: PLR0911 - one return per kind of message
    facts: Facts, message: Decoded
) -> Facts:
    """Return what is known after a message."""
    match message.body:
        case SiteInfo() as site:
            return replace(facts, site=site)
        case Plan() as plan:
            return replace(facts, plan=plan)
        case PriceForecast() as price:
            return replace(facts, price=price)
        case HouseholdMeter() as meter:
            return replace(facts, now=meter.at)
        case ServiceStatus() as status if message.topic.ids["user"] == BRIDGE_USER:
            return replace(facts, is_bridge_down=status.status is Status.DOWN)
        case StationInfo() | StationState() | Goal() | StationEvent():
            return _with_station(facts, message)
        case _:
            return facts


def _with_station(facts: Facts, message: Decoded) -> Facts:
    name = message.topic.station
    before = facts.stations.get(name, Station())
    now = facts.now
    match message.body:
        case StationInfo() as info:
            after = replace(before, info=info)
        case StationState() as state:
            now = state.at
            is_here = state.is_plugged_in or not state.is_reachable
            after = replace(
                before, state=state, finished_at=before.finished_at if is_here else None
            )
        case Goal() as goal:
            after = replace(before, goal=goal)
        case StationEvent(kind=StationEventKind.TARGET_REACHED) as event:
            after = replace(before, finished_at=event.at)
        case StationEvent(kind=StationEventKind.UNPLUGGED):
            after = replace(before, finished_at=None)
        case _:
            return facts
    stations = dict(facts.stations)
    make_room(stations, name, () if facts.site is None else facts.site.stations)
    stations[name] = after
    return replace(facts, now=now, stations=stations)
