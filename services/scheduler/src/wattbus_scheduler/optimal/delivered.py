"""What cars that take less near full make of a plan, and what they still miss then."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wattbus_scheduler.allocation import Allocation, needed_wh
from wattbus_scheduler.optimal.grid import Task
from wattbus_scheduler.optimal.power import power_of
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.taper import drawn
from wattbus_scheduler.selection import Stretch, energy_of
from wattbus_scheduler.situation import Situation

TAPER_TOLERANCE_WH = 1.0
MARGIN = 1.1
"""What is missing is asked for so many times over: charging ends when the car has enough."""


def as_drawn(situation: Situation, allocation: Allocation) -> Allocation:
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


def as_delivered(
    proven: Problem, tasks: Sequence[Task], chosen: dict[str, list[Stretch]]
) -> Problem:
    """Return the problem to prove: tapering cars need no more there than they can be given."""
    need_kwh = proven.need_kwh.copy()
    for number, task in enumerate(tasks):
        if task.car.taper:
            stretches = chosen[task.car.station_id]
            hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
            net_wh = energy_of(stretches) - task.car.overhead_w * hours
            need_kwh[number] = min(need_kwh[number], max(0.0, net_wh / 1000))
    if np.array_equal(need_kwh, proven.need_kwh):
        return proven
    return replace(proven, need_kwh=need_kwh)


def with_more_time(tasks: list[Task], chosen: dict[str, list[Stretch]]) -> list[Task]:
    """Return the tasks with as much longer needs as tapering cars have missed, in time."""
    longer = []
    for task in tasks:
        stretches = chosen[task.car.station_id]
        hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
        offered_wh = sum(s.power_w * (s.end_s - s.start_s) for s in stretches) / 3600
        lost_wh = task.car.overhead_w * hours
        short_wh = missing_wh(task, stretches)
        is_given = offered_wh >= task.need_wh + lost_wh - TAPER_TOLERANCE_WH
        if task.car.taper and short_wh > TAPER_TOLERANCE_WH and is_given and stretches:
            more_wh = offered_for(short_wh, stretches[-1], power_of(task.car).most * 1000)
            longer.append(replace(task, need_wh=task.need_wh + MARGIN * more_wh))
        else:
            longer.append(task)
    return longer


def offered_for(short_wh: float, last: Stretch, power_w: float) -> float:
    """Return the offer at a power of which a car takes `short_wh`, as it did at the last."""
    mean_w = last.energy_wh * 3600 / (last.end_s - last.start_s)
    return short_wh * max(1.0, power_w / max(mean_w, 1.0))


def missing_wh(task: Task, stretches: Sequence[Stretch]) -> float:
    """Return how much less than it needs a car gets in these stretches."""
    hours = sum(stretch.end_s - stretch.start_s for stretch in stretches) / 3600
    return max(0.0, task.net_wh + task.car.overhead_w * hours - energy_of(stretches))
