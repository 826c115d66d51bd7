"""Solves the problem of arrays: bound, patterns, powers; as calm as a share of the cost allows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.exact import Exactly, Limits, calmest, cheapest
from wattbus_scheduler.optimal.foresight import affordable_step
from wattbus_scheduler.optimal.groups import (
    MOST_REFITTED,
    Joint,
    fix_in_groups,
    improve_in_groups,
    urgency_order,
)
from wattbus_scheduler.optimal.patterns import CarView, candidates, swept, view_of
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.search import ANY, Aim, Effort, Search

MOST_FIXED_JOINTLY, FIXED_TOGETHER = 64, 40
ENOUGH = 2e-4
"""Above the bound: nearer than this the least cost is not searched for."""
NEGLIGIBLE = 4e-5
"""Of the bound, shared among the cars: a change that promises no more is not tried."""
FIRST_FACTOR = 0.7
"""Of several cars' price of a start, to begin with."""
LEAST_STEP_DOWN, MOST_STEP_DOWN = 0.4, 0.7
FAR, STUCK, BEGIN_ANEW = 5.0, 0.5, 2.0
"""Cars are also fixed anew where the cost is so many times what calm may take above the bound, or
where a lower price of a start has gained less than that part of what is still too much; and all of
them, at a lower price, where a search ends so many times above what calm may take."""
CALMER_TRIES, CALMER_STEP, WORTH_USING = 3, 3.0, 0.3
"""So often starts are taken out at a price so many times higher, while that part of the share is
left, and until so many programmes a car are solved, on the way up and in all:"""
AGAIN, MOST_SOLVES = 20, 20
CALM_ENOUGH = 1.2
"""Starts a car that are few enough where there are so many cars that less takes seconds."""
FACTORS_ALONE = (2.0, 1.2, 0.8, 0.55, 0.4, 0.28, 0.2, 0.14, 0.1, 0.05, 1e-3)
ALL_START_FACTORS = (1.0, 0.4, 0.0)
LOWEST_STEP = 0.02
"""The price of a start goes down from what is foreseen until the cost is in its share."""
FORESEEN_SHARE = 0.6
"""Of the share, to begin with: cars that share a fuse do worse than each would alone."""
TINY_CELLS, SMALL_CELLS, SMALL_CALM_CELLS = 60, 600, 120
"""Cars by usable pieces, up to which whole-number programming is affordable: always, for the least
cost, and for the fewest starts."""
NEAR_ENOUGH = 8e-4
"""Above the bound: a small case that misses it by more is solved as a whole-number programme."""
FEW_NODES, MANY_NODES = 20, 200
STRICTER = 25.0
"""So many times dearer is unmet energy where the answer is exact, so that no cost is worth it."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Patterns and energies of all cars; `objective` counts unmet energy, but no starts.

    Nothing within the share has less than `fewest` starts, as far as that is proven.
    """

    on: Bools
    energy_kwh: Floats
    objective: float
    start_price: float
    fewest: int = 0

    def total(self, problem: Problem, start_price: float) -> float:
        """Return the objective with every start at a price."""
        return self.objective + start_price * int(problem.starts(self.on).sum())


@dataclass(frozen=True, slots=True)
class Calm:
    """How starts are weighed: at a fixed price, or as high as a share of the cost allows."""

    start_price: float
    cost_share: float | None


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
    terms = _Terms(bound, money, (calm.cost_share or 0.0) * money, calm, effort)
    whole = replace(problem, start_price=calm.start_price)
    problem = replace(_narrowed(problem, relaxed, calm), start_price=calm.start_price)
    if int(whole.is_usable.sum()) <= TINY_CELLS:
        problem = whole
    if _is_small(problem):
        fresh = _small(problem, relaxed, terms)
    else:
        fresh = _refined(problem, _fresh(problem, relaxed, terms), terms)
    if problem.change_price > 0:
        fresh = _polished(problem, Joint(fresh.on, fresh.energy_kwh))
    if not running.on.any():
        return fresh
    kept = _kept(problem, running, effort)
    changed = int((kept.on != fresh.on).any(axis=1).sum())
    saved = kept.total(problem, calm.start_price) - fresh.total(problem, calm.start_price)
    return fresh if saved > running.least_saving * max(1, changed) else kept


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a plan is measured by: the bound, its part without unmet energy, what calm may cost."""

    bound: float
    money: float
    allowed: float
    calm: Calm
    effort: Effort

    @property
    def aim(self) -> Aim:
        """What the cost may be."""
        return Aim(enough=self.bound + self.allowed)


def _fresh(problem: Problem, relaxed: Answer, terms: _Terms) -> Solution:
    bound, calm, effort = terms.bound, terms.calm, terms.effort
    is_plain = not len(problem.peak_base_kw) and not problem.surplus_kwh.any()
    if problem.cars == 1 and is_plain and problem.wear is None:
        return _alone(problem, relaxed, terms)
    if calm.cost_share is None or problem.cars <= MOST_REFITTED:
        effort = replace(effort, passes=2 * effort.passes, sweeps=3 * effort.sweeps, parts=4)
    if problem.cars <= MOST_REFITTED:
        effort = replace(effort, start_factors=ALL_START_FACTORS)
    factor = 1.0
    if problem.cars > MOST_FIXED_JOINTLY:
        effort = replace(effort, passes=1, tries=2)
    if calm.cost_share is not None:
        allowed = FORESEEN_SHARE * terms.allowed
        factor = affordable_step(problem, relaxed, calm.start_price, allowed)
        # Cars that share a fuse cannot be as calm as each would be alone.
        factor = min(factor, FIRST_FACTOR if problem.cars > MOST_REFITTED else factor)
    joint = _fixed(problem, relaxed, calm.start_price * factor, effort)
    if calm.cost_share is None:
        aim = _near(problem, terms)
        found = _improved(problem, joint, effort, calm.start_price, aim)
        if found.objective <= max(aim.enough, bound + NEAR_ENOUGH * terms.money):
            return found
        return _improved(problem, joint, replace(effort, refits_all=True), calm.start_price, aim)
    terms = replace(terms, effort=effort)
    effort = replace(effort, refits_all=joint.cost > bound + FAR * terms.allowed)
    found = _improved(problem, joint, effort, calm.start_price * factor)
    gained = np.inf
    while not (effort.is_over() or factor <= 0.0 or _is_within(found, terms)):
        excess = found.objective - bound
        is_stuck = gained < STUCK * (excess - terms.allowed)
        step = min(max(terms.allowed / excess, LEAST_STEP_DOWN), MOST_STEP_DOWN)
        factor *= LEAST_STEP_DOWN if is_stuck else step
        factor = factor if factor > LOWEST_STEP else 0.0
        if problem.cars <= MOST_REFITTED or excess > BEGIN_ANEW * terms.allowed:
            # A search that is stuck stays so at any price: begin anew.
            joint = _fixed(problem, relaxed, calm.start_price * factor, effort)
        effort = replace(effort, refits_all=is_stuck)
        found = _improved(problem, joint, effort, calm.start_price * factor, terms.aim)
        gained = excess + bound - found.objective
    if not effort.is_over() and not _is_within(found, terms):
        plain = Calm(1e-3 * calm.start_price, None)
        priced = replace(problem, start_price=plain.start_price)
        plainest = _fresh(priced, relaxed, replace(terms, calm=plain))
        found = min(found, plainest, key=lambda one: one.objective)
        joint = Joint(found.on.copy(), found.energy_kwh.copy(), found.objective)
    lowest = LOWEST_STEP * CALMER_STEP
    return _calmer(problem, joint, found, calm.start_price * max(factor, lowest), terms)


def _near(problem: Problem, terms: _Terms) -> Aim:
    """Return how near the bound is enough where starts count next to nothing."""
    is_next_to_nothing = terms.calm.start_price * problem.cars <= ENOUGH * terms.money
    return Aim(enough=terms.bound + ENOUGH * terms.money) if is_next_to_nothing else ANY


def _is_small(problem: Problem) -> bool:
    is_one_car = problem.cars == 1 and not len(problem.peak_base_kw)
    cells = int(problem.is_usable.sum())
    return cells <= SMALL_CALM_CELLS and problem.wear is None and not is_one_car


def _small(problem: Problem, relaxed: Answer, terms: _Terms) -> Solution:
    """Return the plan of a small case: a quick search to begin with, then the optimum."""
    calm, price = terms.calm, terms.calm.start_price
    if calm.cost_share is not None:
        allowed = FORESEEN_SHARE * terms.allowed
        price *= affordable_step(problem, relaxed, price, allowed)
    joint = _fixed(problem, relaxed, price, terms.effort)
    found = _improved(problem, joint, terms.effort, price)
    if calm.cost_share is not None and not _is_within(found, terms):
        exact = _cheapest(problem, 1e-3 * calm.start_price, found, terms)
        found = _taken(problem, exact, found, lambda one: one.objective)
    return _refined(problem, found, terms)


def _refined(problem: Problem, found: Solution, terms: _Terms) -> Solution:
    """Return the optimum of a case that is small enough, where the search came out short of it."""
    cells, calm = int(problem.is_usable.sum()), terms.calm
    if cells > SMALL_CELLS or problem.wear is not None or terms.effort.is_over():
        return found
    fewest = int((~problem.is_free_start.any(axis=1) & problem.is_usable.any(axis=1)).sum())
    if calm.cost_share is not None and _is_within(found, terms):
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
    least = terms.bound + price * fewest
    if cells > TINY_CELLS and found.total(problem, price) - least <= NEAR_ENOUGH * abs(least):
        return found
    exact = _cheapest(problem, price, found, terms)
    return _taken(problem, exact, found, lambda one: one.total(problem, price))


def _cheapest(
    problem: Problem, start_price: float, found: Solution, terms: _Terms
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
    polished = _polished(problem, Joint(exact.on, exact.energy_kwh))
    before, after = (
        (round(_unmet_kwh(problem, one), 4), badness(one)) for one in (found, polished)
    )
    return polished if after < before else found


def _unmet_kwh(problem: Problem, solution: Solution) -> float:
    lost = problem.overhead_kw * (solution.on * problem.hours).sum(axis=1)
    missing = problem.need_kwh + lost - solution.energy_kwh.sum(axis=1)
    return float(np.maximum(0.0, missing - problem.reserve_kwh).sum())


def _fixed(problem: Problem, relaxed: Answer, start_price: float, effort: Effort) -> Joint:
    """Return the first patterns, fixed car by car."""
    priced = replace(problem, start_price=start_price)
    if problem.cars > MOST_FIXED_JOINTLY:
        joint = fix_in_groups(priced, relaxed, effort, FIXED_TOGETHER)
        if not effort.is_over():
            joint.cost = _polished(priced, joint).objective
        return joint
    search = Search(priced, Programme(priced), effort)
    search.fix_all(urgency_order(problem))
    return Joint(search.on, search.programme.answer().energy_kwh, search.cost)


def _calmer(
    problem: Problem, joint: Joint, within: Solution, start_price: float, terms: _Terms
) -> Solution:
    """Return the plan with starts taken out as far as the share still allows it."""
    best, aim = within, Aim(most=terms.bound + terms.allowed)
    most_solves = max(MOST_SOLVES * problem.cars, terms.effort.tally.solves + AGAIN * problem.cars)
    effort = replace(terms.effort, sweeps=1, most_solves=most_solves)
    for number in range(1, CALMER_TRIES + 1):
        left = aim.most - best.objective
        is_used = number > 1 and left < WORTH_USING * terms.allowed
        if is_used or _is_calm(problem, best) or effort.is_over():
            break
        price = start_price * CALMER_STEP**number
        found = _improved(problem, joint, replace(effort, refits_all=number > 1), price, aim)
        if not _is_within(found, terms):
            break
        if problem.starts(found.on).sum() < problem.starts(best.on).sum():
            best = found
    return best


def _is_calm(problem: Problem, solution: Solution) -> bool:
    enough = CALM_ENOUGH if problem.cars > MOST_FIXED_JOINTLY else 1.0
    return int(problem.starts(solution.on).sum()) <= enough * problem.cars


def _alone(problem: Problem, relaxed: Answer, terms: _Terms) -> Solution:
    """Return the plan of a single car, whose powers need no programme."""
    calm = terms.calm
    room = problem.room_kw(np.zeros_like(problem.cap_kw), 0)
    view = view_of(problem, 0, problem.price, room, float(problem.need_kwh[0]))
    worth = float(relaxed.need_price[0])
    nothing = np.zeros((1, problem.pieces), dtype=bool)
    found = Solution(nothing, np.zeros(nothing.shape), np.inf, calm.start_price)
    on, fewest = None, 0
    if calm.cost_share is None:
        on = next(iter(candidates(view, worth, 1, ALL_START_FACTORS)), None)
    elif view.can.any():
        on, fewest = _calmest_alone(view, worth, terms)
        # A reserve may stay unmet at a lower price than the proof reckons with.
        fewest = fewest if problem.reserve_kwh[0] <= 0 else 0
    filled = view.fill(on) if on is not None else None
    if on is None or filled is None:
        return found
    energy, unmet = filled
    reserve = min(unmet, float(problem.reserve_kwh[0]))
    objective = float((problem.price * energy).sum()) + reserve * problem.reserve_price
    objective += (unmet - reserve) * problem.unmet_price
    return Solution(on[None, :], energy[None, :], objective, calm.start_price, fewest)


def _calmest_alone(view: CarView, worth: float, terms: _Terms) -> tuple[Bools | None, int]:
    """Return the pattern of fewest starts within the share, else the cheapest; and a proof."""
    prices = [factor * terms.calm.start_price for factor in FACTORS_ALONE]
    most = terms.bound + terms.allowed
    every = swept(view, worth, prices, most)
    is_within = every.costs <= most + 1e-9
    starts = np.where(is_within, every.starts, 0)
    best = np.lexsort((every.costs, starts, ~is_within))[0]
    is_plan = bool(np.isfinite(every.costs[best]))
    return (every.patterns[best] if is_plan else None), every.fewest


def _improved(
    problem: Problem, joint: Joint, effort: Effort, start_price: float, aim: Aim = ANY
) -> Solution:
    priced = replace(problem, start_price=start_price)
    for sweep in range(effort.sweeps):
        if joint.cost <= aim.enough:
            break
        if not improve_in_groups(priced, joint, effort, aim, seed=sweep):
            break
    return _polished(priced, joint)


def _kept(problem: Problem, running: Running, effort: Effort) -> Solution:
    """Return what is running, changed only where every single change saves enough."""
    effort = replace(effort, least_gain=max(running.least_saving, effort.least_gain))
    search = Search(problem, Programme(problem), effort)
    search.set_patterns(running.on & problem.is_usable)
    search.improve()
    return _polished(problem, Joint(search.on, search.programme.answer().energy_kwh))


def _is_within(solution: Solution, terms: _Terms) -> bool:
    return solution.objective - terms.bound <= terms.allowed + 1e-9


def _narrowed(problem: Problem, relaxed: Answer, calm: Calm) -> Problem:
    """Leave out pieces so dear that charging there costs more than the starts it could spare."""
    mean = float(np.abs(problem.price).mean())
    margin = np.maximum(2 * calm.start_price, 0.05 * mean * problem.low_kwh)
    with np.errstate(invalid="ignore"):
        is_near = relaxed.reduced * problem.low_kwh <= margin
    return replace(problem, is_usable=problem.is_usable & is_near)


def _polished(problem: Problem, joint: Joint) -> Solution:
    """Set the powers of all cars to the best that their patterns allow."""
    programme = Programme(replace(problem, is_usable=joint.on & problem.is_usable))
    for car in range(problem.cars):
        programme.fix(car, joint.on[car])
    if problem.change_price > 0:
        programme.price_changes(joint.on & problem.is_usable)
    objective = programme.solve()
    if programme.is_solved:
        joint.energy_kwh = programme.answer().energy_kwh
        objective -= _change_cost(problem, joint)
        joint.cost = objective
    return Solution(joint.on.copy(), joint.energy_kwh.copy(), objective, problem.start_price)


def _change_cost(problem: Problem, joint: Joint) -> float:
    """Return what the changes of power within blocks count; they are no part of an objective."""
    power = joint.energy_kwh / problem.hours
    goes_on = joint.on[:, 1:] & joint.on[:, :-1] & problem.is_joined[1:]
    return problem.change_price * float(np.abs(np.diff(power, axis=1))[goes_on].sum())
