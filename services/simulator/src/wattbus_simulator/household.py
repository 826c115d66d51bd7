"""Turns a scenario into the typed household that the world runs: series, stations, cars."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from wattbus_simulator.battery import Battery
from wattbus_simulator.scenario import (
    BadScenarioError,
    CarTable,
    Scenario,
    SeriesTable,
    StationTable,
)
from wattbus_simulator.series import Series, slots_from
from wattbus_simulator.series_csv import BadSeriesError, read_series
from wattbus_simulator.station import CarSpec, Control, StationSpec, StationState
from wattbus_simulator.trips import WeeklyTrip

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class CarAtStation:
    """One station with the car that charges there, and how the car begins."""

    id: str
    name: str
    station: StationSpec
    car: CarSpec
    car_name: str
    initial_soc_percent: float
    is_plugged_in_at_start: bool
    trips: tuple[WeeklyTrip, ...]

    def energy_wh(self, soc_percent: float) -> float:
        """Stored energy at a state of charge."""
        return soc_percent / 100 * self.car.battery.capacity_wh

    def initial_state(self, before: StationState | None = None) -> StationState:
        """The state at the start: limit 0, off. What only ever counts up goes on from `before`."""
        transactions = before.transaction_count if before else 0
        if self.is_plugged_in_at_start:
            transactions += 1
        return StationState(
            at_ms=0,
            energy_wh=self.energy_wh(self.initial_soc_percent),
            energy_register_wh=before.energy_register_wh if before else 0.0,
            limit_a=0.0,
            is_plugged_in=self.is_plugged_in_at_start,
            transaction_count=transactions,
        )


@dataclass(frozen=True)
class SimulatedHousehold:
    """All that is fixed about a simulated household; `load_shares` has one number per phase."""

    name: str
    start_at: datetime
    zone: ZoneInfo
    seconds_per_hour: float
    phases: int
    voltage_v: float
    fuse_w: float | None
    load_shares: tuple[float, ...]
    load: Series
    solar: Series | None
    prices: Series
    prices_published_at: time | None
    currency: str
    prices_include_vat: bool
    price_source: str
    places: tuple[CarAtStation, ...]


def build_household(scenario: Scenario) -> SimulatedHousehold:
    """Read the scenario's CSV files and put all parts together. Raises BadScenarioError."""
    house, prices, zone = scenario.household, scenario.prices, scenario.zone
    load_series = _series(scenario, house.load, zone)
    price_series = _series(scenario, prices, zone)
    solar_series = _solar(scenario, zone)
    for table, series in (
        (house.load, load_series),
        (prices, price_series),
        (house.solar, solar_series),
    ):
        if table is not None and series is not None:
            _check_start(scenario, table, series)
    return SimulatedHousehold(
        name=scenario.name,
        start_at=scenario.clock.start_at.replace(tzinfo=zone),
        zone=zone,
        seconds_per_hour=scenario.clock.seconds_per_hour,
        phases=house.phases,
        voltage_v=house.voltage_v,
        fuse_w=house.fuse_w,
        load_shares=house.load_shares or (1 / house.phases,) * house.phases,
        load=load_series,
        solar=solar_series,
        prices=price_series,
        prices_published_at=prices.published_at,
        currency=prices.currency,
        prices_include_vat=prices.includes_vat,
        price_source=prices.source,
        places=tuple(_place(table, house.voltage_v) for table in scenario.stations),
    )


def _series(scenario: Scenario, table: SeriesTable, zone: ZoneInfo) -> Series:
    try:
        return read_series(scenario.folder / table.file, table.column, table.factor, zone)
    except BadSeriesError as error:
        raise BadScenarioError(str(error)) from error


def _solar(scenario: Scenario, zone: ZoneInfo) -> Series | None:
    table = scenario.household.solar
    if table is None:
        return None
    series = _series(scenario, table, zone)
    first = series.first_day() or scenario.clock.start_at.date()
    days = ((series.last_day() or first) - first).days + 1
    least_w = min(slot.value for slot in slots_from(series, first, days))
    if least_w < 0:
        raise BadScenarioError(
            f"household.solar: {table.file}, column {table.column!r} goes down to {least_w:g} W; "
            "a roof takes nothing"
        )
    return series


def _check_start(scenario: Scenario, table: SeriesTable, series: Series) -> None:
    first_day, last_day = series.first_day(), series.last_day()
    day = scenario.clock.start_at.date()
    if first_day and last_day and not first_day <= day <= last_day:
        raise BadScenarioError(
            f"clock.start_at: {day} is outside {table.file}, which has {first_day} to {last_day}"
        )


def _place(table: StationTable, voltage_v: float) -> CarAtStation:
    car = _car(table.car)
    return CarAtStation(
        id=table.id,
        name=table.name or table.id,
        station=_station(table, voltage_v),
        car=car,
        car_name=table.car.name,
        initial_soc_percent=table.car.soc_percent,
        is_plugged_in_at_start=table.car.is_plugged_in,
        trips=tuple(
            WeeklyTrip(
                frozenset(_WEEKDAYS.index(day) for day in trip.days),
                trip.leaves,
                trip.returns,
                trip.energy_kwh * 1000,
            )
            for trip in table.car.trips
        ),
    )


def _station(table: StationTable, voltage_v: float) -> StationSpec:
    if table.power_w is not None:
        rated_a = table.power_w / (voltage_v * len(table.phases))
        return StationSpec(
            Control.SWITCH, table.phases, voltage_v, rated_a, rated_a, rated_a, table.power_w
        )
    return StationSpec(
        control=Control.CURRENT,
        phases=table.phases,
        voltage_v=voltage_v,
        min_current_a=table.min_current_a,
        max_current_a=table.max_current_a,
        current_step_a=table.current_step_a,
        max_power_w=table.max_current_a * voltage_v * len(table.phases),
    )


def _car(table: CarTable) -> CarSpec:
    capacity_wh = table.battery_capacity_kwh * 1000
    corners = tuple((percent / 100 * capacity_wh, power_w) for percent, power_w in table.taper)
    battery = Battery(capacity_wh, table.charging_efficiency, corners)
    return CarSpec(battery, table.phases)
