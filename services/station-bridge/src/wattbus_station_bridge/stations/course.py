"""Driver for the course's Flask charging station, in every variant that students run."""

import time as wall
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract.facts import ConnectorStatus
from wattbus_station_bridge.clock import first_sight, unwrap
from wattbus_station_bridge.forecast import slots_from_hours
from wattbus_station_bridge.stations import course_answers
from wattbus_station_bridge.stations.course_answers import CourseInfo
from wattbus_station_bridge.stations.course_state import CourseState, advance, has_stalled
from wattbus_station_bridge.stations.exchange import Answer
from wattbus_station_bridge.stations.reading import (
    InvalidAnswer,
    SourceLoad,
    SourcePrices,
    StationReading,
    StationTraits,
)
from wattbus_station_bridge.stations.rest import RestClient

DEFAULT_SECONDS_PER_HOUR = 4.0
ORE = 0.01


@dataclass(frozen=True, slots=True)
class CourseSettings:
    """What such a station does not tell. `off_request` is the POST that means off."""

    traits: StationTraits
    zone: ZoneInfo
    start_date: date
    seconds_per_hour: float = DEFAULT_SECONDS_PER_HOUR
    timeout_s: float = 5.0
    off_request: str = "charge"
    price_factor: float = ORE


class CourseStation:
    """One station at `base_url`. Its reset (`POST /discharge`) is never sent on its own account."""

    def __init__(
        self,
        client: RestClient,
        base_url: str,
        settings: CourseSettings,
        state: CourseState | None = None,
        monotonic_s: Callable[[], float] = wall.monotonic,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._monotonic_s = monotonic_s
        self._get = {
            path: client.prepare("GET", self._base_url + path)
            for path in ("/info", "/charge", "/baseload", "/priceperhour")
        }
        self.state = state
        self._shown_since_s: float | None = None
        self._commanded_w: float | None = None
        self._base_load_kw: tuple[float, ...] | None = None
        self._knows_no_base_load = False
        self._knows_no_percent = False
        self._least_load: tuple[int, float] | None = None

    def read(self) -> StationReading:
        """Ask for the clock, the battery and the load; true figures beside the reported ones."""
        info = course_answers.parse_info(self._fetch("/info"))
        energy_kwh, percent = self._battery(info)
        house_load_w = self._house_load_w(info)
        is_on = info.is_charging
        is_charging = bool(is_on) if is_on is not None else bool(self._commanded_w)
        traits = self._traits(info)
        self.state = self._advance(info, energy_kwh, traits.max_power_w if is_charging else 0.0)
        if is_charging and has_stalled(self.state, percent):
            is_charging = False
        return StationReading(
            at=self.state.clock.at,
            traits=traits,
            connector_status=self._status(is_charging=is_charging),
            is_plugged_in=True,
            power_w=traits.max_power_w if is_charging else 0.0,
            energy_register_wh=self.state.register_wh,
            offered_limit_w=None if is_on is None else traits.max_power_w * is_on,
            soc_percent=None if percent is None else min(100.0, percent),
            transaction_id=f"{self.state.clock.reset_count + 1}",
            house_load_w=house_load_w,
            reset_count=self.state.clock.reset_count,
            reported_base_current_load_kw=info.load_kw,
            reported_battery_energy_kwh=energy_kwh,
        )

    def apply(self, limit_w: float) -> None:
        """Switch on or off."""
        if limit_w > 0:
            self._order("/charge", {"charging": "on"})
        elif self._settings.off_request == "discharge":
            self._order("/discharge", {"discharging": "on"})
        else:
            self._order("/charge", {"charging": "off"})
        self._commanded_w = limit_w

    def read_prices(self, now: datetime) -> SourcePrices:
        """Ask for the day's prices, which hold for every day; öre/kWh incl. VAT."""
        ore = course_answers.parse_hours(self._fetch("/priceperhour"), "/priceperhour")
        prices = [round(value * self._settings.price_factor, 6) for value in ore]
        slots = slots_from_hours(prices, now, self._settings.zone)
        return SourcePrices("station", slots, includes_vat=True)

    def read_base_load(self, now: datetime) -> SourceLoad:
        """Ask for the day's base load, which holds for every day."""
        load_kw = course_answers.parse_hours(self._fetch("/baseload"), "/baseload")
        self._base_load_kw = load_kw
        slots = slots_from_hours([value * 1000 for value in load_kw], now, self._settings.zone)
        return SourceLoad("station", slots)

    def read_seconds_per_hour(self) -> float | None:
        """Return what the site file says: such a station does not tell."""
        return self._settings.seconds_per_hour

    def _fetch(self, path: str) -> Answer:
        return self._client.send(self._get[path], self._settings.timeout_s)

    def _order(self, path: str, body: dict[str, str]) -> None:
        request = self._client.prepare("POST", self._base_url + path, body)
        course_answers.check_order(self._client.send(request, self._settings.timeout_s))

    def _traits(self, info: CourseInfo) -> StationTraits:
        traits = self._settings.traits
        if info.capacity_kwh is None or info.capacity_kwh * 1000 == traits.battery_capacity_wh:
            return traits
        return replace(traits, battery_capacity_wh=info.capacity_kwh * 1000)

    def _battery(self, info: CourseInfo) -> tuple[float | None, float | None]:
        """Return energy in kWh and state of charge in percent, as reported, where known."""
        percent = info.percent
        if percent is None and not self._knows_no_percent:
            try:
                percent = course_answers.parse_percent(self._fetch("/charge"))
            except InvalidAnswer:
                # Not asked again: a station without this answer would be refused at every poll.
                self._knows_no_percent = info.energy_kwh is not None
        if percent is None and info.energy_kwh is not None:
            percent = 100_000 * info.energy_kwh / self._traits(info).battery_capacity_wh
        return info.energy_kwh, percent

    def _house_load_w(self, info: CourseInfo) -> float | None:
        """Return the base load of the hour, since the reported load is wrong.

        Where the station has no such list, the least load of the hour is taken: it falls back to
        the true one when an hour begins and only rises from there.
        """
        if self._base_load_kw is None and not self._knows_no_base_load:
            try:
                answer = self._fetch("/baseload")
                self._base_load_kw = course_answers.parse_hours(answer, "/baseload")
            except InvalidAnswer:
                self._knows_no_base_load = True
        if self._base_load_kw is not None:
            return self._base_load_kw[info.shown.hour] * 1000
        if info.load_kw is None:
            return None
        least = self._least_load
        if least is None or least[0] != info.shown.hour or info.load_kw < least[1]:
            least = self._least_load = (info.shown.hour, info.load_kw)
        return least[1] * 1000

    def _advance(self, info: CourseInfo, energy_kwh: float | None, power_w: float) -> CourseState:
        now_s = self._monotonic_s()
        if self.state is None:
            clock = first_sight(info.shown, self._settings.start_date, self._settings.zone)
            self._shown_since_s = now_s
            return CourseState(clock, energy_kwh=energy_kwh)
        elapsed = None
        if self._shown_since_s is not None:
            hours = (now_s - self._shown_since_s) / self._settings.seconds_per_hour
            elapsed = timedelta(hours=hours)
        clock = unwrap(self.state.clock, info.shown, elapsed, self._settings.zone)
        if clock is not self.state.clock or elapsed is None:
            self._shown_since_s = now_s
        efficiency = self._settings.traits.charging_efficiency
        return advance(self.state, clock, energy_kwh, power_w, efficiency)

    def _status(self, *, is_charging: bool) -> ConnectorStatus:
        if is_charging:
            return ConnectorStatus.CHARGING
        if self._commanded_w:
            return ConnectorStatus.SUSPENDED_EV
        return ConnectorStatus.SUSPENDED_EVSE
