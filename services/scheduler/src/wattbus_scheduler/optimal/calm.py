"""Several cars: how dear a start may be for the cost to stay in its share, and the plan then."""

from dataclasses import dataclass, replace

import numpy as np

from wattbus_scheduler.optimal.effort import Aim
from wattbus_scheduler.optimal.foresight import affordable_step
from wattbus_scheduler.optimal.groups import MOST_REFITTED, Joint
from wattbus_scheduler.optimal.mixing import Mixer
from wattbus_scheduler.optimal.priced import MOST_MIXED, cheapest_found
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer
from wattbus_scheduler.optimal.solution import (
    MOST_FIXED_JOINTLY,
    Calm,
    Solution,
    Terms,
    fitted,
    fixed,
    improved,
)

FORESEEN_SHARE, FIRST_FACTOR = 0.6, 0.7
"""Of the share, and of several cars' price of a start, to begin with: cars that share a fuse cannot
be as calm as each would be alone."""
LEAST_STEP_DOWN, MOST_STEP_DOWN = 0.4, 0.7
"""What the price of a start goes down by where the cost is above its share."""
FAR, STUCK, BEGIN_ANEW = 5.0, 0.5, 2.0
"""Cars are also fixed anew where the cost is so many times what calm may take above the bound, or
where a lower price of a start has gained less than that part of what is still too much; all of
them begin anew where a search ends so many times above what calm may take."""
LOWEST_STEP = 0.02
"""Of the first price of a start: below it, a start counts nothing."""
PRICES, STEPS_DOWN, WELL_USED = 4, 3, 0.6
"""So many prices are tried from the mix, and as many lower ones from each: enough when that part of
the share is used."""
CALMER_TRIES, CALMER_STEP, WORTH_USING = 2, 3.0, 0.3
"""So often starts are taken out at a price so many times higher, while that part of the share is
left, and until so many programmes a car are solved, on the way up and in all:"""
AGAIN, MOST_SOLVES = 20, 20
CALM_ENOUGH = 1.2
"""Starts a car that are few enough where there are so many cars that less takes seconds."""
NEXT_TO_NOTHING = 1e-3
"""Of the price of a start, where all that counts is to come into the share at last."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A plan, the joint plan to go on from, and the price of a start that led to it."""

    solution: Solution
    joint: Joint
    start_price: float


def calmest_found(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    """Return a plan of few starts within the share, or the cheapest if none is found there."""
    allowed = FORESEEN_SHARE * terms.allowed
    factor = affordable_step(problem, relaxed, terms.calm.start_price, allowed)
    if problem.cars > MOST_REFITTED:
        factor = min(FIRST_FACTOR, factor)
    begin = _by_mixing if MOST_REFITTED < problem.cars <= MOST_MIXED else _by_fixing
    found = begin(problem, relaxed, terms, factor * terms.calm.start_price)
    if not terms.effort.is_over() and not terms.is_within(found.solution):
        found = _cheaper(problem, relaxed, terms, found)
    return _calmer(problem, found, terms)


def _by_mixing(problem: Problem, relaxed: Answer, terms: Terms, start_price: float) -> _Found:
    """Return the calmest plan within the share of those that mixes at several prices lead to."""
    mixer, effort = Mixer(problem, relaxed, terms.effort), terms.effort
    every: list[_Found] = []
    low, high, price, fewest = 0.0, np.inf, start_price, np.inf
    for _ in range(PRICES):
        priced = replace(problem, start_price=price)
        joint = fitted(priced, mixer.mixed(price), effort)
        found = _gone_down(problem, joint, price, terms)
        every.append(found)
        excess = terms.excess(found.solution)
        if terms.is_within(found.solution):
            starts, before = found.solution.starts(problem), fewest
            low, fewest = price, min(fewest, starts)
            is_used = excess >= WELL_USED * terms.allowed
            if is_used or starts >= before or _is_calm(problem, found.solution):
                break
            price = min(2 * price, (price * high) ** 0.5)
        else:
            high = price
            lower = min(_step_down(terms, excess) * price, (found.start_price * price) ** 0.5)
            price = (low * high) ** 0.5 if low > 0 else lower
        if effort.is_over():
            break
    within = [found for found in every if terms.is_within(found.solution)]
    if within:
        return min(within, key=lambda found: found.solution.starts(problem))
    return min(every, key=lambda found: found.solution.objective)


def _gone_down(problem: Problem, joint: Joint, start_price: float, terms: Terms) -> _Found:
    """Return the plan that a mix leads to, with more starts if it is a little too dear."""
    price, effort = start_price, terms.effort
    found = improved(problem, joint, effort, price)
    for _ in range(STEPS_DOWN):
        excess = terms.excess(found)
        is_far = excess > BEGIN_ANEW * terms.allowed
        if is_far or terms.is_within(found) or effort.is_over():
            break
        price *= _step_down(terms, excess)
        found = improved(problem, joint, effort, price, terms.aim)
        if terms.excess(found) > excess - 1e-9:
            break
    return _Found(found, joint, price)


def _step_down(terms: Terms, excess: float) -> float:
    return min(max(terms.allowed / excess, LEAST_STEP_DOWN), MOST_STEP_DOWN)


def _by_fixing(problem: Problem, relaxed: Answer, terms: Terms, start_price: float) -> _Found:
    """Return the first plan within the share as the price of a start goes down."""
    effort, price = terms.effort, start_price
    if problem.cars > MOST_FIXED_JOINTLY:
        effort = replace(effort, passes=1, tries=2)
    joint = fixed(problem, relaxed, price, effort)
    effort = replace(effort, refits_all=joint.cost > terms.bound + FAR * terms.allowed)
    found = improved(problem, joint, effort, price)
    gained = np.inf
    while not (effort.is_over() or price <= 0.0 or terms.is_within(found)):
        excess = terms.excess(found)
        is_stuck = gained < STUCK * (excess - terms.allowed)
        price *= LEAST_STEP_DOWN if is_stuck else _step_down(terms, excess)
        price = price if price > LOWEST_STEP * terms.calm.start_price else 0.0
        if problem.cars <= MOST_REFITTED or excess > BEGIN_ANEW * terms.allowed:
            # A search that is stuck stays so at any price: begin anew.
            joint = fixed(problem, relaxed, price, effort)
        effort = replace(effort, refits_all=is_stuck)
        found = improved(problem, joint, effort, price, terms.aim)
        gained = excess - terms.excess(found)
    return _Found(found, joint, price)


def _cheaper(problem: Problem, relaxed: Answer, terms: Terms, found: _Found) -> _Found:
    """Return what is found where starts count next to nothing, unless that is dearer still."""
    plain = Calm(NEXT_TO_NOTHING * terms.calm.start_price, None)
    priced = replace(problem, start_price=plain.start_price)
    cheapest = cheapest_found(priced, relaxed, replace(terms, calm=plain))
    best = min(found.solution, cheapest, key=lambda one: one.objective)
    return _Found(best, best.joint(), found.start_price)


def _calmer(problem: Problem, found: _Found, terms: Terms) -> Solution:
    """Return the plan with starts taken out as far as the share still allows it."""
    best, aim = found.solution, Aim(most=terms.bound + terms.allowed)
    if not terms.is_within(best):
        return best
    most_solves = max(MOST_SOLVES * problem.cars, terms.effort.tally.solves + AGAIN * problem.cars)
    effort = replace(terms.effort, sweeps=1, most_solves=most_solves)
    lowest = LOWEST_STEP * CALMER_STEP * terms.calm.start_price
    for number in range(1, CALMER_TRIES + 1):
        left = terms.allowed - terms.excess(best)
        is_used = number > 1 and left < WORTH_USING * terms.allowed
        if is_used or _is_calm(problem, best) or effort.is_over():
            break
        price = max(found.start_price, lowest) * CALMER_STEP**number
        effort = replace(effort, refits_all=number > 1)
        other = improved(problem, found.joint, effort, price, aim)
        if not terms.is_within(other):
            break
        best = min(best, other, key=lambda one: one.starts(problem))
    return best


def _is_calm(problem: Problem, solution: Solution) -> bool:
    enough = CALM_ENOUGH if problem.cars > MOST_FIXED_JOINTLY else 1.0
    return solution.starts(problem) <= enough * problem.cars
