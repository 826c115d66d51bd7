"""A scripted station and its car: what power a limit means and what it does to the battery."""

from dataclasses import dataclass, field
from datetime import datetime

from wattbus_contract.facts import (
    ConnectorStatus,
    Control,
    Goal,
    MeterReading,
    StationInfo,
    StationState,
)

EPSILON_W = 1.0


@dataclass(slots=True)
class ScriptedStation:
    """State of one station. `limit_w` is what is in force; None until a limit was accepted."""

    info: StationInfo
    goal: Goal
    soc_percent: float
    is_plugged_in: bool = True
    limit_w: float | None = None
    limit_ends_s: float = field(default=float("-inf"))
    energy_wh: float = 0.0
    cost: float = 0.0

    @property
    def power_w(self) -> float:
        """What the car draws from the grid in W under the limit in force."""
        if not self.is_plugged_in or self.soc_percent >= 100:
            return 0.0
        return power_of(self.info, self.limit_w or 0.0)

    def draw(self, duration_s: float, price_per_kwh: float | None) -> None:
        """Let `duration_s` of site time pass at the present power."""
        stored_wh = self.power_w * duration_s / 3600 * self.info.charging_efficiency
        room_wh = (100 - self.soc_percent) / 100 * self.info.battery_capacity_wh
        stored_wh = min(stored_wh, room_wh)
        drawn_wh = stored_wh / self.info.charging_efficiency
        self.soc_percent += stored_wh / self.info.battery_capacity_wh * 100
        self.energy_wh += drawn_wh
        self.cost += drawn_wh / 1000 * (price_per_kwh or 0.0)

    def reading(self, at: datetime, house_load_w: float, price: float | None) -> MeterReading:
        """Return one poll's row."""
        return MeterReading(
            at=at,
            connector_status=self._status(),
            is_plugged_in=self.is_plugged_in,
            mode=self.goal.mode,
            is_failsafe=self.limit_w is None,
            power_active_import_w=self.power_w,
            energy_active_import_register_wh=self.energy_wh,
            offered_limit_w=self.limit_w or 0.0,
            soc_percent=self.soc_percent if self.is_plugged_in else None,
            house_load_w=house_load_w,
            price_per_kwh=price,
        )

    def state(self, at: datetime) -> StationState:
        """Return the retained state."""
        return StationState(
            at=at,
            connector_status=self._status(),
            is_reachable=True,
            is_plugged_in=self.is_plugged_in,
            soc_percent=self.soc_percent if self.is_plugged_in else None,
            power_active_import_w=self.power_w,
            offered_limit_w=self.limit_w or 0.0,
            mode=self.goal.mode,
            is_failsafe=self.limit_w is None,
            is_guarded=False,
        )

    def _status(self) -> ConnectorStatus:
        if not self.is_plugged_in:
            return ConnectorStatus.AVAILABLE
        return ConnectorStatus.CHARGING if self.power_w > 0 else ConnectorStatus.SUSPENDED_EVSE


def power_of(info: StationInfo, limit_w: float) -> float:
    """Return the power in W that a station lets a car draw under a limit.

    A switch is on only where its whole power is allowed; a current is the highest whole step
    that is not above the limit, and nothing below the minimum.
    """
    if info.control is Control.SWITCH:
        return info.max_power_w if limit_w >= info.max_power_w - EPSILON_W else 0.0
    per_ampere_w = info.voltage_v * len(info.phases)
    current_a = min(limit_w / per_ampere_w, info.max_current_a)
    if current_a < info.min_current_a - 1e-6:
        return 0.0
    steps = int((current_a - info.min_current_a) / info.current_step_a + 1e-6)
    return min((info.min_current_a + steps * info.current_step_a) * per_ampere_w, info.max_power_w)
