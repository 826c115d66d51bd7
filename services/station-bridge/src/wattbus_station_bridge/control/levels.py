"""The levels that a station can hold: on or off, or a current in steps between two ends."""

import math
from dataclasses import dataclass

from wattbus_contract.facts import Control

ROUNDING_A = 0.01
"""A command that was rounded to two decimals on its way must not cost a whole step."""
EXACT_A = 1e-9


@dataclass(frozen=True, slots=True)
class Levels:
    """What a station can be told; powers are over all of its `phases`, in W."""

    control: Control
    phases: tuple[int, ...]
    voltage_v: float
    min_current_a: float
    max_current_a: float
    current_step_a: float
    max_power_w: float

    @property
    def watts_per_ampere(self) -> float:
        """Power over all phases for each ampere per phase."""
        return self.voltage_v * len(self.phases)

    @property
    def minimum_w(self) -> float:
        """The lowest level above 0."""
        if self.control is Control.SWITCH:
            return self.max_power_w
        return self.min_current_a * self.watts_per_ampere

    @property
    def maximum_w(self) -> float:
        """The highest level."""
        return self.floor_w(self.max_power_w)

    def floor_w(self, limit_w: float, slack_a: float = EXACT_A) -> float:
        """Return the highest level that is not above `limit_w`."""
        limit_w = min(limit_w, self.max_power_w)
        current_a = limit_w / self.watts_per_ampere + slack_a
        if self.control is Control.SWITCH:
            full_a = self.max_power_w / self.watts_per_ampere
            return self.max_power_w if current_a >= full_a else 0.0
        if current_a < self.min_current_a:
            return 0.0
        steps = math.floor((current_a - self.min_current_a) / self.current_step_a + EXACT_A)
        level_a = min(self.max_current_a, self.min_current_a + steps * self.current_step_a)
        return level_a * self.watts_per_ampere

    def level_w(self, limit_w: float | None, limit_a: float | None) -> float:
        """Return the level that a command means, in W or else in A per phase."""
        if limit_w is None:
            limit_w = (limit_a or 0.0) * self.watts_per_ampere
        return self.floor_w(limit_w, ROUNDING_A)

    def is_same(self, one_w: float, other_w: float) -> bool:
        """Whether two figures mean the same level."""
        return abs(one_w - other_w) <= 2 * ROUNDING_A * self.watts_per_ampere
