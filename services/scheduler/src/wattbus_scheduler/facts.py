"""What the scheduler knows of the site: the newest message of each kind."""

from dataclasses import dataclass, field
from datetime import datetime

from wattbus_contract.base import Body
from wattbus_contract.codec import Decoded
from wattbus_contract.facts import (
    Goal,
    HouseholdMeter,
    MeterReading,
    Mode,
    SiteInfo,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_contract.requests import StrategyWish
from wattbus_contract.room import make_room


@dataclass(slots=True)
class StationFacts:
    """The newest that is known of one station and its car."""

    info: StationInfo | None = None
    goal: Goal | None = None
    mode: Mode = Mode.SMART
    at: datetime | None = None
    is_plugged_in: bool = False
    soc_percent: float | None = None
    power_w: float = 0.0
    known_soc: tuple[float, float] | None = None

    def is_complete(self) -> bool:
        """Whether enough is known to plan for this station."""
        return self.info is not None and self.goal is not None and self.at is not None

    def take_state(self, state: StationState) -> None:
        """Take over a retained state."""
        self.at, self.mode, self.is_plugged_in = state.at, state.mode, state.is_plugged_in
        self.power_w = state.power_active_import_w
        if state.soc_percent is not None:
            self.soc_percent = state.soc_percent

    def take_reading(self, reading: MeterReading) -> None:
        """Take over a reading; where it has no state of charge, reckon from the energy register."""
        self.at, self.mode, self.is_plugged_in = reading.at, reading.mode, reading.is_plugged_in
        self.power_w = reading.power_active_import_w
        register_wh = reading.energy_active_import_register_wh
        if reading.soc_percent is not None:
            self.soc_percent = reading.soc_percent
            self.known_soc = (reading.soc_percent, register_wh)
        elif self.known_soc is not None and self.info is not None:
            known_percent, known_wh = self.known_soc
            stored_wh = max(0.0, register_wh - known_wh) * self.info.charging_efficiency
            gained_percent = stored_wh / self.info.battery_capacity_wh * 100
            self.soc_percent = min(100.0, known_percent + gained_percent)


@dataclass(slots=True)
class Facts:
    """The newest that is known of the site; `now` is the site's clock at its newest message.

    `strategy` is the one that people chose; empty without one.
    """

    site: SiteInfo | None = None
    stations: dict[str, StationFacts] = field(default_factory=dict)
    price: PriceForecast | None = None
    base_load: BaseLoadForecast | None = None
    house_load_w: float | None = None
    now: datetime | None = None
    strategy: str = ""

    def station(self, station_id: str) -> StationFacts:
        """Return the facts of a station, new ones if nothing was known of it."""
        known = self.stations.get(station_id)
        if known is None:
            make_room(self.stations, station_id, () if self.site is None else self.site.stations)
            known = self.stations[station_id] = StationFacts()
        return known

    def apply(self, message: Decoded) -> bool:
        """Take over one message; True if it changes something that a plan depends on."""
        body = message.body
        match body:
            case MeterReading():
                station = self.station(message.topic.station)
                before = (station.is_plugged_in, station.mode, station.at is None)
                station.take_reading(body)
                self.now = body.at
                if body.house_load_w is not None:
                    self.house_load_w = body.house_load_w
                return before != (station.is_plugged_in, station.mode, False)
            case HouseholdMeter():
                self.now = body.at
                self.house_load_w = body.house_load_w
                return False
            case StationState():
                station = self.station(message.topic.station)
                before = (station.is_plugged_in, station.mode, station.at is None)
                if station.at is None or body.at >= station.at:
                    station.take_state(body)
                if self.now is None or body.at > self.now:
                    self.now = body.at
                return before != (station.is_plugged_in, station.mode, False)
            case _:
                return self._apply_retained(message, body)

    def _apply_retained(self, message: Decoded, body: Body) -> bool:
        match body:
            case SiteInfo():
                is_new, self.site = body != self.site, body
            case PriceForecast():
                is_new, self.price = body != self.price, body
            case BaseLoadForecast():
                is_new, self.base_load = body != self.base_load, body
            case StrategyWish():
                is_new, self.strategy = body.strategy != self.strategy, body.strategy
            case StationInfo():
                station = self.station(message.topic.station)
                is_new, station.info = body != station.info, body
            case Goal():
                station = self.station(message.topic.station)
                is_new, station.goal = body != station.goal, body
                station.mode = body.mode
            case _:
                return False
        return is_new
