"""Works on many cars in small groups, each beside the others' powers or the relaxed answer's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from wattbus_scheduler.optimal.effort import GAIN_EPSILON, Aim, Effort
from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.search import Search

GROUP_SIZE = 12
MOST_REFITTED, MOST_REFITTED_IN_PAIRS = 5, 3
"""In groups up to these sizes cars, and pairs of them, are also taken out and fixed anew."""


@dataclass(slots=True, eq=False)
class Joint:
    """All cars' patterns and energies, and what they cost without starts, if that is known."""

    on: Bools
    energy_kwh: Floats
    cost: float = float("inf")


def fix_in_groups(problem: Problem, relaxed: Answer, effort: Effort, size: int) -> Joint:
    """Return a joint plan of many cars.

    Every group gets what the relaxed answer gives to its cars, and what the groups before it have
    left over. Cars that there is no time for keep of the relaxed answer what is a legal power.
    """
    joint = Joint(np.zeros_like(problem.is_usable), relaxed.energy_kwh.copy())
    for group in _dealt(urgency_order(problem), size):
        if effort.is_over():
            left = ~joint.on.any(axis=1)
            enough = (relaxed.energy_kwh >= problem.low_kwh) & problem.is_usable
            joint.on[left] = enough[left]
            joint.energy_kwh[~joint.on] = 0.0
            return joint
        sub = left_for(problem, joint.energy_kwh, group)
        search = Search(sub, Programme(sub), effort)
        search.fix_all(urgency_order(sub))
        joint.on[group] = search.on
        joint.energy_kwh[group] = search.programme.answer().energy_kwh
    return joint


def improve_in_groups(
    problem: Problem, joint: Joint, effort: Effort, aim: Aim, *, seed: int
) -> bool:
    """Change cars' patterns for the better, group by group; tell whether anything changed.

    It ends where `aim` is reached by the cost of all.
    """
    order = np.random.default_rng(seed).permutation(problem.cars).astype(np.int32)
    has_changed = False
    for group in _dealt(order, GROUP_SIZE):
        if effort.is_over() or joint.cost <= aim.enough:
            break
        sub = left_for(problem, joint.energy_kwh, group)
        search = Search(sub, Programme(sub), effort)
        search.set_patterns(joint.on[group])
        before, cost = search.total, search.cost
        search.aim = aim.less(joint.cost - cost)
        search.improve()
        for _ in range(effort.passes if len(group) <= MOST_REFITTED else 1):
            if search.is_done() or not search.refit(_refitted(len(group), effort)):
                break
            search.improve()
        if search.total < before - GAIN_EPSILON:
            joint.on[group] = search.on
            joint.energy_kwh[group] = search.programme.answer().energy_kwh
            joint.cost += search.cost - cost
            has_changed = True
    return has_changed


def urgency_order(problem: Problem) -> Ints:
    """Return the cars, those with the least time first, then those that need most."""
    return np.lexsort((-problem.need_kwh, problem.is_usable.sum(axis=1))).astype(np.int32)


def left_for(problem: Problem, energy_kwh: Floats, cars: Sequence[int] | Ints) -> Problem:
    """Return the problem of some cars beside the energies of the others."""
    others = energy_kwh.copy()
    others[cars] = 0.0
    total = others.sum(axis=0)
    sub = problem.subset(cars, problem.cap_kw - problem.used_kw(others / problem.hours))
    if problem.peak_price > 0:
        inside = problem.peak_of >= 0
        drawn = np.bincount(
            problem.peak_of[inside], weights=total[inside], minlength=len(problem.peak_base_kw)
        )
        sub = replace(sub, peak_base_kw=problem.peak_base_kw + drawn)
    if (problem.surplus_kwh > 0).any():
        sub = replace(sub, surplus_kwh=np.maximum(0.0, problem.surplus_kwh - total))
    return sub


def _dealt(order: Ints, size: int) -> Iterator[Ints]:
    """Deal the cars like cards into groups of about `size`, so that each holds all kinds."""
    number = max(1, -(-len(order) // size))
    for first in range(number):
        yield order[first::number]


def _refitted(cars: int, effort: Effort) -> list[tuple[int, ...]]:
    """Return which cars of a group are to be fixed anew, together and in this order."""
    if cars > MOST_REFITTED and effort.refits_all:
        return [(car,) for car in range(cars)]
    size = 2 if 1 < cars <= MOST_REFITTED_IN_PAIRS else 1
    return list(permutations(range(cars), size)) if cars <= MOST_REFITTED else []
