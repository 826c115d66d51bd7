"""A plan as one station follows it: slot and expected state of charge by instant."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from wattbus_scheduler.plan import PlannedSlot, StationPlan
from wattbus_scheduler.situation import Car


@dataclass(frozen=True, slots=True)
class StationCourse:
    """One station's plan, prepared for look-ups by time in microseconds rather than milliseconds.

    `energies_wh` is what has been drawn from the grid at the start of each slot, `powers_w` what is
    drawn in it on average: near full that is less than is offered.
    """

    plan: StationPlan
    starts_s: list[float]
    energies_wh: list[float]
    powers_w: list[float]
    soc_percent: float
    percent_per_wh: float

    def slot_at(self, at: datetime) -> PlannedSlot | None:
        """Return the slot that holds the instant, or None outside of the plan."""
        index = bisect_right(self.starts_s, at.timestamp() + 1e-3) - 1
        if index < 0:
            return None
        slot = self.plan.slots[index]
        passed_s = at.timestamp() - self.starts_s[index]
        return slot if passed_s < slot.duration_s else None

    def soc_percent_at(self, at: datetime) -> float:
        """Return the state of charge that the plan expects at an instant."""
        index = bisect_right(self.starts_s, at.timestamp()) - 1
        if index < 0:
            return self.soc_percent
        slot = self.plan.slots[index]
        passed_s = min(at.timestamp() - self.starts_s[index], slot.duration_s)
        energy_wh = self.energies_wh[index] + self.powers_w[index] * passed_s / 3600
        return self.soc_percent + energy_wh * self.percent_per_wh


def course_of(plan: StationPlan, car: Car) -> StationCourse:
    """Prepare a station's plan; `car` is the one that it was made for."""
    starts_s, energies_wh, powers_w, energy_wh = [], [], [], 0.0
    for slot in plan.slots:
        starts_s.append(slot.start_at.timestamp())
        energies_wh.append(energy_wh)
        mean_w = slot.expected_energy_wh / slot.duration_s * 3600
        powers_w.append(mean_w if car.taper else slot.limit_w)
        energy_wh += slot.expected_energy_wh
    percent_per_wh = car.efficiency / car.battery_capacity_wh * 100
    return StationCourse(plan, starts_s, energies_wh, powers_w, car.soc_percent, percent_per_wh)
