"""A single car, whose powers need no programme."""

import numpy as np

from wattbus_scheduler.optimal.patterns import (
    ALL_START_FACTORS,
    CarView,
    candidates,
    swept,
    view_of,
)
from wattbus_scheduler.optimal.problem import Bools, Problem
from wattbus_scheduler.optimal.programme import Answer
from wattbus_scheduler.optimal.solution import Solution, Terms

START_FACTORS = (2.0, 1.2, 0.8, 0.55, 0.4, 0.28, 0.2, 0.14, 0.1, 0.05, 1e-3)
"""Of the price of a start: what is tried."""


def alone(problem: Problem, relaxed: Answer, terms: Terms) -> Solution:
    """Return the plan of a single car, whose powers need no programme."""
    calm = terms.calm
    room = problem.room_kw(np.zeros_like(problem.cap_kw), 0)
    view = view_of(problem, 0, problem.price, room, float(problem.need_kwh[0]))
    worth = float(relaxed.need_price[0])
    nothing = np.zeros((1, problem.pieces), dtype=bool)
    found = Solution(nothing, np.zeros(nothing.shape), np.inf, calm.start_price)
    on, fewest = None, 0
    if calm.cost_share is None:
        on = next(iter(candidates(view, worth, 1, ALL_START_FACTORS)), None)
    elif view.can.any():
        on, fewest = _calmest_alone(view, worth, terms)
        # A reserve may stay unmet at a lower price than the proof reckons with.
        fewest = fewest if problem.reserve_kwh[0] <= 0 else 0
    filled = view.fill(on) if on is not None else None
    if on is None or filled is None:
        return found
    energy, unmet = filled
    reserve = min(unmet, float(problem.reserve_kwh[0]))
    objective = float((problem.price * energy).sum()) + reserve * problem.reserve_price
    objective += (unmet - reserve) * problem.unmet_price
    return Solution(on[None, :], energy[None, :], objective, calm.start_price, fewest)


def _calmest_alone(view: CarView, worth: float, terms: Terms) -> tuple[Bools | None, int]:
    """Return the pattern of fewest starts within the share, else the cheapest; and a proof."""
    prices = [factor * terms.calm.start_price for factor in START_FACTORS]
    most = terms.bound + terms.allowed
    every = swept(view, worth, prices, most)
    is_within = every.costs <= most + 1e-9
    starts = np.where(is_within, every.starts, 0)
    best = np.lexsort((every.costs, starts, ~is_within))[0]
    is_plan = bool(np.isfinite(every.costs[best]))
    return (every.patterns[best] if is_plan else None), every.fewest
