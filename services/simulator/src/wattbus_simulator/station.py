"""A station and its car as a pure function of time: plug, limit, trips and charging."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from wattbus_simulator.battery import Battery, charging_power_w, energy_after_wh
from wattbus_simulator.trips import TripEvent, TripEventKind


class Control(StrEnum):
    """How a station takes orders: on and off only, or a current limit in steps."""

    SWITCH = "switch"
    CURRENT = "current"


class ConnectorStatus(StrEnum):
    """The states of an OCPP 1.6 connector that the simulator can be in."""

    AVAILABLE = "Available"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"


@dataclass(frozen=True)
class StationSpec:
    """What never changes about a station; `phases` are the household's phases it is wired to.

    A switch station draws `max_power_w` or nothing; its minimum, maximum and step are the same.
    """

    control: Control
    phases: tuple[int, ...]
    voltage_v: float
    min_current_a: float
    max_current_a: float
    current_step_a: float
    max_power_w: float


@dataclass(frozen=True)
class CarSpec:
    """What never changes about a car; `phase_count` is how many phases its charger uses."""

    battery: Battery
    phase_count: int


@dataclass(frozen=True)
class StationState:
    """A station and its car right after an event at `at_ms`; between events all else follows."""

    at_ms: int
    energy_wh: float
    energy_register_wh: float
    limit_a: float
    is_plugged_in: bool
    transaction_count: int
    trip_shortfall_wh: float = 0.0


@dataclass(frozen=True)
class StationView:
    """What a station shows at one moment; `currents_a` holds L1, L2 and L3."""

    state: StationState
    power_w: float
    currents_a: tuple[float, float, float]
    limit_w: float
    soc_percent: float
    connector_status: ConnectorStatus


def used_phases(station: StationSpec, car: CarSpec) -> tuple[int, ...]:
    """The household's phases that this car loads at this station."""
    return station.phases[: car.phase_count]


def offered_w(station: StationSpec, car: CarSpec, limit_a: float) -> float:
    """AC power on offer to the car at a limit that `stepped_limit_a` returned."""
    if limit_a <= 0:
        return 0.0
    if station.control is Control.SWITCH:
        return station.max_power_w
    return limit_a * station.voltage_v * len(used_phases(station, car))


def limit_a_from_w(station: StationSpec, limit_w: float) -> float:
    """Convert a limit over all of the station's phases to amperes per phase."""
    if station.control is Control.SWITCH:
        return station.max_current_a if limit_w >= station.max_power_w - 1e-6 else 0.0
    return limit_w / (station.voltage_v * len(station.phases))


def limit_w_from_a(station: StationSpec, limit_a: float) -> float:
    """Convert amperes per phase to watts over all of the station's phases."""
    if station.control is Control.SWITCH:
        return station.max_power_w if limit_a > 0 else 0.0
    return limit_a * station.voltage_v * len(station.phases)


def stepped_limit_a(station: StationSpec, wanted_a: float) -> float:
    """Floor to what the station can do: 0, or its minimum plus whole steps up to its maximum."""
    # A hundredth of an ampere of slack takes back what rounding to two decimals took away.
    if wanted_a < station.min_current_a - 0.01:
        return 0.0
    steps = math.floor((wanted_a - station.min_current_a) / station.current_step_a + 1e-6)
    stepped_a = station.min_current_a + max(0, steps) * station.current_step_a
    return min(station.max_current_a, stepped_a)


def advance(station: StationSpec, car: CarSpec, state: StationState, to_ms: int) -> StationState:
    """The state at `to_ms`, given that nothing happens between the state's own time and then.

    Raises ValueError when `to_ms` lies before the state.
    """
    if to_ms < state.at_ms:
        raise ValueError(f"cannot go back from {state.at_ms} ms to {to_ms} ms")
    if not state.is_plugged_in:
        return replace(state, at_ms=to_ms)
    offer_w = offered_w(station, car, state.limit_a)
    energy_wh = energy_after_wh(car.battery, state.energy_wh, offer_w, to_ms - state.at_ms)
    drawn_wh = (energy_wh - state.energy_wh) / car.battery.charging_efficiency
    register_wh = state.energy_register_wh + drawn_wh
    return replace(state, at_ms=to_ms, energy_wh=energy_wh, energy_register_wh=register_wh)


def view(station: StationSpec, car: CarSpec, state: StationState) -> StationView:
    """What the station shows at the very moment of `state`."""
    offer_w = offered_w(station, car, state.limit_a) if state.is_plugged_in else 0.0
    power_w = charging_power_w(car.battery, state.energy_wh, offer_w)
    phases = used_phases(station, car)
    current_a = power_w / (station.voltage_v * len(phases))
    return StationView(
        state=state,
        power_w=power_w,
        currents_a=per_phase(dict.fromkeys(phases, current_a)),
        limit_w=limit_w_from_a(station, state.limit_a),
        soc_percent=min(100.0, 100 * state.energy_wh / car.battery.capacity_wh),
        connector_status=_connector_status(car, state, power_w),
    )


def per_phase(value_by_phase: dict[int, float]) -> tuple[float, float, float]:
    """L1, L2 and L3, zero where nothing is given."""
    return value_by_phase.get(1, 0.0), value_by_phase.get(2, 0.0), value_by_phase.get(3, 0.0)


def plug_in(state: StationState, energy_wh: float | None = None) -> StationState:
    """Plug the car in, which begins a transaction; `energy_wh` replaces what it holds."""
    return replace(
        state,
        is_plugged_in=True,
        transaction_count=state.transaction_count + 1,
        energy_wh=state.energy_wh if energy_wh is None else energy_wh,
    )


def unplug(state: StationState) -> StationState:
    """Unplug the car; the station keeps its limit."""
    return replace(state, is_plugged_in=False)


def apply_trip_event(state: StationState, event: TripEvent) -> StationState:
    """Let the car leave or return. The trip's energy is taken when it leaves.

    What the battery could not give is counted in `trip_shortfall_wh`; a car that is already
    home when its return is due stays as it is.
    """
    if event.kind is TripEventKind.RETURN:
        return state if state.is_plugged_in else plug_in(state)
    left_wh = state.energy_wh - event.energy_wh
    return replace(
        unplug(state),
        energy_wh=max(0.0, left_wh),
        trip_shortfall_wh=state.trip_shortfall_wh + max(0.0, -left_wh),
    )


def _connector_status(car: CarSpec, state: StationState, power_w: float) -> ConnectorStatus:
    if not state.is_plugged_in:
        return ConnectorStatus.AVAILABLE
    if power_w > 0:
        return ConnectorStatus.CHARGING
    if state.energy_wh >= car.battery.capacity_wh:
        return ConnectorStatus.SUSPENDED_EV
    return ConnectorStatus.SUSPENDED_EVSE
