"""From a situation to every car's stretches of charging: settled, rigid and flexible cars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

import numpy as np

from wattbus_scheduler.allocation import Allocation
from wattbus_scheduler.headroom import Piece
from wattbus_scheduler.optimal.cuts import cut_at_windows, cut_to_quarters
from wattbus_scheduler.optimal.delivered import (
    as_delivered,
    as_drawn,
    missing_wh,
    with_more_time,
)
from wattbus_scheduler.optimal.effort import Effort
from wattbus_scheduler.optimal.grid import SAFETY_KW, Task, tightened
from wattbus_scheduler.optimal.job import Asked, Job, Wishes, job_on
from wattbus_scheduler.optimal.offers import finished, with_offers
from wattbus_scheduler.optimal.power import power_of
from wattbus_scheduler.optimal.problem import Floats, Problem
from wattbus_scheduler.optimal.rigid import Terms, book_rigid
from wattbus_scheduler.optimal.solution import Calm
from wattbus_scheduler.optimal.solver import Running, solve
from wattbus_scheduler.optimal.stretches import (
    count_blocks,
    counted_cost,
    running_patterns,
    stretches_of,
)
from wattbus_scheduler.optimal.tasks import settled, tasks_of
from wattbus_scheduler.selection import SHORTFALL_EPSILON_WH, Stretch
from wattbus_scheduler.situation import CarControl, Situation

LEAST_SEARCH_SHARE, MOST_SEARCH_SHARE = 0.1, 0.9
"""Of a time limit, within which the search leaves time for legal powers and reasons:"""
AFTERWARDS_S_PER_CAR, AFTERWARDS_S_PER_CELL = 2e-4, 3e-6
RIGID_STEPS = (1.0, 0.5, 0.2, 0.0)
TAPER_ROUNDS = 3
"""So often cars that take less near full are given more time, if their needs are not met."""
OFFER_ROUNDS, ONCE_FROM = 2, 6
"""So often they are then offered less there (from so many cars on once), unless the plan is so near
its bound:"""
NEAR_ENOUGH = 5e-3


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Who charges when, as an allocation, and the proof.

    `bound` is what no plan can undercut that keeps what is settled and delivers as much as this
    one: in counted prices, without starts. `counted_cost` is this one's cost in the same terms,
    of which one is `money_unit` in the site's currency.
    """

    allocation: Allocation
    counted_cost: float
    bound: float
    starts: int
    is_late: bool = False
    money_unit: float = 1.0

    @property
    def gap(self) -> float:
        """The most that this costs above the least, in the site's currency."""
        return max(0.0, self.counted_cost - self.bound) * self.money_unit


def schedule(situation: Situation, now: datetime, wishes: Wishes) -> Schedule:
    """Return the joint schedule; feasible for every fuse, whatever the time limit."""
    stop_at_s = float("inf")
    if wishes.time_limit_s is not None:
        stop_at_s = perf_counter() + _search_s(situation, wishes.time_limit_s)
    already = settled(situation, now)
    tasks = tasks_of(situation, now, already)
    if not tasks or not already.pieces:
        nothing: dict[str, list[Stretch]] = {car.station_id: [] for car in situation.cars}
        only_urgent = Allocation(already.pieces, already.urgent, nothing)
        return Schedule(as_drawn(situation, only_urgent), 0.0, 0.0, 0)
    asked = Asked(situation, now, wishes, already, tasks, stop_at_s)
    found = _planned(asked)
    if not any(task.car.taper for task in tasks):
        return found
    return _with_lower_offers(asked, _with_more_time(asked, found))


def _with_more_time(asked: Asked, found: Schedule) -> Schedule:
    """Return the schedule in which cars that take less near full have the time that it takes."""
    for _ in range(TAPER_ROUNDS):
        longer = with_more_time(asked.tasks, found.allocation.chosen)
        if longer == asked.tasks or perf_counter() > asked.stop_at_s:
            break
        asked = replace(asked, tasks=longer)
        found = _planned(asked)
    return found


def _with_lower_offers(asked: Asked, first: Schedule) -> Schedule:
    """Return the best schedule of those in which cars near full are offered what they take.

    What they take follows from when they charge, so that each schedule leads to the next.
    """
    best = newest = first
    rounds = OFFER_ROUNDS if len(asked.tasks) < ONCE_FROM else min(1, OFFER_ROUNDS)
    for _ in range(rounds):
        is_near = newest.counted_cost <= newest.bound + NEAR_ENOUGH * abs(newest.bound)
        is_near &= _missing_wh(asked.tasks, newest) <= SHORTFALL_EPSILON_WH
        tasks = with_offers(asked.tasks, newest.allocation.chosen)
        if is_near or tasks == asked.tasks or perf_counter() > asked.stop_at_s:
            break
        newest = _planned(replace(asked, tasks=tasks))
        if _is_better(asked.tasks, newest, best):
            best = newest
    return best


def _is_better(tasks: Sequence[Task], one: Schedule, other: Schedule) -> bool:
    """Whether a schedule delivers more, or as much for less."""
    one_wh, other_wh = _missing_wh(tasks, one), _missing_wh(tasks, other)
    if abs(one_wh - other_wh) > SHORTFALL_EPSILON_WH:
        return one_wh < other_wh
    return one.counted_cost < other.counted_cost


def _missing_wh(tasks: Sequence[Task], found: Schedule) -> float:
    return sum(missing_wh(task, found.allocation.chosen[task.car.station_id]) for task in tasks)


def _search_s(situation: Situation, time_limit_s: float) -> float:
    """Return how long the search may take, so that the plan is ready by the limit."""
    cars = len(situation.cars)
    cells = cars * len(situation.slots)
    afterwards_s = AFTERWARDS_S_PER_CAR * cars + AFTERWARDS_S_PER_CELL * cells
    most_s = MOST_SEARCH_SHARE * time_limit_s
    return max(LEAST_SEARCH_SHARE * time_limit_s, most_s - afterwards_s)


def _planned(asked: Asked) -> Schedule:
    job = job_on(asked, cut_at_windows(asked.settled.pieces, asked.tasks))
    found = _tried(job)
    is_near = found.counted_cost - job.bound <= max(job.allowed, job.worth_a_try)
    # The bound knows nothing of wear.
    if is_near or job.whole.wear is not None or perf_counter() > asked.stop_at_s:
        return found
    finer = cut_to_quarters(job.pieces, asked.tasks, job.whole)
    if len(finer) == len(job.pieces):
        return found
    other = _tried(job_on(asked, finer))
    return other if _badness(job, other) < _badness(job, found) - job.worth_a_try else found


def _badness(job: Job, found: Schedule) -> float:
    """Return what is to be low: what it costs above its share, and starts at their price."""
    above = max(0.0, found.counted_cost - job.bound - job.allowed)
    return above + (0.0 if job.allowed else job.calm.start_price * found.starts)


def _tried(job: Job) -> Schedule:
    tasks = job.asked.tasks
    rigid = [number for number, task in enumerate(tasks) if _is_rigid(task, job.whole, number)]
    return _calmest(job, rigid, job.calm) if rigid else _attempt(job, (), job.calm, 0.0)


def _calmest(job: Job, rigid: Sequence[int], calm: Calm) -> Schedule:
    """Return the best of two ways to plan rigid cars first, at the highest price that calm allows.

    One way prices room by the relaxed answer, the other not at all.
    """
    factors = RIGID_STEPS if calm.cost_share is not None else (1.0,)
    ways = (1.0, 0.0) if len(job.asked.tasks) > 1 else (0.0,)
    for factor in factors:
        priced = replace(calm, start_price=calm.start_price * factor)
        found = [_attempt(job, rigid, priced, way) for way in ways]
        best = min(
            found, key=lambda one: round(one.counted_cost + priced.start_price * one.starts, 9)
        )
        is_within = best.counted_cost - job.bound <= job.allowed + 1e-9
        if is_within or perf_counter() > job.asked.stop_at_s:
            break
    return best


def _attempt(job: Job, rigid: Sequence[int], calm: Calm, way: float) -> Schedule:
    """Plan the rigid cars, then all others beside them. `way` weighs the price of room."""
    chosen: dict[str, list[Stretch]] = {car.station_id: [] for car in job.asked.situation.cars}
    pieces, tasks, relaxed = job.pieces, job.asked.tasks, job.relaxed
    if rigid:
        worth = np.where(np.isfinite(relaxed.reduced), relaxed.reduced, 0.0)
        worth = worth + relaxed.need_price[:, None] - job.whole.price - relaxed.surplus_price
        extra = way * np.where(job.whole.is_usable, worth, 0.0) + _wear_price(job.whole)
        terms = Terms(tasks, _by_slot(extra, pieces), calm.start_price, job.asked.problem_on)
        booked = book_rigid(terms, rigid, pieces)
        pieces = booked.pieces
        for number, stretches in booked.stretches.items():
            chosen[tasks[number].car.station_id] = stretches
    flexible = [task for number, task in enumerate(tasks) if number not in set(rigid)]
    if flexible:
        exact = job.whole
        if rigid:
            exact = tightened(job.asked.problem_on(pieces, flexible), flexible)
        wishes, unit = job.asked.wishes, job.whole.money_unit
        saving = wishes.replan_saving
        running = Running(
            running_patterns(job.asked.situation, pieces, flexible),
            saving / unit if saving is not None else calm.start_price,
        )
        known = None if rigid else relaxed
        effort = Effort(stop_at_s=job.asked.stop_at_s)
        exact = replace(exact, change_price=wishes.power_change_price_per_kw / unit)
        solution = solve(_safe(exact), calm, effort, known, running)
        chosen.update(stretches_of(exact, pieces, flexible, solution))
    allocation = as_drawn(job.asked.situation, Allocation(pieces, job.asked.settled.urgent, chosen))
    allocation = finished(job.asked.situation, tasks, allocation)
    chosen = allocation.chosen
    starts_s = np.array([piece.start_s for piece in job.pieces])
    proven = as_delivered(job.proven, tasks, chosen)
    counted = counted_cost(proven, tasks, chosen, starts_s)
    bound = job.bound_of(proven)
    blocks = sum(count_blocks(stretches) for stretches in chosen.values())
    is_late = perf_counter() > job.asked.stop_at_s
    return Schedule(allocation, counted, bound, blocks, is_late, job.whole.money_unit)


def _wear_price(problem: Problem) -> Floats:
    """Return what holding the top of a need counts, for a car that knows one power only."""
    wear = problem.wear
    if wear is None:
        return np.zeros(problem.is_usable.shape)
    share = wear.top_kwh / np.maximum(problem.need_kwh, 1e-9)
    price: Floats = (wear.top_price * share)[:, None] * wear.hold_h
    return price


def _is_rigid(task: Task, problem: Problem, number: int) -> bool:
    """Whether the station knows one power only, or the need is less than a piece at the least."""
    if task.car.control is CarControl.SWITCH:
        return True
    usable = problem.is_usable[number]
    if not usable.any():
        return True
    least = (problem.min_kw[number] - problem.overhead_kw[number]) * problem.hours
    power = power_of(task.car)
    return power.most <= power.least or bool(task.need_wh / 1000 < least[usable].max() * (1 - 1e-9))


def _safe(problem: Problem) -> Problem:
    room = np.maximum(problem.cap_kw - SAFETY_KW, np.minimum(problem.cap_kw, 0.0))
    return replace(problem, cap_kw=room)


def _by_slot(extra: Floats, pieces: Sequence[Piece]) -> Floats:
    slots = np.array([piece.slot_index for piece in pieces])
    by_slot = np.zeros((len(extra), int(slots.max()) + 1))
    by_slot[:, slots] = extra
    return by_slot
