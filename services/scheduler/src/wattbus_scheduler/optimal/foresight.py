"""Foresees from the relaxed answer how dear a start may be for the cost to stay in its share."""

import numpy as np

from wattbus_scheduler.optimal.problem import Floats, Problem
from wattbus_scheduler.optimal.programme import Answer

STEPS = tuple(2.0 * 0.8**number for number in range(24))


def affordable_step(problem: Problem, relaxed: Answer, start_price: float, allowed: float) -> float:
    """Return the highest multiple of `start_price` at which calm costs no more than `allowed`.

    At the relaxed answer's marginal prices every car is on its own. What its calmest pattern costs
    there above the relaxed answer is an estimate only: cars that share a row may do worse.
    """
    gain = np.where(problem.is_usable, relaxed.reduced, 0.0)
    value = np.where(gain < 0, gain * problem.high_kwh, gain * problem.low_kwh)
    value = np.where(problem.is_usable, value, np.inf)
    free = float(np.where(problem.is_usable, np.minimum(value, 0.0), 0.0).sum())
    low, high = 0, len(STEPS) - 1
    while low < high:
        middle = (low + high) // 2
        extra = _cost_of_calm(problem, value, STEPS[middle] * start_price) - free
        low, high = (low, middle) if extra <= allowed else (middle + 1, high)
    return STEPS[low]


def _cost_of_calm(problem: Problem, value: Floats, start_price: float) -> float:
    """Return the cars' summed value without starts, when starts have a price but the first."""
    cars = problem.cars
    before = np.zeros(cars)
    on, off = np.full(cars, np.inf), np.full(cars, np.inf)
    # The value without starts goes along with each state of the shortest path.
    bare_on, bare_off = np.zeros(cars), np.zeros(cars)
    for t in range(problem.pieces):
        again = off + start_price
        kept = on if problem.is_joined[t] else on + start_price
        goes_off = on < off
        new_off = np.where(goes_off, on, off)
        new_bare_off = np.where(goes_off, bare_on, bare_off)
        best = np.minimum(np.minimum(kept, again), before)
        bare = np.where(best == kept, bare_on, np.where(best == again, bare_off, 0.0))
        on, bare_on = best + value[:, t], bare + np.where(np.isinf(value[:, t]), 0.0, value[:, t])
        off, bare_off = new_off, new_bare_off
    bare = np.where(on < off, bare_on, bare_off)
    return float(np.where(np.isinf(np.minimum(on, off)), 0.0, bare).sum())
