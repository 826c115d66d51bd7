"""Cars that take less near full: how long charging takes, and what is drawn of what is offered."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wattbus_scheduler.optimal.power import power_of
from wattbus_scheduler.optimal.problem import Floats
from wattbus_scheduler.selection import Stretch
from wattbus_scheduler.situation import Car

STEPS = 800
"""Of the way to full: the energy on the way is right to a fraction of a watt-hour."""
SHORTEST_S = 2e-3


class Filling:
    """A battery that fills: `held_wh` is what it has taken, in grid energy without losses."""

    def __init__(self, car: Car) -> None:
        self.car = car
        self.held_wh = 0.0
        full_wh = (100.0 - car.soc_percent) / 100 * car.battery_capacity_wh / car.efficiency
        self._at_wh = np.linspace(0.0, max(full_wh, 1e-6), STEPS + 1)
        corners = np.array(car.taper)
        soc = np.linspace(car.soc_percent, 100.0, STEPS + 1)
        self._most_w: Floats = np.interp(soc, corners[:, 0], corners[:, 1])

    @property
    def most_kw(self) -> float:
        """The most that the battery takes now, in kW."""
        return float(np.interp(self.held_wh, self._at_wh, self._most_w)) / 1000

    def hours_to(self, wh: float, offered_w: float) -> float:
        """Return how long it takes from the beginning until `wh` are held."""
        return float(np.interp(wh, self._at_wh, self._hours(offered_w)))

    def take(self, offered_w: float, hours: float, most_wh: float) -> tuple[float, float]:
        """Take an offer for so long, or until `most_wh` are held; return Wh drawn and the hours."""
        taken_h = self._hours(offered_w)
        begin_h = float(np.interp(self.held_wh, self._at_wh, taken_h))
        end_h = min(begin_h + hours, float(np.interp(most_wh, self._at_wh, taken_h)))
        after_wh = float(np.interp(end_h, taken_h, self._at_wh))
        used_h = max(0.0, end_h - begin_h)
        gained_wh, self.held_wh = after_wh - self.held_wh, max(self.held_wh, after_wh)
        return max(0.0, gained_wh) + self.car.overhead_w * used_h, used_h

    def _hours(self, offered_w: float) -> Floats:
        net_w = np.maximum(np.minimum(offered_w, self._most_w) - self.car.overhead_w, 1.0)
        per_step = np.diff(self._at_wh) * (1 / net_w[1:] + 1 / net_w[:-1]) / 2
        hours: Floats = np.concatenate([[0.0], np.cumsum(per_step)])
        return hours


def need_as_time_wh(car: Car, need_wh: float) -> float:
    """Return the need as the energy that an even draw at full power had in the time it takes."""
    if not car.taper or need_wh <= 0:
        return need_wh
    most_w = power_of(car).most * 1000
    return Filling(car).hours_to(need_wh, most_w) * (most_w - car.overhead_w)


def drawn(car: Car, stretches: Sequence[Stretch], most_wh: float) -> list[Stretch]:
    """Return the stretches (in order of time) with what is drawn in them, until `most_wh` are held.

    `most_wh` is grid energy without losses; what comes after it is left out.
    """
    if not car.taper:
        return list(stretches)
    filling, taken = Filling(car), []
    for stretch in stretches:
        hours = (stretch.end_s - stretch.start_s) / 3600
        energy_wh, used_h = filling.take(stretch.power_w, hours, most_wh)
        if used_h * 3600 < SHORTEST_S:
            continue
        end_s = stretch.end_s if used_h > hours - 1e-6 else stretch.start_s + used_h * 3600
        mean_w = energy_wh / ((end_s - stretch.start_s) / 3600)
        taken.append(replace(stretch, end_s=end_s, drawn_w=min(mean_w, stretch.power_w)))
    return taken
