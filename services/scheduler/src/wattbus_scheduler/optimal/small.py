"""Cases so small that a whole-number programme finds and proves the optimum in a moment."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wattbus_scheduler.optimal.effort import Aim
from wattbus_scheduler.optimal.exact import Exactly, Limits, calmest, cheapest
from wattbus_scheduler.optimal.foresight import affordable_step
from wattbus_scheduler.optimal.groups import Joint
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer
from wattbus_scheduler.optimal.solution import Solution, Terms, fixed, improved, polished

TINY_CELLS, SMALL_CELLS = 60, 600
"""Cars by usable pieces, up to which whole-number programming takes a moment: always, and for the
least cost."""
CALM_CELLS_OF_TWO, WITH_PEAKS = 120, 0.5
"""The same for the fewest starts, which take longer to prove for more cars, and so much less where
peaks have a price."""
ENOUGH, NEAR_ENOUGH = 2e-4, 8e-4
"""Above the bound: where a programme ends, and a case that misses it by more gets one."""
FEW_NODES, MANY_NODES = 20, 200
STRICTER = 25.0
"""So many times dearer is unmet energy where the answer is exact, so that no cost is worth it; and
a start, where only the cost is still to be lowered."""
PRICES = (1.0, 0.4, 0.15)
"""Of the price of a start that is foreseen: what is tried until a quick search is in its share."""
FORESEEN_SHARE = 0.6
"""Of the share, to begin with: cars that share a fuse do worse than each would alone."""


def is_small(problem: Problem) -> bool:
    """Whether a quick search and the optimum take less time than a long search."""
    is_one_car = problem.cars == 1 and not len(problem.peak_base_kw)
    return _is_calm_soon(problem) and problem.wear is None and not is_one_car


def _is_calm_soon(problem: Problem) -> bool:
    cells = int(problem.is_usable.sum())
    most = CALM_CELLS_OF_TWO * (WITH_PEAKS if problem.peak_price > 0 else 1.0)
    return cells * max(2, problem.cars) <= 2 * most


def small(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    """Return the plan of a small case: a quick search to begin with, then the optimum."""
    calm, price = terms.calm, terms.calm.start_price
    if calm.cost_share is None:
        return refined(problem, _quick(problem, relaxed, price, terms), terms)
    price *= affordable_step(problem, relaxed, price, FORESEEN_SHARE * terms.allowed)
    for factor in PRICES:
        found = _quick(problem, relaxed, factor * price, terms)
        if terms.is_within(found):
            return refined(problem, found, terms)
    calmer = _calmest(problem, found, terms)
    if terms.is_within(calmer):
        return calmer
    exact = _cheapest(problem, 1e-3 * calm.start_price, found, terms)
    found = _taken(problem, exact, found, lambda one: one.objective)
    return refined(problem, found, terms)


def _quick(problem: Problem, relaxed: Answer, start_price: float, terms: Terms) -> Solution:
    joint = fixed(problem, relaxed, start_price, terms.effort)
    return improved(problem, joint, terms.effort, start_price)


def refined(problem: Problem, found: Solution, terms: Terms) -> Solution:
    """Return the optimum of a case that is small enough, where the search came out short of it."""
    cells, calm = int(problem.is_usable.sum()), terms.calm
    if cells > SMALL_CELLS or problem.wear is not None or terms.effort.is_over():
        return found
    if calm.cost_share is not None and terms.is_within(found):
        is_calm = found.starts(problem) <= _few_starts(problem, found)
        if is_calm or not _is_calm_soon(problem):
            return found
        return _calmest(problem, found, terms)
    price = calm.start_price if calm.cost_share is None else 0.0
    if not _is_calm_soon(problem) and price * problem.cars > ENOUGH * terms.money:
        return found
    least = terms.bound + price * _fewest_starts(problem)
    if cells > TINY_CELLS and found.total(problem, price) - least <= NEAR_ENOUGH * abs(least):
        return found
    exact = _cheapest(problem, price, found, terms)
    has_share = calm.cost_share is not None
    # Where the share is out of reach starts count all the same, or there would be no end of them.
    return _taken(
        problem,
        exact,
        found,
        lambda one: (has_share and not terms.is_within(one), one.total(problem, calm.start_price)),
    )


def _fewest_starts(problem: Problem) -> int:
    is_off = ~problem.is_free_start.any(axis=1)
    return int((is_off & problem.is_usable.any(axis=1)).sum())


def _few_starts(problem: Problem, found: Solution) -> int:
    """Return how few starts are few enough: one more is not worth a programme.

    For two cars it is, as it takes a moment.
    """
    fewest = _fewest_starts(problem)
    if problem.cars == 1:
        return max(fewest, found.fewest + 1 if found.fewest > 0 else 0)
    return fewest if problem.cars == 2 else fewest + 1


def _calmest(problem: Problem, found: Solution, terms: Terms) -> Solution:
    is_tiny = int(problem.is_usable.sum()) <= TINY_CELLS
    limits = Limits(MANY_NODES if is_tiny else FEW_NODES, terms.effort.stop_at_s)
    most = terms.bound + terms.allowed
    exact = calmest(problem, most, found.energy_kwh, limits)
    calmer = _taken(
        problem, exact, found, lambda one: (not terms.is_within(one), one.starts(problem))
    )
    # The proof is about starts: of as many, the search finds cheaper ones.
    dear = STRICTER * terms.calm.start_price
    return improved(problem, calmer.joint(), terms.effort, dear, Aim(most=most))


def _cheapest(
    problem: Problem, start_price: float, found: Solution, terms: Terms
) -> Exactly | None:
    is_tiny = int(problem.is_usable.sum()) <= TINY_CELLS
    stop_at_s = terms.effort.stop_at_s
    limits = Limits(MANY_NODES, stop_at_s) if is_tiny else Limits(FEW_NODES, stop_at_s, ENOUGH)
    strict = replace(problem, unmet_price=STRICTER * problem.unmet_price)
    return cheapest(strict, start_price, found.energy_kwh, limits)


def _taken(
    problem: Problem,
    exact: Exactly | None,
    found: Solution,
    badness: Callable[[Solution], Any],
) -> Solution:
    """Return the one that delivers more, then the better one; the exact one's powers set anew."""
    if exact is None:
        return found
    optimum = polished(problem, Joint(exact.on, exact.energy_kwh))
    before, after = ((round(_unmet_kwh(problem, one), 4), badness(one)) for one in (found, optimum))
    return optimum if after < before else found


def _unmet_kwh(problem: Problem, solution: Solution) -> float:
    lost = problem.overhead_kw * (solution.on * problem.hours).sum(axis=1)
    missing = problem.need_kwh + lost - solution.energy_kwh.sum(axis=1)
    return float(np.maximum(0.0, missing - problem.reserve_kwh).sum())
