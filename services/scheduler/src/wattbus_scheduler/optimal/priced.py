"""Several cars at a fixed price of a start, which may be next to nothing."""

from dataclasses import replace

from wattbus_scheduler.optimal.effort import ANY, Aim, thorough
from wattbus_scheduler.optimal.groups import MOST_REFITTED
from wattbus_scheduler.optimal.mixing import Mixer
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer
from wattbus_scheduler.optimal.solution import (
    MOST_FIXED_JOINTLY,
    Solution,
    Terms,
    fitted,
    fixed,
    improved,
)

MOST_MIXED = 128
"""More cars than this take seconds to mix; a few are fixed and fixed anew as well as that."""
SWEEPS_OF_MIX = 2
"""A mix is near its best: more sweeps find next to nothing."""
ENOUGH, NEAR_ENOUGH = 2e-4, 8e-4
"""Above the bound: nearer than this the least cost is not searched for, and what misses it by more
is searched for again."""


def cheapest_found(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    """Return the cheapest plan that is found, starts counted at the problem's price."""
    start_price = problem.start_price
    is_next_to_nothing = start_price * problem.cars <= ENOUGH * terms.money
    aim = Aim(enough=terms.bound + ENOUGH * terms.money) if is_next_to_nothing else ANY
    if not is_next_to_nothing and MOST_REFITTED < problem.cars <= MOST_MIXED:
        effort = replace(terms.effort, sweeps=SWEEPS_OF_MIX)
        joint = fitted(problem, Mixer(problem, relaxed, effort).mixed(start_price), effort)
    else:
        effort = thorough(terms.effort)
        if problem.cars > MOST_FIXED_JOINTLY:
            effort = replace(effort, passes=1, tries=2)
        joint = fixed(problem, relaxed, start_price, effort)
    found = improved(problem, joint, effort, start_price, aim)
    if found.objective <= max(aim.enough, terms.bound + NEAR_ENOUGH * terms.money):
        return found
    return improved(problem, joint, replace(effort, refits_all=True), start_price, aim)
