"""Which stretches of time a car takes: in order of time, or the best ones first and calmly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from wattbus_scheduler.headroom import TIME_EPSILON_S

ENERGY_EPSILON_WH = 1e-3
SHORTFALL_EPSILON_WH = 0.5
"""Less than half a watt-hour is rounding, no shortfall."""

KEY_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in which a car may charge, or does: POSIX seconds, power in W, price per kWh or None.

    `drawn_w` is the mean of what the car takes where that is less than it is offered.
    """

    start_s: float
    end_s: float
    power_w: float
    price_per_kwh: float | None
    house_load_w: float
    slot_index: int
    drawn_w: float | None = None

    @property
    def energy_wh(self) -> float:
        """Grid energy in Wh over the whole stretch."""
        power_w = self.power_w if self.drawn_w is None else self.drawn_w
        return power_w * (self.end_s - self.start_s) / 3600


Key = Callable[[Stretch], float]
"""How bad a stretch is: the lower, the sooner it is taken."""


def energy_of(stretches: Sequence[Stretch]) -> float:
    """Return the energy of all stretches in Wh."""
    return sum(stretch.energy_wh for stretch in stretches)


def first_part(stretch: Stretch, energy_wh: float) -> Stretch:
    """Return the beginning of a stretch that holds `energy_wh`, or all of it."""
    end_s = stretch.start_s + energy_wh / stretch.power_w * 3600
    return replace(stretch, end_s=min(end_s, stretch.end_s))


def last_part(stretch: Stretch, energy_wh: float) -> Stretch:
    """Return the end of a stretch that holds `energy_wh`, or all of it."""
    start_s = stretch.end_s - energy_wh / stretch.power_w * 3600
    return replace(stretch, start_s=max(start_s, stretch.start_s))


def earliest(candidates: Sequence[Stretch], need_wh: float) -> list[Stretch]:
    """Take candidates (in order of time) until `need_wh` is met; the last one in part."""
    return _fill(candidates, need_wh, first_part)


def lowest_first(
    candidates: Sequence[Stretch],
    need_wh: float,
    touching: Sequence[tuple[float, float]],
    key: Key,
) -> list[Stretch]:
    """Take the candidates with the lowest key until `need_wh` is met, with the fewest starts.

    With the key as the price this is the exact optimum for one car: energy grows linearly with
    time, so it is a fractional knapsack and only the dearest group of equal keys is used in part.
    Within that group the choice is free, and goes to fewest starts, then earliest. `touching` are
    (start, end) of charging that is fixed already. Returns stretches in order of time.
    """
    ranked = sorted(candidates, key=lambda stretch: (key(stretch), stretch.start_s))
    taken: list[Stretch] = []
    left_wh = need_wh
    for group in _groups_of_equal_key(ranked, key):
        if left_wh <= ENERGY_EPSILON_WH:
            break
        group_wh = energy_of(group)
        if group_wh <= left_wh + ENERGY_EPSILON_WH:
            taken.extend(group)
            left_wh -= group_wh
            continue
        fixed = [*touching, *((stretch.start_s, stretch.end_s) for stretch in taken)]
        taken.extend(_calmest(group, left_wh, fixed))
        break
    return sorted(taken, key=lambda stretch: stretch.start_s)


def _groups_of_equal_key(ranked: list[Stretch], key: Key) -> list[list[Stretch]]:
    groups: list[list[Stretch]] = []
    for stretch in ranked:
        if groups and key(stretch) - key(groups[-1][0]) <= KEY_EPSILON:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    return groups


def _calmest(
    group: list[Stretch], need_wh: float, fixed: list[tuple[float, float]]
) -> list[Stretch]:
    """Take `need_wh` of equally good stretches with the fewest starts, then the earliest.

    Closing a gap between two fixed blocks saves a start, lengthening a block costs none, a new
    island costs one: so the smallest gaps first, then the sides, then as few islands as can be.
    """
    ends = {round(end_s, 3) for _, end_s in fixed}
    starts = {round(start_s, 3) for start_s, _ in fixed}
    runs = _runs(group)
    after = [round(run[0].start_s, 3) in ends for run in runs]
    before = [round(run[-1].end_s, 3) in starts for run in runs]
    taken: list[Stretch] = []
    left_wh = need_wh

    gaps = [i for i in range(len(runs)) if after[i] and before[i]]
    closed = set()
    for i in sorted(gaps, key=lambda i: (energy_of(runs[i]), runs[i][0].start_s)):
        if energy_of(runs[i]) <= left_wh + ENERGY_EPSILON_WH:
            taken.extend(runs[i])
            left_wh -= energy_of(runs[i])
            closed.add(i)
    for i, run in enumerate(runs):
        if i in closed or not (after[i] or before[i]):
            continue
        part = earliest(run, left_wh) if after[i] else _latest(run, left_wh)
        taken.extend(part)
        left_wh -= energy_of(part)
    islands = [run for i, run in enumerate(runs) if not (after[i] or before[i])]
    while left_wh > ENERGY_EPSILON_WH and islands:
        wide_enough = [run for run in islands if energy_of(run) >= left_wh - ENERGY_EPSILON_WH]
        run = wide_enough[0] if wide_enough else max(islands, key=energy_of)
        part = earliest(run, left_wh)
        taken.extend(part)
        left_wh -= energy_of(part)
        islands.remove(run)
    return taken


def _runs(group: list[Stretch]) -> list[list[Stretch]]:
    """Return the stretches joined to runs without a gap, in order of time."""
    runs: list[list[Stretch]] = []
    for stretch in sorted(group, key=lambda stretch: stretch.start_s):
        if runs and stretch.start_s - runs[-1][-1].end_s <= TIME_EPSILON_S:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    return runs


def _latest(run: list[Stretch], need_wh: float) -> list[Stretch]:
    return _fill(run[::-1], need_wh, last_part)[::-1]


def _fill(
    stretches: Sequence[Stretch], need_wh: float, cut: Callable[[Stretch, float], Stretch]
) -> list[Stretch]:
    taken = []
    left_wh = need_wh
    for stretch in stretches:
        if left_wh <= ENERGY_EPSILON_WH:
            break
        part = stretch if stretch.energy_wh <= left_wh else cut(stretch, left_wh)
        taken.append(part)
        left_wh -= part.energy_wh
    return taken
