"""Solves the problem of arrays: bound, patterns, powers; as calm as a share of the cost allows."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from wattbus_scheduler.optimal.alone import alone
from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.calm import NEXT_TO_NOTHING, calmest_found
from wattbus_scheduler.optimal.effort import Effort, thorough
from wattbus_scheduler.optimal.groups import MOST_REFITTED, Joint
from wattbus_scheduler.optimal.patterns import ALL_START_FACTORS
from wattbus_scheduler.optimal.priced import cheapest_found
from wattbus_scheduler.optimal.problem import Bools, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.search import Search
from wattbus_scheduler.optimal.small import TINY_CELLS, is_small, refined, small
from wattbus_scheduler.optimal.solution import Calm, Solution, Terms, polished

NEGLIGIBLE = 4e-5
"""Of the bound, shared among the cars: a change that promises no more is not tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """What is being followed, and what must be saved for every car that is planned otherwise."""

    on: Bools
    least_saving: float


def solve(
    problem: Problem, calm: Calm, effort: Effort, relaxed: Answer | None, running: Running
) -> Solution:
    """Return the best plan found. The same problem gives the same plan unless the time is up.

    `relaxed` is the relaxed answer if it is known already.
    """
    if relaxed is None:
        programme = Programme(problem, effort.stop_at_s - perf_counter())
        programme.solve()
        relaxed = programme.answer()
    if not relaxed.is_solved and effort.is_over():
        nothing = np.zeros_like(problem.is_usable)
        return Solution(nothing, np.zeros(nothing.shape), np.inf, calm.start_price)
    bound = lower_bound(problem, relaxed)
    if problem.wear is not None and relaxed.is_solved:
        # The bound proves money only; what is searched for weighs wear as well.
        bound = max(bound, relaxed.objective)
    money = abs(bound - relaxed.unmet_cost)
    negligible = max(effort.negligible, NEGLIGIBLE * money / problem.cars)
    effort = replace(effort, negligible=negligible)
    terms = Terms(bound, money, (calm.cost_share or 0.0) * money, calm, effort)
    whole = replace(problem, start_price=calm.start_price)
    problem = replace(_narrowed(problem, relaxed, calm), start_price=calm.start_price)
    if int(whole.is_usable.sum()) <= TINY_CELLS:
        problem = whole
    if calm.cost_share is not None and problem.overhead_kw.any():
        terms = _above_the_cheapest(problem, relaxed, terms)
    if is_small(problem):
        fresh = small(problem, relaxed, terms)
    else:
        fresh = refined(problem, _fresh(problem, relaxed, terms), terms)
    if problem.change_price > 0:
        fresh = polished(problem, Joint(fresh.on, fresh.energy_kwh))
    if not running.on.any():
        return fresh
    kept = _kept(problem, running, effort)
    changed = int((kept.on != fresh.on).any(axis=1).sum())
    saved = kept.total(problem, calm.start_price) - fresh.total(problem, calm.start_price)
    return fresh if saved > running.least_saving * max(1, changed) else kept


def _above_the_cheapest(problem: Problem, relaxed: Answer, terms: Terms) -> Terms:
    """Return terms in which calm may cost its share above the cheapest plan that is found.

    What is lost while charging depends on patterns, of which the bound knows too little.
    """
    plain = Calm(NEXT_TO_NOTHING * terms.calm.start_price, None)
    priced = replace(problem, start_price=plain.start_price)
    cheapest = _fresh(priced, relaxed, replace(terms, calm=plain))
    return replace(terms, bound=max(terms.bound, cheapest.objective))


def _fresh(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    is_plain = not len(problem.peak_base_kw) and not problem.surplus_kwh.any()
    if problem.cars == 1 and is_plain and problem.wear is None:
        return alone(problem, relaxed, terms)
    if problem.cars <= MOST_REFITTED:
        effort = replace(thorough(terms.effort), start_factors=ALL_START_FACTORS)
        terms = replace(terms, effort=effort)
    if terms.calm.cost_share is None:
        return cheapest_found(problem, relaxed, terms)
    return calmest_found(problem, relaxed, terms)


def _kept(problem: Problem, running: Running, effort: Effort) -> Solution:
    """Return what is running, changed only where every single change saves enough."""
    effort = replace(effort, least_gain=max(running.least_saving, effort.least_gain))
    search = Search(problem, Programme(problem), effort)
    search.set_patterns(running.on & problem.is_usable)
    search.improve()
    return polished(problem, Joint(search.on, search.programme.answer().energy_kwh))


def _narrowed(problem: Problem, relaxed: Answer, calm: Calm) -> Problem:
    """Leave out pieces so dear that charging there costs more than the starts it could spare."""
    mean = float(np.abs(problem.price).mean())
    margin = np.maximum(2 * calm.start_price, 0.05 * mean * problem.low_kwh)
    with np.errstate(invalid="ignore"):
        is_near = relaxed.reduced * problem.low_kwh <= margin
    return replace(problem, is_usable=problem.is_usable & is_near)
