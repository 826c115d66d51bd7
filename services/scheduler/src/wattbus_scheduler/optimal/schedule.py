"""From a situation to every car's stretches of charging: settled, rigid and flexible cars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from time import perf_counter

import numpy as np

from wattbus_scheduler.allocation import (
    Allocation,
    Picker,
    allocate,
    is_overdue,
    needed_wh,
    window_of,
)
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.cuts import cut_at_windows, cut_to_quarters
from wattbus_scheduler.optimal.grid import (
    SAFETY_KW,
    Task,
    patterns_from,
    power_of,
    problem_of,
    tightened,
)
from wattbus_scheduler.optimal.legal import legalised
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme, unsolved
from wattbus_scheduler.optimal.rigid import Terms, book_rigid
from wattbus_scheduler.optimal.search import Effort
from wattbus_scheduler.optimal.solution import Calm, Solution
from wattbus_scheduler.optimal.solver import Running, solve
from wattbus_scheduler.optimal.taper import drawn, need_as_time_wh
from wattbus_scheduler.selection import ENERGY_EPSILON_WH, Stretch, energy_of
from wattbus_scheduler.situation import Car, CarControl, CarMode, Situation

LEAST_SEARCH_SHARE, MOST_SEARCH_SHARE = 0.1, 0.9
"""Of a time limit, within which the search leaves time for legal powers and reasons:"""
AFTERWARDS_S_PER_CAR, AFTERWARDS_S_PER_CELL = 2e-4, 3e-6
SOLVE_S_PER_CELL = 8e-6
"""By cars and usable pieces: a relaxed problem that cannot be solved in time is not begun."""
RIGID_STEPS = (1.0, 0.5, 0.2, 0.0)
WORTH_QUARTERS = 3e-3
"""Of the bound: what misses it by more is planned by quarters of an hour, too, if that saves it."""
TAPER_ROUNDS = 3
"""So often a car that takes less near full is given more time, if its need is not met."""
TAPER_TOLERANCE_WH = 1.0
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
    settled = _settled(situation, now)
    tasks = _tasks(situation, now, settled)
    if not tasks or not settled.pieces:
        nothing: dict[str, list[Stretch]] = {car.station_id: [] for car in situation.cars}
        only_urgent = Allocation(settled.pieces, settled.urgent, nothing)
        return Schedule(_as_drawn(situation, only_urgent), 0.0, 0.0, 0)
    asked = _Asked(situation, now, wishes, settled, tasks, stop_at_s)
    found = _planned(asked)
    for _ in range(TAPER_ROUNDS):
        longer = _with_more_time(asked.tasks, found)
        if longer == asked.tasks or perf_counter() > stop_at_s:
            break
        asked = replace(asked, tasks=longer)
        found = _planned(asked)
    return found


def _search_s(situation: Situation, time_limit_s: float) -> float:
    """Return how long the search may take, so that the plan is ready by the limit."""
    cars = len(situation.cars)
    cells = cars * len(situation.slots)
    afterwards_s = AFTERWARDS_S_PER_CAR * cars + AFTERWARDS_S_PER_CELL * cells
    most_s = MOST_SEARCH_SHARE * time_limit_s
    return max(LEAST_SEARCH_SHARE * time_limit_s, most_s - afterwards_s)


def _planned(asked: "_Asked") -> Schedule:
    job = _relaxed(asked, cut_at_windows(asked.settled.pieces, asked.tasks))
    found = _tried(job)
    is_near = found.counted_cost - job.bound <= max(job.allowed, job.worth_a_try)
    # The bound knows nothing of wear.
    if is_near or job.whole.wear is not None or perf_counter() > asked.stop_at_s:
        return found
    finer = cut_to_quarters(job.pieces, asked.tasks, job.whole)
    if len(finer) == len(job.pieces):
        return found
    other = _tried(_relaxed(asked, finer))
    return other if job.badness(other) < job.badness(found) - job.worth_a_try else found


def _relaxed(asked: "_Asked", pieces: list[Piece]) -> "_Job":
    """Return what is known once the relaxed problem is solved on these pieces."""
    tasks = asked.tasks
    whole = tightened(problem_of(asked.situation, asked.now, pieces, tasks), tasks)
    relaxed = _answer(whole, asked.stop_at_s - perf_counter())
    # The proof is about energy, not about the time that it takes near full.
    proven = replace(whole, need_kwh=np.array([task.net_wh / 1000 for task in tasks]))
    return _Job(asked, pieces, whole, proven, relaxed, lower_bound(proven, relaxed))


def _answer(problem: Problem, seconds: float) -> Answer:
    """Return the relaxed answer, unless it would take longer than there is time for."""
    if seconds < SOLVE_S_PER_CELL * int(problem.is_usable.sum()):
        return unsolved(problem)
    programme = Programme(problem, seconds)
    programme.solve()
    return programme.answer()


def _tried(job: "_Job") -> Schedule:
    tasks = job.asked.tasks
    rigid = [number for number, task in enumerate(tasks) if _is_rigid(task, job.whole, number)]
    return _calmest(job, rigid, job.calm) if rigid else _attempt(job, (), job.calm, 0.0)


def _with_more_time(tasks: list[Task], found: Schedule) -> list[Task]:
    """Return the tasks with as much longer needs as tapering cars have missed, in time."""
    longer = []
    for task in tasks:
        stretches = found.allocation.chosen[task.car.station_id]
        hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
        offered_wh = sum(s.power_w * (s.end_s - s.start_s) for s in stretches) / 3600
        lost_wh = task.car.overhead_w * hours
        missing_wh = task.net_wh + lost_wh - energy_of(stretches)
        is_given = offered_wh >= task.need_wh + lost_wh - TAPER_TOLERANCE_WH
        if task.car.taper and missing_wh > TAPER_TOLERANCE_WH and is_given and stretches:
            last = stretches[-1]
            mean_w = last.energy_wh * 3600 / (last.end_s - last.start_s)
            most_w = power_of(task.car).most * 1000
            more_wh = missing_wh * max(1.0, most_w / max(mean_w, 1.0)) * 1.1
            longer.append(replace(task, need_wh=task.need_wh + more_wh))
        else:
            longer.append(task)
    return longer


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is to be planned, and when the search ends (perf_counter)."""

    situation: Situation
    now: datetime
    wishes: Wishes
    settled: Allocation
    tasks: list[Task]
    stop_at_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """All that is known before cars are given their stretches."""

    asked: _Asked
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

    def badness(self, found: Schedule) -> float:
        """Return what is to be low: what it costs above its share, and starts at their price."""
        above = max(0.0, found.counted_cost - self.bound - self.allowed)
        return above + (0.0 if self.allowed else self.calm.start_price * found.starts)


def _calmest(job: _Job, rigid: Sequence[int], calm: Calm) -> Schedule:
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


def _attempt(job: _Job, rigid: Sequence[int], calm: Calm, way: float) -> Schedule:
    """Plan the rigid cars, then all others beside them. `way` weighs the price of room."""
    chosen: dict[str, list[Stretch]] = {car.station_id: [] for car in job.asked.situation.cars}
    pieces, tasks, relaxed = job.pieces, job.asked.tasks, job.relaxed

    def problem_for(on_pieces: Sequence[Piece], of_tasks: Sequence[Task]) -> Problem:
        return problem_of(job.asked.situation, job.asked.now, on_pieces, of_tasks)

    if rigid:
        worth = np.where(np.isfinite(relaxed.reduced), relaxed.reduced, 0.0)
        worth = worth + relaxed.need_price[:, None] - job.whole.price - relaxed.surplus_price
        extra = way * np.where(job.whole.is_usable, worth, 0.0) + _wear_price(job.whole)
        terms = Terms(tasks, _by_slot(extra, pieces), calm.start_price, problem_for)
        booked = book_rigid(terms, rigid, pieces)
        pieces = booked.pieces
        for number, stretches in booked.stretches.items():
            chosen[tasks[number].car.station_id] = stretches
    flexible = [task for number, task in enumerate(tasks) if number not in set(rigid)]
    if flexible:
        exact = job.whole if not rigid else tightened(problem_for(pieces, flexible), flexible)
        wishes, unit = job.asked.wishes, job.whole.money_unit
        saving = wishes.replan_saving
        running = Running(
            _running_patterns(job.asked.situation, pieces, flexible),
            saving / unit if saving is not None else calm.start_price,
        )
        known = None if rigid else relaxed
        effort = Effort(stop_at_s=job.asked.stop_at_s)
        exact = replace(exact, change_price=wishes.power_change_price_per_kw / unit)
        solution = solve(_safe(exact), calm, effort, known, running)
        chosen.update(_stretches(exact, pieces, flexible, solution))
    allocation = _as_drawn(
        job.asked.situation, Allocation(pieces, job.asked.settled.urgent, chosen)
    )
    chosen = allocation.chosen
    starts_s = np.array([piece.start_s for piece in job.pieces])
    proven = _as_delivered(job, chosen)
    counted = _counted(proven, tasks, chosen, starts_s)
    bound = job.bound if proven is job.proven else lower_bound(proven, job.relaxed)
    blocks = sum(_blocks(stretches) for stretches in chosen.values())
    is_late = perf_counter() > job.asked.stop_at_s
    return Schedule(allocation, counted, bound, blocks, is_late, job.whole.money_unit)


def _blocks(stretches: Sequence[Stretch]) -> int:
    """Return how many blocks without a break the stretches are."""
    breaks = sum(b.start_s - a.end_s > TIME_EPSILON_S for a, b in pairwise(stretches))
    return breaks + bool(stretches)


def _as_drawn(situation: Situation, allocation: Allocation) -> Allocation:
    """Return the allocation with what tapering cars really draw, ended when they have enough."""
    urgent, chosen = dict(allocation.urgent), dict(allocation.chosen)
    for car in situation.cars:
        if not car.taper:
            continue
        name = car.station_id
        pressing = {stretch.start_s for stretch in urgent[name]}
        most_wh = max(needed_wh(car), 0.0)
        taken = drawn(car, allocation.stretches(car), most_wh)
        urgent[name] = [stretch for stretch in taken if stretch.start_s in pressing]
        chosen[name] = [stretch for stretch in taken if stretch.start_s not in pressing]
    return Allocation(allocation.pieces, urgent, chosen)


def _as_delivered(job: _Job, chosen: dict[str, list[Stretch]]) -> Problem:
    """Return the problem to prove: tapering cars need no more there than they can be given."""
    need_kwh = job.proven.need_kwh.copy()
    for number, task in enumerate(job.asked.tasks):
        if task.car.taper:
            stretches = chosen[task.car.station_id]
            hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
            net_wh = energy_of(stretches) - task.car.overhead_w * hours
            need_kwh[number] = min(need_kwh[number], max(0.0, net_wh / 1000))
    if np.array_equal(need_kwh, job.proven.need_kwh):
        return job.proven
    return replace(job.proven, need_kwh=need_kwh)


def _wear_price(problem: Problem) -> Floats:
    """Return what holding the top of a need counts, for a car that knows one power only."""
    wear = problem.wear
    if wear is None:
        return np.zeros(problem.is_usable.shape)
    share = wear.top_kwh / np.maximum(problem.need_kwh, 1e-9)
    price: Floats = (wear.top_price * share)[:, None] * wear.hold_h
    return price


def _settled(situation: Situation, now: datetime) -> Allocation:
    """Return what cannot wait; cars without anything urgent are left out of the reckoning."""
    pressing = tuple(
        _slowed(car)
        for car in situation.cars
        if car.mode is CarMode.NOW or car.min_soc_percent > car.soc_percent or is_overdue(car, now)
    )
    picker = Picker(lambda *_: [], honours_departure=True)
    settled = allocate(replace(situation, cars=pressing), now, picker)
    urgent = {car.station_id: settled.urgent.get(car.station_id, []) for car in situation.cars}
    return Allocation(settled.pieces, urgent, {station_id: [] for station_id in urgent})


def _slowed(car: Car) -> Car:
    """Return a car whose even draw takes as long as the real one takes near full."""
    need_wh = needed_wh(car)
    if not car.taper or need_wh <= ENERGY_EPSILON_WH:
        return car
    return replace(car, efficiency=car.efficiency * need_wh / need_as_time_wh(car, need_wh))


def _tasks(situation: Situation, now: datetime, settled: Allocation) -> list[Task]:
    tasks = []
    for car in situation.cars:
        window = window_of(car, now)
        fixed = settled.urgent[car.station_id]
        need = needed_wh(car) - energy_of(fixed)
        if window is None or car.mode is not CarMode.SMART or need <= ENERGY_EPSILON_WH:
            continue
        to_target = car.grid_energy_to_wh(car.target_soc_percent) - energy_of(fixed)
        reserve = min(need, max(0.0, need - max(0.0, to_target)))
        as_time = need_as_time_wh(car, needed_wh(car)) - energy_of(fixed)
        net = needed_wh(car) - energy_of(drawn(car, fixed, needed_wh(car)))
        tasks.append(Task(car, max(as_time, net), reserve, window, tuple(fixed), net))
    return tasks


def _calm(wishes: Wishes, problem: Problem) -> Calm:
    mean_price = float(np.abs(problem.price).mean())
    if wishes.start_price is not None:
        return Calm(max(wishes.start_price / problem.money_unit, 1e-3 * mean_price), None)
    return Calm(START_KWH * mean_price, wishes.calm_share)


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


def _running_patterns(
    situation: Situation, pieces: Sequence[Piece], tasks: Sequence[Task]
) -> Bools:
    start_s = np.array([piece.start_s for piece in pieces])
    end_s = np.array([piece.end_s for piece in pieces])
    patterns = np.zeros((len(tasks), len(pieces)), dtype=bool)
    if situation.running_plan is None:
        return patterns
    for number, task in enumerate(tasks):
        station = situation.running_plan.station(task.car.station_id)
        slots = station.charging_slots if station is not None else ()
        spans = [(slot.start_at.timestamp(), slot.end_at.timestamp()) for slot in slots]
        patterns[number] = patterns_from(spans, start_s, end_s)
    return patterns


def _stretches(
    problem: Problem, pieces: Sequence[Piece], tasks: Sequence[Task], solution: Solution
) -> dict[str, list[Stretch]]:
    powers = [power_of(task.car) for task in tasks]
    legal = legalised(problem, solution.on, solution.energy_kwh, powers)
    chosen: dict[str, list[Stretch]] = {}
    for number, task in enumerate(tasks):
        mine = []
        for at in np.flatnonzero(legal.part[number] > 0).tolist():
            piece, part = pieces[at], float(legal.part[number, at])
            start_s, end_s = piece.start_s, piece.end_s
            if part < 1 and legal.from_back[number, at]:
                start_s = end_s - part * piece.duration_s
            elif part < 1:
                end_s = start_s + part * piece.duration_s
            mine.append(
                Stretch(
                    start_s,
                    end_s,
                    float(legal.power_kw[number, at]) * 1000,
                    piece.price_per_kwh,
                    piece.house_load_w,
                    piece.slot_index,
                )
            )
        chosen[task.car.station_id] = mine
    return chosen


def _counted(
    whole: Problem, tasks: Sequence[Task], chosen: dict[str, list[Stretch]], starts_s: Floats
) -> float:
    """Return what the chosen stretches cost in the relaxed problem's terms, unmet included."""
    drawn_kwh, unmet_cost = np.zeros(whole.pieces), 0.0
    for number, task in enumerate(tasks):
        stretches = chosen[task.car.station_id]
        middles = np.array([(stretch.start_s + stretch.end_s) / 2 for stretch in stretches])
        energies = np.array([stretch.energy_wh / 1000 for stretch in stretches])
        np.add.at(drawn_kwh, np.searchsorted(starts_s, middles, side="right") - 1, energies)
        hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
        lost = float(whole.overhead_kw[number]) * hours
        unmet = max(0.0, float(whole.need_kwh[number]) + lost - float(energies.sum()))
        reserve = min(unmet, float(whole.reserve_kwh[number]))
        unmet_cost += reserve * whole.reserve_price + (unmet - reserve) * whole.unmet_price
    spared = np.maximum(0.0, whole.surplus_gain) * np.minimum(drawn_kwh, whole.surplus_kwh)
    return float((whole.price * drawn_kwh - spared).sum()) + unmet_cost + whole.peak_cost(drawn_kwh)
