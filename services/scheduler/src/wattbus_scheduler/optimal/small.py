"""Cases so small that a whole-number programme finds and proves the optimum in a moment."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wattbus_scheduler.optimal.exact import Exactly, Limits, calmest, cheapest
from wattbus_scheduler.optimal.foresight import affordable_step
from wattbus_scheduler.optimal.groups import Joint
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer
from wattbus_scheduler.optimal.solution import Solution, Terms, fixed, improved, polished

TINY_CELLS, SMALL_CELLS, SMALL_CALM_CELLS = 60, 600, 120
"""Cars by usable pieces, up to which whole-number programming is affordable: always, for the least
cost, and for the fewest starts."""
ENOUGH, NEAR_ENOUGH = 2e-4, 8e-4
"""Above the bound: where a programme ends, and a case that misses it by more gets one."""
FEW_NODES, MANY_NODES = 20, 200
STRICTER = 25.0
"""So many times dearer is unmet energy where the answer is exact, so that no cost is worth it."""
FORESEEN_SHARE = 0.6
"""Of the share, to begin with: cars that share a fuse do worse than each would alone."""


def is_small(problem: Problem) -> bool:
    """Whether a quick search and the optimum take less time than a long search."""
    is_one_car = problem.cars == 1 and not len(problem.peak_base_kw)
    cells = int(problem.is_usable.sum())
    return cells <= SMALL_CALM_CELLS and problem.wear is None and not is_one_car


def small(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    """Return the plan of a small case: a quick search to begin with, then the optimum."""
    calm, price = terms.calm, terms.calm.start_price
    if calm.cost_share is not None:
        allowed = FORESEEN_SHARE * terms.allowed
        price *= affordable_step(problem, relaxed, price, allowed)
    joint = fixed(problem, relaxed, price, terms.effort)
    found = improved(problem, joint, terms.effort, price)
    if calm.cost_share is not None and not terms.is_within(found):
        exact = _cheapest(problem, 1e-3 * calm.start_price, found, terms)
        found = _taken(problem, exact, found, lambda one: one.objective)
    return refined(problem, found, terms)


def refined(problem: Problem, found: Solution, terms: Terms) -> Solution:
    """Return the optimum of a case that is small enough, where the search came out short of it."""
    cells, calm = int(problem.is_usable.sum()), terms.calm
    if cells > SMALL_CELLS or problem.wear is not None or terms.effort.is_over():
        return found
    fewest = int((~problem.is_free_start.any(axis=1) & problem.is_usable.any(axis=1)).sum())
    if calm.cost_share is not None and terms.is_within(found):
        # One start more than is proven is not worth a programme for a car on its own.
        fewest = max(fewest, found.fewest + 1 if found.fewest > 0 else 0)
        is_calm = int(problem.starts(found.on).sum()) <= fewest
        if is_calm or cells > SMALL_CALM_CELLS:
            return found
        most_cost = terms.bound + terms.allowed
        limits = Limits(MANY_NODES if cells <= TINY_CELLS else FEW_NODES, terms.effort.stop_at_s)
        exact = calmest(problem, most_cost, found.energy_kwh, limits)
        return _taken(problem, exact, found, lambda one: int(problem.starts(one.on).sum()))
    price = calm.start_price if calm.cost_share is None else 0.0
    if cells > SMALL_CALM_CELLS and price * problem.cars > ENOUGH * terms.money:
        return found
    least = terms.bound + price * fewest
    if cells > TINY_CELLS and found.total(problem, price) - least <= NEAR_ENOUGH * abs(least):
        return found
    exact = _cheapest(problem, price, found, terms)
    return _taken(problem, exact, found, lambda one: one.total(problem, price))


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
    badness: Callable[[Solution], float],
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
