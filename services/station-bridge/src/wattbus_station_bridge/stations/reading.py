"""What a driver tells of a station: typed readings, and the two ways in which it can fail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattbus_contract.facts import ConnectorStatus, Control

PerPhase = tuple[float, float, float]
"""One value for each of L1, L2 and L3."""


class InvalidAnswer(ValueError):  # noqa: N818 - the counterpart of the contract's InvalidMessage
    """A station answered with something that is not what it should be; says what."""


class StationUnreachable(OSError):  # noqa: N818 - says what happened
    """A station did not answer at all, not in time, or broke off."""


@dataclass(frozen=True, slots=True)
class StationTraits:
    """What hardly ever changes about a station and its car."""

    name: str
    control: Control
    phases: tuple[int, ...]
    voltage_v: float
    min_current_a: float
    max_current_a: float
    current_step_a: float
    max_power_w: float
    battery_capacity_wh: float
    charging_efficiency: float
    car_name: str | None


@dataclass(frozen=True, slots=True)
class StationReading:
    """One poll. `at` is the station's own clock; `reset_count` rises when it was set back.

    `house_load_w` is the house without any charger, `pv_power_w` what its roof gives beside it.
    `offered_limit_w` is None where a station does not tell what it offers. Figures named
    `reported_…` are the station's own, right or wrong.
    """

    at: datetime
    traits: StationTraits
    connector_status: ConnectorStatus
    is_plugged_in: bool
    power_w: float
    energy_register_wh: float
    offered_limit_w: float | None
    soc_percent: float | None = None
    transaction_id: str | None = None
    currents_a: PerPhase | None = None
    house_load_w: float | None = None
    house_currents_a: PerPhase | None = None
    pv_power_w: float | None = None
    departure_at: datetime | None = None
    reset_count: int = 0
    reported_base_current_load_kw: float | None = None
    reported_battery_energy_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class SourceSlot:
    """A price per kWh (major unit) or a power in W from `start_at` (aware UTC) on."""

    start_at: datetime
    duration_s: float
    value: float


@dataclass(frozen=True, slots=True)
class SourcePrices:
    """Prices as a source gives them; `includes_vat` is None where it does not say."""

    provider: str
    slots: tuple[SourceSlot, ...]
    currency: str | None = None
    includes_vat: bool | None = None


@dataclass(frozen=True, slots=True)
class SourceLoad:
    """Expected load of the house as a source gives it, in W, and what its roof should give."""

    provider: str
    slots: tuple[SourceSlot, ...]
    solar: tuple[SourceSlot, ...] = ()


class Station(Protocol):
    """A driver. All methods may raise InvalidAnswer and StationUnreachable."""

    def read(self) -> StationReading:
        """Ask the station how it stands."""

    def apply(self, limit_w: float) -> None:
        """Tell the station a level that it can hold: 0, or one of its steps, in W."""

    def read_prices(self, now: datetime) -> SourcePrices:
        """Ask for the prices that are known at `now` on the station's clock."""

    def read_base_load(self, now: datetime) -> SourceLoad:
        """Ask for the expected load of the house."""

    def read_seconds_per_hour(self) -> float | None:
        """Ask how many wall seconds an hour on its clock takes; None where it cannot tell."""
