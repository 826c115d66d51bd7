"""A lower bound on the cost of any plan, reckoned from marginal prices; trusts no solver."""

import numpy as np

from wattbus_scheduler.optimal.problem import Floats, Problem
from wattbus_scheduler.optimal.programme import Answer


def lower_bound(problem: Problem, answer: Answer) -> float:
    """Return what no plan can undercut, unmet energy counted at its price, starts not counted.

    Lagrangian duality: pay for room in the rows at any prices >= 0 and every car is on its own,
    a sort and a fill. The prices decide how tight the bound is, never whether it is valid: those
    of an interrupted solve, or zeros, will do.
    """
    row_price = np.maximum(0.0, answer.row_price)
    surplus_price = np.clip(-answer.surplus_price, 0.0, problem.surplus_gain)
    peak_share = np.maximum(0.0, answer.peak_share)
    peak_share = np.minimum(peak_share, problem.peak_price / problem.peak_count)
    if peak_share.sum() > problem.peak_price:
        peak_share = peak_share * (problem.peak_price / peak_share.sum())
    price = problem.share.T @ row_price + problem.price - surplus_price
    if len(peak_share):
        inside = problem.peak_of >= 0
        price[:, inside] += peak_share[problem.peak_of[inside]]
    fixed = -float((row_price * np.maximum(0.0, problem.cap_kw) * problem.hours).sum())
    fixed -= float(
        ((problem.surplus_gain - surplus_price) * problem.surplus_kwh)[
            problem.surplus_gain > 0
        ].sum()
    )
    if len(peak_share):
        fixed += float((peak_share * problem.peak_base_kw).sum()) - _spared_peaks(
            problem, float(peak_share.sum())
        )
    return fixed + float(_cheapest_alone(problem, price).sum())


def _spared_peaks(problem: Problem, weight: float) -> float:
    """Return what the peaks so far count that new ones of this weight push out, lowest first."""
    if problem.peak_count == 1:
        return weight * problem.peak_floor_kw
    whole = problem.peak_price / problem.peak_count
    each = np.clip(weight - whole * np.arange(problem.peak_count), 0.0, whole)
    return float((each * np.sort(problem.peaks_so_far_kw)).sum())


def _cheapest_alone(problem: Problem, price: Floats) -> Floats:
    """Return what each car pays at least at its own prices, without the others."""
    usable = problem.is_usable
    most_kw = np.maximum(problem.max_kw.max(axis=1, initial=0.0), 1e-9)
    need = problem.need_kwh / np.maximum(1 - problem.overhead_kw / most_kw, 1e-3)
    reserve = np.minimum(problem.reserve_kwh, need)
    capped = np.where(usable, price, problem.unmet_price)
    order = np.argsort(capped, axis=1, kind="stable")
    ranked = np.take_along_axis(capped, order, axis=1)
    room = np.take_along_axis(np.where(usable, problem.high_kwh, 0.0), order, axis=1)
    before = np.cumsum(room, axis=1) - room
    # The reserve is left out where a kWh costs more than it is wished for.
    spared = np.minimum(ranked, problem.reserve_price)
    taken = np.clip(need[:, None] - before, 0.0, room)
    target_part = np.clip((need - reserve)[:, None] - before, 0.0, room)
    reserve_part = taken - target_part
    cost = (np.minimum(ranked, problem.unmet_price) * target_part).sum(axis=1) + (
        spared * reserve_part
    ).sum(axis=1)
    short_target = np.maximum(0.0, (need - reserve) - target_part.sum(axis=1))
    short_reserve = np.maximum(0.0, reserve - reserve_part.sum(axis=1))
    total: Floats = (
        cost + problem.unmet_price * short_target + problem.reserve_price * short_reserve
    )
    return total
