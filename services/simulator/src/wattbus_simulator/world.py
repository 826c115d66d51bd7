"""The running household: its clock, stations and cars, safe to use from many threads."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock

from wattbus_simulator.clock import SimulatedClock
from wattbus_simulator.household import CarAtStation, SimulatedHousehold
from wattbus_simulator.series import Series, Slot, slots_from, slots_of_both, value_at
from wattbus_simulator.station import (
    StationState,
    StationView,
    advance,
    apply_trip_event,
    limit_a_from_w,
    per_phase,
    plug_in,
    stepped_limit_a,
    unplug,
    view,
)
from wattbus_simulator.trips import TripEvent, next_departure_at, next_event

# Today, tomorrow and the day after: 48 hours ahead at any time of a day of any length.
FORECAST_DAYS = 3


class UnknownStationError(LookupError):
    """No station has this id."""


class PlugConflictError(ValueError):
    """A car is plugged in twice, or unplugged when it is not there."""


@dataclass(frozen=True)
class StationReport:
    """One station at one instant, with what belongs to it but is no physics."""

    place: CarAtStation
    view: StationView
    at: datetime
    transaction_id: str | None
    departure_at: datetime | None
    reset_count: int


@dataclass(frozen=True)
class HouseholdReport:
    """The house without its chargers at one instant; currents are L1, L2 and L3.

    Load and currents are what the house takes, whatever the roof gives: `pv_w`, None without one.
    """

    at: datetime
    load_w: float
    currents_a: tuple[float, float, float]
    reset_count: int
    pv_w: float | None = None


@dataclass
class _Running:
    """A station's last event, and the trip that ends its validity."""

    place: CarAtStation
    state: StationState
    next_trip: TripEvent | None = None
    departure_at: datetime | None = None
    reset_count: int = 0


class World:
    """A household in simulated time. Polling never changes what will be read later.

    State is kept as of the last event (a command, a car that leaves or returns) and every
    reading is computed from there, so that it depends on events and time alone.
    `elapsed_s` returns wall seconds and never goes back. `boot_id` goes into transaction ids,
    so that two runs of the simulator do not share them.
    """

    def __init__(
        self, household: SimulatedHousehold, elapsed_s: Callable[[], float], boot_id: str = ""
    ) -> None:
        self.household = household
        self.clock = SimulatedClock(household.start_at, household.seconds_per_hour, elapsed_s)
        self._boot_id = boot_id
        self._lock = RLock()
        self._reset_count = 0
        self._stations = {
            place.id: _Running(place, place.initial_state()) for place in household.places
        }
        for running in self._stations.values():
            self._look_ahead(running, after_ms=-1)

    @property
    def first_station_id(self) -> str:
        """The station that the course API serves."""
        return next(iter(self._stations))

    def station(self, station_id: str) -> StationReport:
        """One station now. Raises UnknownStationError."""
        with self._lock:
            return self._report(self._find(station_id), self.clock.now_ms())

    def stations(self) -> list[StationReport]:
        """All stations at one and the same instant, in the scenario's order."""
        with self._lock:
            now_ms = self.clock.now_ms()
            return [self._report(running, now_ms) for running in self._stations.values()]

    def house(self) -> HouseholdReport:
        """The house without its chargers now."""
        with self._lock:
            return self._house(self.clock.instant(self.clock.now_ms()))

    def station_with_house(self, station_id: str) -> tuple[StationReport, HouseholdReport]:
        """One station and the house at the same instant. Raises UnknownStationError."""
        with self._lock:
            report = self.station(station_id)
            return report, self._house(report.at)

    def stations_with_house(self) -> tuple[list[StationReport], HouseholdReport]:
        """All stations and the house at the same instant."""
        with self._lock:
            reports = self.stations()
            return reports, self._house(reports[0].at)

    def set_limit_w(self, station_id: str, limit_w: float) -> None:
        """Limit a station to watts over all its phases. Raises UnknownStationError."""
        with self._lock:
            station = self._find(station_id).place.station
            self.set_limit_a(station_id, limit_a_from_w(station, limit_w))

    def set_limit_a(self, station_id: str, limit_a: float) -> None:
        """Limit a station to amperes per phase. Raises UnknownStationError."""
        with self._lock:
            running = self._find(station_id)
            state = self._settle(running, self.clock.now_ms())
            stepped_a = stepped_limit_a(running.place.station, limit_a)
            if stepped_a != state.limit_a:
                running.state = replace(self._at(running, self.clock.now_ms()), limit_a=stepped_a)

    def plug(self, station_id: str, soc_percent: float | None = None) -> None:
        """Plug the station's car in. Raises UnknownStationError and PlugConflictError."""
        with self._lock:
            running, now_ms = self._find(station_id), self.clock.now_ms()
            if self._settle(running, now_ms).is_plugged_in:
                raise PlugConflictError(f"the car at {station_id} is already plugged in")
            energy_wh = None if soc_percent is None else running.place.energy_wh(soc_percent)
            running.state = plug_in(self._at(running, now_ms), energy_wh)

    def unplug(self, station_id: str) -> None:
        """Unplug the station's car. Raises UnknownStationError and PlugConflictError."""
        with self._lock:
            running, now_ms = self._find(station_id), self.clock.now_ms()
            if not self._settle(running, now_ms).is_plugged_in:
                raise PlugConflictError(f"no car is plugged in at {station_id}")
            running.state = unplug(self._at(running, now_ms))

    def reset_station(self, station_id: str, soc_percent: float | None = None) -> None:
        """Give the car its first (or this) state of charge; a plugged car begins a transaction."""
        with self._lock:
            running, now_ms = self._find(station_id), self.clock.now_ms()
            self._settle(running, now_ms)
            percent = running.place.initial_soc_percent if soc_percent is None else soc_percent
            energy_wh = running.place.energy_wh(percent)
            state = self._at(running, now_ms)
            plugged = state.is_plugged_in
            state = plug_in(state, energy_wh) if plugged else replace(state, energy_wh=energy_wh)
            running.state = state
            running.reset_count += 1

    def reset(self) -> None:
        """Begin again: clock, cars and limits. Energy registers and transaction counts go on."""
        with self._lock:
            now_ms = self.clock.now_ms()
            for running in self._stations.values():
                self._settle(running, now_ms)
                before = self._at(running, now_ms)
                running.state = running.place.initial_state(before)
            self.clock.restart()
            self._reset_count += 1
            for running in self._stations.values():
                self._look_ahead(running, after_ms=-1)

    def today(self, series: Series) -> tuple[Slot, ...]:
        """The slots of the local day that it is now."""
        return series.day(self._now().astimezone(self.household.zone).date())

    def forecast_slots(self) -> tuple[tuple[Slot, float | None], ...]:
        """House load in W from local midnight today, three days long, with the roof's power."""
        house = self.household
        today = self._now().astimezone(house.zone).date()
        load = slots_from(house.load, today, FORECAST_DAYS)
        if house.solar is None:
            return tuple((slot, None) for slot in load)
        return slots_of_both(load, slots_from(house.solar, today, FORECAST_DAYS))

    def price_slots(self) -> tuple[Slot, ...]:
        """Known prices per kWh from local midnight today.

        Three days where nothing is said about publication; else today, and tomorrow only from
        the hour at which it is published.
        """
        house = self.household
        local_now = self._now().astimezone(house.zone)
        days = FORECAST_DAYS
        if house.prices_published_at is not None:
            days = 2 if local_now.time() >= house.prices_published_at else 1
        return slots_from(house.prices, local_now.date(), days)

    def _now(self) -> datetime:
        with self._lock:
            return self.clock.instant(self.clock.now_ms())

    def _find(self, station_id: str) -> _Running:
        try:
            return self._stations[station_id]
        except KeyError:
            raise UnknownStationError(f"no station {station_id!r}") from None

    def _settle(self, running: _Running, now_ms: int) -> StationState:
        """Play the trips that are due; their instants, not the caller's, become the state's."""
        while running.next_trip and self.clock.elapsed_ms(running.next_trip.at) <= now_ms:
            trip = running.next_trip
            trip_ms = self.clock.elapsed_ms(trip.at)
            running.state = apply_trip_event(self._at(running, trip_ms), trip)
            self._look_ahead(running, after_ms=trip_ms)
        return running.state

    def _at(self, running: _Running, at_ms: int) -> StationState:
        return advance(running.place.station, running.place.car, running.state, at_ms)

    def _look_ahead(self, running: _Running, after_ms: int) -> None:
        after = self.clock.instant(after_ms)
        zone, trips = self.household.zone, running.place.trips
        running.next_trip = next_event(trips, zone, after)
        running.departure_at = next_departure_at(trips, zone, after)

    def _report(self, running: _Running, now_ms: int) -> StationReport:
        self._settle(running, now_ms)
        state = self._at(running, now_ms)
        transaction_id = None
        if state.is_plugged_in:
            parts = (running.place.id, self._boot_id, str(state.transaction_count))
            transaction_id = "-".join(part for part in parts if part)
        return StationReport(
            place=running.place,
            view=view(running.place.station, running.place.car, state),
            at=self.clock.instant(now_ms),
            transaction_id=transaction_id,
            departure_at=running.departure_at,
            reset_count=self._reset_count + running.reset_count,
        )

    def _house(self, at: datetime) -> HouseholdReport:
        house = self.household
        load_w = value_at(house.load, house.zone, at)
        currents_a = {
            phase: load_w * share / house.voltage_v
            for phase, share in enumerate(house.load_shares, start=1)
        }
        pv_w = None if house.solar is None else value_at(house.solar, house.zone, at)
        return HouseholdReport(at, load_w, per_phase(currents_a), self._reset_count, pv_w)
