"""What a search returns, what it is measured by, and how patterns get their powers."""

from dataclasses import dataclass, replace

import numpy as np

from wattbus_scheduler.optimal.effort import ANY, Aim, Effort
from wattbus_scheduler.optimal.groups import (
    Joint,
    fix_in_groups,
    improve_in_groups,
    urgency_order,
)
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.search import Search

MOST_FIXED_JOINTLY, FIXED_TOGETHER = 64, 40


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
        return self.objective + start_price * self.starts(problem)

    def starts(self, problem: Problem) -> int:
        """Return how often all cars start."""
        return int(problem.starts(self.on).sum())

    def joint(self) -> Joint:
        """Return it to be changed."""
        return Joint(self.on.copy(), self.energy_kwh.copy(), self.objective)


@dataclass(frozen=True, slots=True)
class Calm:
    """How starts are weighed: at a fixed price, or as high as a share of the cost allows."""

    start_price: float
    cost_share: float | None


@dataclass(frozen=True, slots=True)
class Terms:
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

    def excess(self, solution: Solution) -> float:
        """Return what a solution costs above the bound."""
        return solution.objective - self.bound

    def is_within(self, solution: Solution) -> bool:
        """Whether a solution costs no more than calm may."""
        return self.excess(solution) <= self.allowed + 1e-9


def improved(
    problem: Problem, joint: Joint, effort: Effort, start_price: float, aim: Aim = ANY
) -> Solution:
    """Change the joint plan for the better at a price of a start, and return it polished."""
    priced = replace(problem, start_price=start_price)
    for sweep in range(effort.sweeps):
        if joint.cost <= aim.enough:
            break
        if not improve_in_groups(priced, joint, effort, aim, seed=sweep):
            break
    return polished(priced, joint)


def polished(problem: Problem, joint: Joint) -> Solution:
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


def fitted(problem: Problem, on: Bools, effort: Effort) -> Joint:
    """Return the joint plan of given patterns, as far as they fit beside each other."""
    search = Search(problem, Programme(problem), effort)
    search.set_patterns(on)
    return Joint(search.on, search.programme.answer().energy_kwh, search.cost)


def fixed(problem: Problem, relaxed: Answer, start_price: float, effort: Effort) -> Joint:
    """Return the first patterns, fixed car by car."""
    priced = replace(problem, start_price=start_price)
    if problem.cars > MOST_FIXED_JOINTLY:
        joint = fix_in_groups(priced, relaxed, effort, FIXED_TOGETHER)
        if not effort.is_over():
            joint.cost = polished(priced, joint).objective
        return joint
    search = Search(priced, Programme(priced), effort)
    search.fix_all(urgency_order(problem))
    return Joint(search.on, search.programme.answer().energy_kwh, search.cost)
