"""What is asked, and what the relaxed problem tells before cars are given their stretches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

import numpy as np

from wattbus_scheduler.allocation import Allocation
from wattbus_scheduler.headroom import Piece
from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.grid import Task, problem_of, tightened
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer, Programme, unsolved
from wattbus_scheduler.optimal.solution import Calm
from wattbus_scheduler.situation import Situation

SOLVE_S_PER_CELL = 8e-6
"""By cars and usable pieces: a relaxed problem that cannot be solved in time is not begun."""
WORTH_QUARTERS = 3e-3
"""Of the bound: what misses it by more is planned by quarters of an hour, too, if that saves it."""
START_KWH = 0.25
"""Unless it is set, a start weighs as much as so many kWh at the mean price."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the plan is to weigh: see `StrategySettings`."""

    start_price: float | None = None
    calm_share: float = 0.005
    replan_saving: float | None = None
    time_limit_s: float | None = None
    power_change_price_per_kw: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is to be planned, and when the search ends (perf_counter)."""

    situation: Situation
    now: datetime
    wishes: Wishes
    settled: Allocation
    tasks: list[Task]
    stop_at_s: float

    def problem_on(self, pieces: Sequence[Piece], tasks: Sequence[Task]) -> Problem:
        """Return the arrays for these tasks on these pieces."""
        return problem_of(self.situation, self.now, pieces, tasks)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that is known before cars are given their stretches."""

    asked: Asked
    pieces: list[Piece]
    whole: Problem
    proven: Problem
    relaxed: Answer
    bound: float

    @property
    def calm(self) -> Calm:
        """How starts are weighed."""
        return _calm(self.asked.wishes, self.whole)

    @property
    def allowed(self) -> float:
        """What calm may cost."""
        share = self.calm.cost_share or 0.0
        return share * abs(self.bound - self.relaxed.unmet_cost)

    @property
    def worth_a_try(self) -> float:
        """What is to be gained at least for a search on other pieces."""
        return WORTH_QUARTERS * abs(self.bound - self.relaxed.unmet_cost)

    def bound_of(self, proven: Problem) -> float:
        """Return the bound where the problem to prove is this one."""
        return self.bound if proven is self.proven else lower_bound(proven, self.relaxed)


def job_on(asked: Asked, pieces: list[Piece]) -> Job:
    """Return what is known once the relaxed problem is solved on these pieces."""
    tasks = asked.tasks
    whole = tightened(asked.problem_on(pieces, tasks), tasks)
    relaxed = _answer(whole, asked.stop_at_s - perf_counter())
    # The proof is about energy, not about the time that it takes near full.
    proven = replace(whole, need_kwh=np.array([task.net_wh / 1000 for task in tasks]))
    return Job(asked, pieces, whole, proven, relaxed, lower_bound(proven, relaxed))


def _answer(problem: Problem, seconds: float) -> Answer:
    """Return the relaxed answer, unless it would take longer than there is time for."""
    if seconds < SOLVE_S_PER_CELL * int(problem.is_usable.sum()):
        return unsolved(problem)
    programme = Programme(problem, seconds)
    programme.solve()
    return programme.answer()


def _calm(wishes: Wishes, problem: Problem) -> Calm:
    mean_price = float(np.abs(problem.price).mean())
    if wishes.start_price is not None:
        return Calm(max(wishes.start_price / problem.money_unit, 1e-3 * mean_price), None)
    return Calm(START_KWH * mean_price, wishes.calm_share)
