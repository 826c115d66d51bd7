"""Whole schedules of single cars: the cheapest at the marginal prices of a moment."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.optimal.patterns import ENERGY_EPSILON_KWH, cheapest_patterns
from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem, count_starts, keys_of

WORTHS = (-0.02, -0.005, 0.0, 0.005, 0.02, 0.05)
"""Of the mean price: what a kWh is tried to be worth to a car, around what it was worth before."""
NEAR_BEST = 1e-2
"""A car's schedules are offered that are so near its best one."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedules:
    """Schedules of any cars: whose, when on, energies by piece, starts, and cost without them."""

    car: Ints
    on: Bools
    energy_kwh: Floats
    starts: Ints
    cost: Floats

    def some(self, which: NDArray[np.integer[Any]]) -> "Schedules":
        """Return those with these numbers."""
        return Schedules(*(getattr(self, name)[which] for name in self.__slots__))

    def patterns(self) -> Ints:
        """Return a number for each: the same for those of one car with the same pattern."""
        car = np.ascontiguousarray(self.car[:, None]).view(np.uint8)
        rows = np.concatenate([car, np.packbits(self.on, axis=1)], axis=1)
        _, number = np.unique(keys_of(rows), return_inverse=True)
        return number.astype(np.int32)


def joined(parts: list[Schedules]) -> Schedules:
    """Return all as one."""
    return Schedules(
        *(np.concatenate([getattr(one, name) for one in parts]) for name in Schedules.__slots__)
    )


def cheapest_schedules(
    problem: Problem, price: Floats, worth: Floats, start_price: float
) -> tuple[Schedules, Floats]:
    """Return each car's best schedules at prices by car and piece, and what a kWh is worth then."""
    cars, scale = problem.cars, float(np.abs(problem.price).mean())
    worths = worth[:, None] + scale * np.array(WORTHS)
    worths = np.minimum(worths, problem.unmet_price)
    tries = worths.shape[1]
    with np.errstate(invalid="ignore"):
        gain = price[:, None, :] - worths[:, :, None]
        value = np.where(
            gain < 0, gain * problem.high_kwh[:, None, :], gain * problem.low_kwh[:, None, :]
        )
    value += (worths * problem.overhead_kw[:, None])[:, :, None] * problem.hours
    value = np.where(problem.is_usable[:, None, :], value, np.inf)
    starts = np.where(problem.is_free_start, 0.0, start_price)
    least, on = cheapest_patterns(
        value.reshape(cars * tries, -1), np.repeat(starts, tries, axis=0), problem.is_joined
    )
    proven = least.reshape(cars, tries) + worths * problem.need_kwh[:, None]
    best = proven.argmax(axis=1)
    car = np.repeat(np.arange(cars, dtype=np.int32), tries)
    every, counted = _filled(problem, car, on, price, start_price)
    cheapest = np.full(cars, np.inf)
    np.minimum.at(cheapest, car, counted)
    is_near = counted <= (cheapest + NEAR_BEST * np.abs(cheapest))[car]
    return every.some(np.flatnonzero(is_near & np.isfinite(counted))), worths[np.arange(cars), best]


def _filled(
    problem: Problem, car: Ints, on: Bools, price: Floats, start_price: float
) -> tuple[Schedules, Floats]:
    """Return patterns with their cheapest energies, and what they count at the marginal prices."""
    low, high = problem.low_kwh[car], problem.high_kwh[car]
    mine = np.where(problem.is_usable[car], price[car], 0.0)
    energy = np.where(on, low, 0.0)
    lost = on @ problem.hours * problem.overhead_kw[car]
    left = problem.need_kwh[car] + lost - energy.sum(axis=1)
    order = np.argsort(mine, axis=1, kind="stable")
    room = np.take_along_axis(np.where(on, high - low, 0.0), order, axis=1)
    before = np.cumsum(room, axis=1) - room
    taken = np.clip(left[:, None] - before, 0.0, room)
    more = np.empty_like(taken)
    np.put_along_axis(more, order, taken, axis=1)
    energy += more
    unmet = np.maximum(0.0, left - room.sum(axis=1))
    spared = np.minimum(unmet, problem.reserve_kwh[car])
    missing = spared * problem.reserve_price + (unmet - spared) * problem.unmet_price
    starts = count_starts(on, problem.is_joined, problem.is_free_start[car])
    counted = (energy * mine).sum(axis=1) + start_price * starts + missing
    counted[left < -ENERGY_EPSILON_KWH] = np.inf
    return Schedules(car, on, energy, starts, energy @ problem.price + missing), counted
