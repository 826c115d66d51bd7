"""The picture of a site that the messages on the bus paint: the newest of each, and a history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract import topics
from wattbus_contract.accounts import ChargingReport, League
from wattbus_contract.base import MessageId
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState, Plan, Response, SetLimit
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
from wattbus_contract.requests import StrategyWish
from wattbus_contract.room import make_room
from wattbus_contract.service import ServiceStatus, Status
from wattbus_dashboard.slots import planned_power_w

BUCKET_S = 300
KEPT = timedelta(hours=24)
MOST_LOADS = KEPT // timedelta(seconds=BUCKET_S) + 1
MOST_AHEAD = timedelta(hours=1)
"""A clock that is farther ahead of a station's state has been told something wrong."""
_OF_STATIONS = (StationInfo, StationState, Goal, SetLimit, StationEvent, MeterReading)
MOST_SHADOWS = 64
MOST_SERVICES = 256
"""Each has a row on the page."""
SHADOW_KEPT_S = 3600.0
"""Wall seconds after which the broker, too, forgets a shadow's plan."""


@dataclass(frozen=True, slots=True)
class Load:
    """House, chargers and roof at one moment, and what the plan gave the chargers then, in W."""

    house_w: float
    stations_w: float
    planned_w: float | None
    pv_w: float | None = None


@dataclass(slots=True)
class Station:
    """What is known of one station; `heard_s` is the monotonic time of its newest message."""

    info: StationInfo | None = None
    state: StationState | None = None
    goal: Goal | None = None
    reading: MeterReading | None = None
    limit: SetLimit | None = None
    heard_s: float | None = None


@dataclass(slots=True)
class Wish:
    """What somebody at this dashboard has asked of a station or of the site (`station` None)."""

    station: str | None
    message: MessageId
    asked_s: float
    answer: Response | None = None


@dataclass(slots=True)
class Picture:
    """Feed it every message; read its fields. It reads no clock: `now_s` is monotonic."""

    site: SiteInfo | None = None
    stations: dict[str, Station] = field(default_factory=dict)
    household: HouseholdMeter | None = None
    price: PriceForecast | None = None
    base_load: BaseLoadForecast | None = None
    plan: Plan | None = None
    shadows: dict[str, tuple[float, Plan]] = field(default_factory=dict)
    lease: LeaseState | None = None
    strategy: str = ""
    """What people chose; empty leaves it to the scheduler."""
    report: ChargingReport | None = None
    league: League | None = None
    services: dict[tuple[str, str], ServiceStatus] = field(default_factory=dict)
    loads: dict[datetime, Load] = field(default_factory=dict)
    """By the start of each `BUCKET_S` of site time: the newest measurement in it."""
    wishes: dict[str | None, Wish] = field(default_factory=dict)
    """The newest wish for each station, and for the site."""
    now: datetime | None = None
    """The site's clock, as the newest measurement tells it."""
    is_connected: bool = False
    version: int = 0
    """Rises with every change."""
    chart_version: int = 0
    """Rises with every change of what the chart shows."""
    _is_from_memory: bool = False

    def station(self, station_id: str) -> Station:
        """Return a station's part, made empty when it is new."""
        make_room(self.stations, station_id, self._own_stations)
        return self.stations.setdefault(station_id, Station())

    @property
    def _own_stations(self) -> tuple[str, ...]:
        return () if self.site is None else self.site.stations

    def apply_all(self, messages: Iterable[Decoded], now_s: float) -> None:
        """Take messages of the site that arrived just now."""
        for message in messages:
            self.apply(message, now_s)

    def apply(self, message: Decoded, now_s: float) -> None:
        """Take one message of the site."""
        self.version += 1
        station = message.topic.ids.get("station")
        if isinstance(message.body, Response):
            self._note_answer(message.body)
        elif station is not None and isinstance(message.body, _OF_STATIONS):
            self._apply_to_station(self.station(station), message, now_s)
        else:
            self._apply_to_site(message, now_s)

    def _apply_to_site(self, message: Decoded, now_s: float) -> None:
        match message.body:
            case SiteInfo() as site:
                self.site = site
                self._forget_stations_but(site.stations)
            case HouseholdMeter() as household:
                self.household = household
                self._note_load(household)
            case PriceForecast() as price:
                self.price = price
                self.chart_version += 1
            case BaseLoadForecast() as base_load:
                self.base_load = base_load
                self.chart_version += 1
            case Plan() as plan if message.topic.spec is topics.PLAN:
                self.plan = plan
                self.chart_version += 1
            case Plan() as plan:
                client = message.topic.ids["client"]
                make_room(self.shadows, client, most=MOST_SHADOWS)
                self.shadows[client] = now_s, plan
            case LeaseState() as lease:
                self.lease = lease
            case StrategyWish() as wish:
                self.strategy = wish.strategy
            case ChargingReport() as report:
                self.report = report
            case League() as league:
                self.league = league
            case ServiceStatus() as status:
                self._note_service(message, status)

    def remember_loads(self, loads: Mapping[datetime, Load]) -> None:
        """Begin with what an earlier process has seen; the first measurement says what holds."""
        self.loads = dict(loads)
        self._is_from_memory = bool(loads)
        self.chart_version += 1

    def set_connected(self, *, is_connected: bool) -> None:
        """Note whether the broker answers."""
        if self.is_connected != is_connected:
            self.is_connected = is_connected
            self.version += 1

    def note_wish(self, station: str | None, message: MessageId, now_s: float) -> None:
        """Remember a wish until it is answered."""
        self.wishes[station] = Wish(station, message, now_s)
        self.version += 1

    def forget_old_shadows(self, now_s: float) -> None:
        """Forget the plans of schedulers that no longer say anything."""
        for client, (heard_s, _) in list(self.shadows.items()):
            if now_s - heard_s > SHADOW_KEPT_S:
                del self.shadows[client]
                self.version += 1

    def _apply_to_station(self, station: Station, message: Decoded, now_s: float) -> None:
        match message.body:
            case StationInfo() as info:
                station.info = info
            case StationState() as state:
                station.state = state
                station.heard_s = now_s
                if self.now is not None and self.now - state.at > MOST_AHEAD:
                    self.now = None
                self._advance(state.at)
            case Goal() as goal:
                station.goal = goal
            case SetLimit() as limit:
                station.limit = limit
            case StationEvent(kind=StationEventKind.CLOCK_RESET) as event:
                self.now = event.at
                self.loads.clear()
                self.chart_version += 1
            case MeterReading() as reading:
                station.reading = reading
                station.heard_s = now_s
                self._advance(reading.at)

    def _advance(self, at: datetime) -> None:
        # Stations are read one after the other, and old measurements may come late.
        self.now = at if self.now is None else max(self.now, at)

    def _forget_stations_but(self, kept: Iterable[str]) -> None:
        for gone in set(self.stations) - set(kept):
            del self.stations[gone]

    def _note_service(self, message: Decoded, status: ServiceStatus) -> None:
        ids = message.topic.ids
        key = ids["user"], ids["client"]
        known = self.services.get(key)
        is_late_will = (
            known is not None
            and status.status is Status.DOWN
            and status.started_at == known.started_at
            and status.connection < known.connection
        )
        if not is_late_will:
            make_room(self.services, key, most=MOST_SERVICES)
            self.services[key] = status

    def _note_answer(self, answer: Response) -> None:
        for wish in self.wishes.values():
            asked = wish.message.source, wish.message.seq
            if asked == (answer.request_source, answer.request_seq):
                wish.answer = answer

    def _note_load(self, household: HouseholdMeter) -> None:
        bucket_s = household.at.timestamp() // BUCKET_S * BUCKET_S
        bucket = datetime.fromtimestamp(bucket_s, household.at.tzinfo)
        planned_w = planned_power_w(self.plan, household.at)
        if self._is_from_memory:
            # The clock may have been set back meanwhile, or another day simulated.
            self._is_from_memory = False
            self.loads = {
                at: load for at, load in self.loads.items() if bucket - KEPT <= at <= bucket
            }
        self.loads[bucket] = Load(
            household.house_load_w, household.stations_power_w, planned_w, household.pv_power_w
        )
        # Also by their number: a clock that goes backwards leaves nothing old.
        while (oldest := next(iter(self.loads))) < bucket - KEPT or len(self.loads) > MOST_LOADS:
            del self.loads[oldest]
        self._advance(household.at)
        self.chart_version += 1


def zone_of(picture: Picture) -> ZoneInfo:
    """Return the site's time zone, UTC before it is known."""
    return ZoneInfo(picture.site.time_zone if picture.site is not None else "UTC")


def currency_of(picture: Picture) -> str:
    """Return the site's currency, SEK before it is known."""
    return picture.site.currency if picture.site is not None else "SEK"
