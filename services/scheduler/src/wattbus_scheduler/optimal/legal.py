"""Makes energies what stations can be told: powers in steps, a little time cut off for the rest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.optimal.power import Power
from wattbus_scheduler.optimal.problem import EPSILON_KW, Bools, Floats, Ints, Problem

ENERGY_EPSILON_KWH = 1e-7
LEAST_RAISE_KW, SLIVER_KWH = 1e-2, 2e-5
"""What is worth moving to a cheaper piece, and what is too little for a slot of its own."""
ROUNDING_KW = 3e-6
"""A power so little below a step is that step; the rows are checked afterwards."""


@dataclass(slots=True, eq=False)
class Legal:
    """Powers by car and piece, and the part of each piece (0..1) that is used.

    `from_back` marks pieces whose last part is used rather than the first.
    """

    power_kw: Floats
    part: Floats
    from_back: Bools


def legalised(problem: Problem, on: Bools, energy_kwh: Floats, powers: Sequence[Power]) -> Legal:
    """Return powers that stations can be told and that keep every row, close to the energies.

    Steps are rounded down and the missing energy is added where it is cheapest and fits; what is
    then too much is cut off at the dearest end of a block.
    """
    power = np.where(on, energy_kwh / problem.hours, 0.0)
    power = np.where(on, np.clip(power, problem.min_kw, problem.max_kw), 0.0)
    for car, kinds in enumerate(powers):
        if kinds.step > 0:
            power[car] = np.where(on[car], kinds.floor(power[car] + ROUNDING_KW), 0.0)
    power = _within_rows(problem, power, powers)
    legal = Legal(power, (power > 0).astype(float), np.zeros_like(on))
    used = problem.used_kw(power)
    could = (np.where(problem.is_usable, problem.max_kw, 0.0) * problem.hours).sum(axis=1)
    price, smooth = problem.price, _smoothed(problem)
    cheapest, calmest = (np.argsort(one, kind="stable") for one in (price, smooth))
    for car in np.argsort(could - problem.need_kwh, kind="stable").tolist():
        order = cheapest if power[car].any() else calmest
        order = order[problem.is_usable[car, order]]
        _top_up(problem, legal, _Topped(car, powers[car], order), used)
    for car in range(problem.cars):
        _trim(problem, legal, car)
    if _is_money_all(problem):
        for car in range(problem.cars):
            _concentrate(problem, legal, car, powers[car], used)
    return legal


def _is_money_all(problem: Problem) -> bool:
    """Whether a kWh counts the same at any power, and nothing but its price."""
    weighs_power = problem.wear is not None or problem.change_price > 0 or problem.peak_price > 0
    return not weighs_power and not problem.surplus_kwh.any()


def _missing_kwh(problem: Problem, legal: Legal, car: int) -> float:
    """Return what a car still needs, its losses included; negative if it has too much."""
    hours = legal.part[car] * problem.hours
    drawn = float((legal.power_kw[car] * hours).sum())
    lost = float(problem.overhead_kw[car] * hours.sum())
    return float(problem.need_kwh[car]) + lost - drawn


def _within_rows(problem: Problem, power: Floats, powers: Sequence[Power]) -> Floats:
    """Take steps back, then switch off the cars with most time, wherever a row is exceeded."""
    while True:
        over = problem.used_kw(power) - problem.cap_kw
        rows, pieces = np.nonzero(over > EPSILON_KW)
        if not len(pieces):
            return power
        row, piece = int(rows[0]), int(pieces[0])
        cars = np.flatnonzero((power[:, piece] > 0) & (problem.share[row] > 0))
        if not len(cars):
            return power
        least = problem.min_kw[:, piece] + EPSILON_KW
        above = [int(car) for car in cars if power[car, piece] > least[car]]
        if above:
            car = max(above, key=lambda car: float(power[car, piece]))
            lower = float(power[car, piece]) - max(powers[car].step, float(over[row, piece]))
            power[car, piece] = max(lower, float(problem.min_kw[car, piece]))
        else:
            slack = problem.is_usable[cars].sum(axis=1)
            power[cars[np.argmax(slack)], piece] = 0.0


def _smoothed(problem: Problem) -> Floats:
    """Return the mean price of the hour around each piece: its order makes fewer blocks."""
    middle = np.cumsum(problem.hours) - problem.hours / 2
    edges = np.concatenate([[0.0], np.cumsum(problem.hours)])
    paid = np.concatenate([[0.0], np.cumsum(problem.price * problem.hours)])
    first, last = (np.clip(middle + half, 0.0, edges[-1]) for half in (-0.5, 0.5))
    smooth: Floats = (np.interp(last, edges, paid) - np.interp(first, edges, paid)) / (last - first)
    return smooth


@dataclass(frozen=True, slots=True, eq=False)
class _Topped:
    """A car that needs more: its number, its powers, and its usable pieces, the best first."""

    car: int
    kinds: Power
    order: NDArray[np.intp]


def _top_up(problem: Problem, legal: Legal, topped: _Topped, used_kw: Floats) -> None:
    """Raise a car's powers until its need is met or nothing is left; `used_kw` follows.

    First where the car is on anyway, then beside its blocks, then anywhere.
    """
    car, kinds, order = topped.car, topped.kinds, topped.order
    missing = _missing_kwh(problem, legal, car)
    if missing <= ENERGY_EPSILON_KWH:
        return
    power = legal.power_kw[car]
    room = np.minimum(power + problem.room_kw(used_kw, car), problem.max_kw[car])
    overhead_kw = float(problem.overhead_kw[car])
    for stage in range(3):
        here = order[(power[order] > 0) == (stage == 0)]
        here = here[room[here] > power[here] + EPSILON_KW]
        if stage == 1 and not power.any():
            continue
        for piece in here.tolist():
            now, hours = float(power[piece]), float(problem.hours[piece])
            if stage == 1 and not _is_beside(power, piece):
                continue
            lost = 0.0 if now > 0 else overhead_kw * hours
            raised = _raised(kinds, now + (missing + lost) / hours, float(room[piece]))
            if raised <= now + EPSILON_KW:
                continue
            power[piece], legal.part[car, piece] = raised, 1.0
            used_kw[:, piece] += problem.share[:, car] * (raised - now)
            missing -= (raised - now) * hours - lost
            if missing <= ENERGY_EPSILON_KWH:
                return


def _raised(kinds: Power, wanted_kw: float, most_kw: float) -> float:
    """Return the least power that covers `wanted_kw`, or the highest that there is room for."""
    highest = kinds.highest(most_kw)
    if kinds.step <= 0 or highest <= 0:
        return min(max(wanted_kw, kinds.least), highest) if highest > 0 else 0.0
    steps = math.ceil((max(wanted_kw, kinds.least) - kinds.least) / kinds.step - 1e-6)
    return min(kinds.least + steps * kinds.step, highest)


def _is_beside(power: Floats, piece: int) -> bool:
    is_after = piece > 0 and power[piece - 1] > 0
    return bool(is_after or (piece + 1 < len(power) and power[piece + 1] > 0))


def _trim(problem: Problem, legal: Legal, car: int) -> None:
    """Cut off what is too much at the dearest ends of the blocks."""
    excess = -_missing_kwh(problem, legal, car)
    while excess > ENERGY_EPSILON_KWH:
        before, after, ends = _ends(problem, legal, car)
        ends = ends[legal.part[car, ends] == 1.0]
        if not len(ends):
            return
        at = int(ends[np.argmax(problem.price[ends] + 1e-9 * np.arange(len(ends)))])
        net_kw = float(legal.power_kw[car, at] - problem.overhead_kw[car])
        held = net_kw * float(problem.hours[at])
        if held <= excess + ENERGY_EPSILON_KWH:
            legal.power_kw[car, at] = legal.part[car, at] = 0.0
            excess -= held
            continue
        legal.part[car, at] = 1 - excess / held
        legal.from_back[car, at] = bool(after[at] and not before[at])
        return


def _concentrate(problem: Problem, legal: Legal, car: int, kinds: Power, used_kw: Floats) -> None:
    """Raise a car's powers where it is cheap and end it earlier at the dearest end of a block.

    A whole piece at the least power may hold more than is wanted of a dear hour.
    """
    power, part = legal.power_kw[car], legal.part[car]
    while True:
        before, after, ends = _ends(problem, legal, car)
        # Where charging goes on already it would have to start anew.
        ends = ends[~problem.is_free_start[car, ends]]
        if not len(ends):
            return
        at = int(ends[np.argmax(problem.price[ends])])
        hours = float(problem.hours[at])
        net_kw = float(power[at] - problem.overhead_kw[car])
        held = net_kw * float(part[at]) * hours
        cheaper = _full_or_beside(problem, legal, car, at)
        cheaper = cheaper[problem.price[cheaper] < problem.price[at] - 1e-6]
        if not len(cheaper):
            return
        room = np.minimum(power + problem.room_kw(used_kw, car), problem.max_kw[car])
        moved = 0.0
        for piece in cheaper[np.argsort(problem.price[cheaper], kind="stable")].tolist():
            now, length = float(power[piece]), float(problem.hours[piece])
            raised = kinds.highest(min(float(room[piece]), now + (held - moved) / length))
            if raised > now + LEAST_RAISE_KW:
                lost_kw = 0.0 if now > 0 else float(problem.overhead_kw[car])
                power[piece], part[piece] = raised, 1.0
                used_kw[:, piece] += problem.share[:, car] * (raised - now)
                moved += (raised - now - lost_kw) * length
        if moved <= 0:
            return
        if moved < held - SLIVER_KWH:
            part[at] *= 1 - moved / held
            legal.from_back[car, at] = bool(after[at] and not before[at])
            return
        used_kw[:, at] -= problem.share[:, car] * power[at]
        power[at] = part[at] = 0.0


def _full_or_beside(problem: Problem, legal: Legal, car: int, but: int) -> Ints:
    """Return the pieces that are used in full, or are free and next to one; all `but` one."""
    full = legal.part[car] == 1.0
    full[but] = False
    beside = np.zeros_like(full)
    beside[1:] = full[:-1] & problem.is_joined[1:]
    beside[:-1] |= full[1:] & problem.is_joined[1:]
    beside &= (legal.part[car] == 0) & problem.is_usable[car]
    return np.flatnonzero(full | beside).astype(np.int32)


def _ends(problem: Problem, legal: Legal, car: int) -> tuple[Bools, Bools, Ints]:
    """Return which pieces follow one that is on, come before one, and which are a block's ends."""
    on = legal.part[car] > 0
    before, after = np.zeros_like(on), np.zeros_like(on)
    before[1:] = on[:-1] & problem.is_joined[1:]
    after[:-1] = on[1:] & problem.is_joined[1:]
    return before, after, np.flatnonzero(on & ~(before & after)).astype(np.int32)
