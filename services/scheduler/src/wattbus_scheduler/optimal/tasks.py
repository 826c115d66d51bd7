"""What is settled before anything is planned, and what is left to plan."""

from dataclasses import replace
from datetime import datetime

from wattbus_scheduler.allocation import (
    Allocation,
    Picker,
    allocate,
    is_overdue,
    needed_wh,
    window_of,
)
from wattbus_scheduler.optimal.grid import Task
from wattbus_scheduler.optimal.taper import drawn, need_as_time_wh
from wattbus_scheduler.selection import ENERGY_EPSILON_WH, energy_of
from wattbus_scheduler.situation import Car, CarMode, Situation


def settled(situation: Situation, now: datetime) -> Allocation:
    """Return what cannot wait; cars without anything urgent are left out of the reckoning."""
    pressing = tuple(
        _slowed(car)
        for car in situation.cars
        if car.mode is CarMode.NOW or car.min_soc_percent > car.soc_percent or is_overdue(car, now)
    )
    picker = Picker(lambda *_: [], honours_departure=True)
    already = allocate(replace(situation, cars=pressing), now, picker)
    urgent = {car.station_id: already.urgent.get(car.station_id, []) for car in situation.cars}
    return Allocation(already.pieces, urgent, {station_id: [] for station_id in urgent})


def _slowed(car: Car) -> Car:
    """Return a car whose even draw takes as long as the real one takes near full."""
    need_wh = needed_wh(car)
    if not car.taper or need_wh <= ENERGY_EPSILON_WH:
        return car
    return replace(car, efficiency=car.efficiency * need_wh / need_as_time_wh(car, need_wh))


def tasks_of(situation: Situation, now: datetime, already: Allocation) -> list[Task]:
    """Return the cars that are left to plan, and what each needs beside what is settled."""
    tasks = []
    for car in situation.cars:
        window = window_of(car, now)
        fixed = already.urgent[car.station_id]
        need = needed_wh(car) - energy_of(fixed)
        if window is None or car.mode is not CarMode.SMART or need <= ENERGY_EPSILON_WH:
            continue
        to_target = car.grid_energy_to_wh(car.target_soc_percent) - energy_of(fixed)
        reserve = min(need, max(0.0, need - max(0.0, to_target)))
        as_time = need_as_time_wh(car, needed_wh(car)) - energy_of(fixed)
        net = needed_wh(car) - energy_of(drawn(car, fixed, needed_wh(car)))
        tasks.append(Task(car, max(as_time, net), reserve, window, tuple(fixed), net))
    return tasks
