"""What a station should draw: its mode first, then a valid limit, else the fail-safe limit."""

import math
from dataclasses import dataclass, replace

from wattbus_contract.facts import Mode
from wattbus_station_bridge.control.levels import Levels

ROUND_OFF_W = 1e-3


@dataclass(frozen=True, slots=True)
class Command:
    """The last accepted limit; it stands until `until_s` of the monotonic clock."""

    level_w: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Intent:
    """What a station should draw if the fuse allows it, and why.

    `limited` says why it is less than `code` alone would give; empty where it is not.
    """

    level_w: float
    code: str
    text: str
    is_failsafe: bool = False
    limited: str = ""


def command_until_s(received_s: float, deadline_s: float, failsafe_after_s: float) -> float:
    """Return how long a limit stands: as long as it is valid, at most the fail-safe time."""
    return min(deadline_s, received_s + failsafe_after_s)


def intend(
    mode: Mode,
    command: Command | None,
    levels: Levels,
    failsafe_w: float,
    now_s: float,
    *,
    is_full: bool,
) -> Intent:
    """Return what a station should draw. `is_full` means that mode `now` has done its work."""
    if mode is Mode.OFF:
        return Intent(0.0, "mode-off", "somebody has switched charging off")
    if mode is Mode.NOW:
        if is_full:
            return Intent(0.0, "target-reached", "the car has what it was to be charged to")
        return Intent(levels.maximum_w, "mode-now", "somebody wants the car charged at once")
    if command is None or now_s >= command.until_s:
        return Intent(failsafe_w, "failsafe", "no scheduler commands", is_failsafe=True)
    return Intent(command.level_w, "commanded", "as the scheduler wishes")


def within(intent: Intent, levels: Levels, max_current_a: float | None) -> Intent:
    """Return an intent that keeps a person's limit of the current, whoever wants more."""
    if max_current_a is None:
        return intent
    most_w = levels.floor_w(max_current_a * levels.watts_per_ampere)
    if intent.level_w <= most_w:
        return intent
    too_little = too_little_text(levels, max_current_a)
    text = f"somebody allows at most {max_current_a:g} A" + (
        f", {too_little}" if too_little else ""
    )
    return replace(intent, level_w=most_w, limited=text)


def too_little_text(levels: Levels, max_current_a: float) -> str:
    """Return in words what a station needs that cannot charge with so little; empty if it can."""
    if levels.floor_w(max_current_a * levels.watts_per_ampere) > 0:
        return ""
    least_a = levels.minimum_w / levels.watts_per_ampere
    needed_a = math.ceil(10 * least_a - 1e-6) / 10
    return f"too little for this station, which needs {needed_a:g} A"


class FailsafeLimits:
    """Each station's fail-safe limit: all are 0 where together they would exceed the site."""

    def __init__(self, total_w: float, phase_w: float) -> None:
        self._total_w = total_w
        self._phase_w = phase_w
        self._limits_w: dict[str, float] = {}
        self._levels: dict[str, Levels] = {}
        self._by_phase = {1: 0.0, 2: 0.0, 3: 0.0}

    @property
    def fit(self) -> bool:
        """Whether the site carries all of them together."""
        sum_w, highest_w = sum(self._by_phase.values()), max(self._by_phase.values())
        return sum_w <= self._total_w + ROUND_OFF_W and highest_w <= self._phase_w + ROUND_OFF_W

    def put(self, station: str, levels: Levels, limit_a: float) -> None:
        """Note a station and its configured limit in A per phase, instead of what was noted."""
        if station in self._levels:
            self._add(self._levels[station], -self._limits_w[station])
        self._levels[station] = levels
        self._limits_w[station] = levels.level_w(None, limit_a)
        self._add(levels, self._limits_w[station])

    def limit_w(self, station: str) -> float:
        """Return a station's fail-safe limit."""
        return self._limits_w[station] if self.fit else 0.0

    def _add(self, levels: Levels, power_w: float) -> None:
        for phase in levels.phases:
            self._by_phase[phase] += power_w / len(levels.phases)
