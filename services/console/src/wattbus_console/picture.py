"""The picture of a site that the messages on the bus paint: the newest of each, and a history."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wattbus_console.tally import Tally, counted
from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState, Plan, SetLimit
from wattbus_contract.facts import (
    Goal,
    HouseholdMeter,
    MeterReading,
    SiteInfo,
    StationEvent,
    StationEventKind,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_contract.room import make_room
from wattbus_contract.service import ConfirmedRange, LogConfirmed, ServiceStatus

BUCKET_S = 300
KEPT = timedelta(hours=50)
MOST_LOADS = KEPT // timedelta(seconds=BUCKET_S) + 1
MOST_AHEAD = timedelta(hours=1)
"""A clock that is farther ahead of a station's state has been told something wrong."""
MOST_CONFIRMED = 1000
MOST_SERVICES = 256


@dataclass(frozen=True, slots=True)
class Load:
    """House and chargers at one moment, in W."""

    house_w: float
    stations_w: float


@dataclass(slots=True)
class Station:
    """What is known of one station."""

    info: StationInfo | None = None
    state: StationState | None = None
    goal: Goal | None = None
    reading: MeterReading | None = None
    limit: SetLimit | None = None
    tally: Tally | None = None
    target_reached_at: datetime | None = None


@dataclass(slots=True)
class Picture:
    """Feed it every message; read its fields. It reads no clock."""

    site: SiteInfo | None = None
    stations: dict[str, Station] = field(default_factory=dict)
    household: HouseholdMeter | None = None
    price: PriceForecast | None = None
    base_load: BaseLoadForecast | None = None
    plan: Plan | None = None
    lease: LeaseState | None = None
    services: dict[tuple[str, str], ServiceStatus] = field(default_factory=dict)
    loads: dict[datetime, Load] = field(default_factory=dict)
    """By the start of each `BUCKET_S` of site time: the newest measurement in it."""
    first_at: datetime | None = None
    now: datetime | None = None

    def station(self, station_id: str) -> Station:
        """Return a station's part, made empty when it is new."""
        own = () if self.site is None else self.site.stations
        make_room(self.stations, station_id, own)
        return self.stations.setdefault(station_id, Station())

    def apply(self, message: Decoded) -> None:
        """Take one message of the site."""
        match message.body:
            case SiteInfo() as site:
                self.site = site
            case HouseholdMeter() as household:
                self.household = household
                self._note_load(household)
            case PriceForecast() as price:
                self.price = price
            case BaseLoadForecast() as base_load:
                self.base_load = base_load
            case Plan() as plan if message.topic.spec is topics.PLAN:
                self.plan = plan
            case LeaseState() as lease:
                self.lease = lease
            case ServiceStatus() as status:
                ids = message.topic.ids
                service = ids["user"], ids["client"]
                make_room(self.services, service, most=MOST_SERVICES)
                self.services[service] = status
            case (
                StationInfo()
                | StationState()
                | Goal()
                | SetLimit()
                | StationEvent()
                | MeterReading()
            ):
                self._apply_to_station(self.station(message.topic.station), message)

    def _apply_to_station(self, station: Station, message: Decoded) -> None:
        match message.body:
            case StationInfo() as info:
                station.info = info
            case StationState() as state:
                station.state = state
                if self.now is not None and self.now - state.at > MOST_AHEAD:
                    self.first_at = self.now = state.at
            case Goal() as goal:
                station.goal = goal
            case SetLimit() as limit:
                station.limit = limit
            case StationEvent(kind=StationEventKind.CLOCK_RESET) as event:
                self._start_again(event.at)
            case MeterReading() as reading:
                station.reading = reading
                prices = self.price.slots if self.price is not None else ()
                station.tally = counted(station.tally, reading, prices)
                self._note_target(station, reading)
                self._advance(reading.at)

    def _advance(self, at: datetime) -> None:
        self.first_at = self.first_at or at
        # Stations are read one after the other, and old measurements may come late.
        self.now = at if self.now is None else max(self.now, at)

    def _start_again(self, at: datetime) -> None:
        self.first_at = self.now = at
        self.loads.clear()
        for station in self.stations.values():
            station.tally = station.target_reached_at = None

    def _note_target(self, station: Station, reading: MeterReading) -> None:
        soc_percent, goal = reading.soc_percent, station.goal
        if soc_percent is None or goal is None or soc_percent < goal.target_soc_percent - 1e-6:
            station.target_reached_at = None
        elif station.target_reached_at is None:
            station.target_reached_at = reading.at

    def _note_load(self, household: HouseholdMeter) -> None:
        bucket_s = household.at.timestamp() // BUCKET_S * BUCKET_S
        bucket = datetime.fromtimestamp(bucket_s, household.at.tzinfo)
        self.loads[bucket] = Load(household.house_load_w, household.stations_power_w)
        # Also by their number: a clock that goes backwards leaves nothing old.
        while (oldest := next(iter(self.loads))) < bucket - KEPT or len(self.loads) > MOST_LOADS:
            del self.loads[oldest]


@dataclass(slots=True)
class Confirmations:
    """What the logger has lately said to be safe on disk."""

    ranges: deque[ConfirmedRange] = field(default_factory=lambda: deque(maxlen=MOST_CONFIRMED))

    def apply(self, message: Decoded) -> None:
        """Take note of a confirmation; other messages do not matter."""
        if isinstance(message.body, LogConfirmed):
            self.ranges.extend(message.body.confirmed)

    def has(self, message: Decoded) -> bool:
        """Tell whether a message was confirmed."""
        mark = message.message_id
        return any(
            (r.source, r.boot_id) == (mark.source, mark.boot_id)
            and r.first_seq <= mark.seq <= r.last_seq
            for r in reversed(self.ranges)
        )
