"""The powers that a station can be told."""

import math
from dataclasses import dataclass

import numpy as np

from wattbus_scheduler.optimal.problem import Floats
from wattbus_scheduler.situation import Car, CarControl


@dataclass(frozen=True, slots=True)
class Power:
    """The powers in kW that a station can be told beside 0: `step` is 0 if there are no steps."""

    least: float
    most: float
    step: float

    def highest(self, power_kw: float) -> float:
        """Return what `floor` does, for a single power."""
        if power_kw < self.least - 1e-9:
            return 0.0
        if self.step <= 0 or power_kw >= self.most - 1e-9:
            return min(power_kw, self.most)
        return self.least + math.floor((power_kw - self.least) / self.step + 1e-6) * self.step

    def floor(self, power_kw: Floats) -> Floats:
        """Return the highest power not above `power_kw` (0 if there is none)."""
        capped = np.minimum(power_kw, self.most)
        if self.step > 0:
            steps = np.floor((capped - self.least) / self.step + 1e-6)
            stepped = self.least + steps * self.step
            # The car's own highest power need not be a whole step.
            capped = np.where(power_kw >= self.most - 1e-9, self.most, stepped)
        floored: Floats = np.where(power_kw >= self.least - 1e-9, capped, 0.0)
        return floored


def power_of(car: Car) -> Power:
    """Return what the car's station can be told."""
    most = car.max_power_w / 1000
    if car.control is CarControl.SWITCH:
        return Power(most, most, 0.0)
    per_ampere = car.voltage_v * len(car.phases) / 1000
    most = min(most, car.max_current_a * per_ampere)
    return Power(min(car.min_current_a * per_ampere, most), most, car.current_step_a * per_ampere)
