"""Turns pieces of time and cars into the arrays of a problem."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.optimal.power import Power, power_of
from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem, Wear
from wattbus_scheduler.selection import Stretch
from wattbus_scheduler.situation import Car, Site, Situation

UNKNOWN_FACTOR = 10.0
"""A piece without a price counts this many times the highest known price: it is used last."""
RESERVE_FACTOR, UNMET_FACTOR = 20.0, 200.0
NO_LIMIT_KW = 1e5
PRICE_DIGITS = 10
SAFETY_KW = 1e-6
"""Kept free in every row of the plan, against the rounding of the solver."""


@dataclass(frozen=True, slots=True)
class Task:
    """A car to plan: what it needs from the grid, the part it could do without, its window.

    `fixed` are its stretches that are settled already. `need_wh` of a car that takes less near
    full is what an even draw would have in the time that charging takes, `net_wh` the energy.
    From each instant of `offers` on (POSIX seconds) it is offered no more than so many kW.
    """

    car: Car
    need_wh: float
    reserve_wh: float
    window: tuple[float, float]
    fixed: tuple[Stretch, ...]
    net_wh: float = 0.0
    offers: tuple[tuple[float, float], ...] = ()

    def most_kw(self, start_s: Floats) -> Floats:
        """Return the most that is offered at instants."""
        if not self.offers:
            return np.full(len(start_s), np.inf)
        since, most = np.array(self.offers).T
        at = np.searchsorted(since, start_s + TIME_EPSILON_S, side="right") - 1
        offered: Floats = most[at]
        return offered


def problem_of(
    situation: Situation, now: datetime, pieces: Sequence[Piece], tasks: Sequence[Task]
) -> Problem:
    """Return the arrays for the tasks; what the pieces have promised already is not free."""
    site = situation.site
    start_s = np.array([piece.start_s for piece in pieces])
    end_s = np.array([piece.end_s for piece in pieces])
    hours = (end_s - start_s) / 3600
    prices = np.array([np.nan if p.price_per_kwh is None else p.price_per_kwh for p in pieces])
    share, cap_kw = _rows(site, pieces, prices, [task.car for task in tasks])
    is_usable = np.zeros((len(tasks), len(pieces)), dtype=bool)
    min_kw, max_kw = np.zeros(is_usable.shape), np.zeros(is_usable.shape)
    free = np.zeros(is_usable.shape, dtype=bool)
    no_use = np.zeros_like(cap_kw)
    for number, task in enumerate(tasks):
        power = power_of(task.car)
        here = (start_s >= task.window[0] - TIME_EPSILON_S) & (
            end_s <= task.window[1] + TIME_EPSILON_S
        )
        for stretch in task.fixed:
            here &= (end_s <= stretch.start_s + TIME_EPSILON_S) | (
                start_s >= stretch.end_s - TIME_EPSILON_S
            )
            free[number] |= np.abs(start_s - stretch.end_s) < TIME_EPSILON_S
        if task.car.is_charging:
            free[number] |= np.abs(start_s - now.timestamp()) < TIME_EPSILON_S
        rows = share[:, number] > 0
        room = np.full(len(pieces), np.inf)
        if rows.any():
            room = ((cap_kw - no_use)[rows] / share[rows, number][:, None]).min(axis=0)
        max_kw[number] = power.floor(np.minimum(room, task.most_kw(start_s)))
        min_kw[number] = power.least
        is_usable[number] = here & (max_kw[number] >= power.least - 1e-9)
    joined = np.ones(len(pieces), dtype=bool)
    joined[1:] = start_s[1:] - end_s[:-1] <= TIME_EPSILON_S
    unit, counted, surplus_kwh, surplus_gain = _counted_prices(situation, pieces, prices)
    peak_of, peak_base = _peak_hours(site, pieces, start_s, hours)
    return Problem(
        hours=hours,
        price=counted,
        is_usable=is_usable,
        share=share,
        cap_kw=cap_kw,
        min_kw=min_kw,
        max_kw=max_kw,
        need_kwh=np.array([task.need_wh / 1000 for task in tasks]),
        reserve_kwh=np.array([task.reserve_wh / 1000 for task in tasks]),
        overhead_kw=np.array([task.car.overhead_w / 1000 for task in tasks]),
        is_free_start=free,
        is_joined=joined,
        start_price=0.0,
        unmet_price=UNMET_FACTOR,
        reserve_price=RESERVE_FACTOR,
        surplus_kwh=surplus_kwh * hours,
        surplus_gain=surplus_gain,
        peak_of=peak_of,
        peak_base_kw=peak_base,
        peak_floor_kw=max(site.peak_so_far_w / 1000, float(peak_base.max(initial=0.0))),
        peak_price=site.peak_price_per_kw / unit,
        peak_count=site.peak_hours,
        peaks_so_far_kw=_peaks_so_far_kw(site),
        wear=_wear(tasks, start_s, end_s, unit),
        money_unit=unit,
    )


def _peaks_so_far_kw(site: Site) -> Floats:
    """Return the highest hours so far, as many as count, zeros where there were fewer."""
    known = site.peaks_so_far_w or (site.peak_so_far_w,) * site.peak_hours
    highest = sorted(known, reverse=True)[: site.peak_hours]
    return np.array([*highest, *[0.0] * (site.peak_hours - len(highest))]) / 1000


def _wear(tasks: Sequence[Task], start_s: Floats, end_s: Floats, unit: float) -> Wear | None:
    cars = [task.car for task in tasks]
    if not any(car.high_soc_price_per_kwh_h or car.high_power_price_per_kwh for car in cars):
        return None
    leaves = np.array([min(task.window[1], float(end_s[-1])) for task in tasks])
    top_kwh = []
    for task in tasks:
        wanted_wh = task.car.grid_energy_to_wh(task.car.target_soc_percent)
        below_wh = task.car.grid_energy_to_wh(task.car.high_soc_percent)
        top_kwh.append(min(max(0.0, wanted_wh - below_wh), task.need_wh) / 1000)
    return Wear(
        soft_kw=np.array([car.high_power_w / 1000 for car in cars]),
        soft_price=np.array([car.high_power_price_per_kwh for car in cars]) / unit,
        top_kwh=np.array(top_kwh),
        top_price=np.array([car.high_soc_price_per_kwh_h for car in cars]) / unit,
        hold_h=np.maximum(0.0, leaves[:, None] - (start_s + end_s) / 2) / 3600,
    )


def _rows(
    site: Site, pieces: Sequence[Piece], prices: Floats, cars: Sequence[Car]
) -> tuple[Floats, Floats]:
    """Return each car's share in each row, and what the house and settled charging leave in kW.

    Where the price is above a cap, cars with that cap or a lower one may take the surplus only.
    """
    used = np.array([piece.used_w for piece in pieces]).T / 1000
    house = np.array([piece.house_load_w for piece in pieces]) / 1000
    shares, caps = [], []
    if site.max_power_w is not None:
        shares.append(np.ones(len(cars)))
        caps.append(site.max_power_w / 1000 - house - used.sum(axis=0))
    if site.fuse_current_a is not None:
        for phase in range(1, site.phases + 1):
            shares.append(
                np.array([1 / len(car.phases) if phase in car.phases else 0.0 for car in cars])
            )
            fuse_kw = site.fuse_current_a * site.voltage_v / 1000
            caps.append(fuse_kw - house / site.phases - used[phase - 1])
    sold = np.array([piece.feed_in_price_per_kwh for piece in pieces])
    surplus = np.array([piece.surplus_w for piece in pieces]) / 1000 - used.sum(axis=0)
    limits = np.array([np.inf if (c := car.price_cap_per_kwh) is None else c for car in cars])
    for cap in np.unique(limits[np.isfinite(limits)]).tolist():
        shares.append((limits <= cap).astype(np.float64))
        free = np.where(sold <= cap, np.maximum(0.0, surplus), 0.0)
        caps.append(np.where(prices > cap, free, NO_LIMIT_KW))
    if not shares:
        return np.zeros((0, len(cars))), np.zeros((0, len(pieces)))
    return np.array(shares), np.array(caps)


def _counted_prices(
    situation: Situation, pieces: Sequence[Piece], prices: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """Return the unit of money, what a kWh counts in each piece, surplus in kW and what it spares.

    In this unit the highest known price is 1, so that no tolerance knows the currency; what is
    left of rounding is cut off, so that scaled prices are the same to the last bit.
    """
    slots = [situation.slots[piece.slot_index] for piece in pieces]
    co2 = np.array([slot.co2_g_per_kwh for slot in slots]) / 1000
    weight = co2 * situation.site.co2_price_per_kg
    known = (prices + weight)[~np.isnan(prices)]
    unit = float(np.abs(known).max(initial=0.0)) or 1.0
    counted = np.where(np.isnan(prices), UNKNOWN_FACTOR * unit + weight, prices + weight) / unit
    used = np.array([sum(piece.used_w) for piece in pieces]) / 1000
    surplus = np.array([slot.surplus_w for slot in slots]) / 1000
    sold = np.array([slot.feed_in_price_per_kwh for slot in slots])
    gain = (np.where(np.isnan(prices), 0.0, prices) - sold + weight) / unit
    gain = np.where(surplus > 0, np.round(gain, PRICE_DIGITS), 0.0)
    return unit, np.round(counted, PRICE_DIGITS), np.maximum(0.0, surplus - used), gain


def _peak_hours(
    site: Site, pieces: Sequence[Piece], start_s: Floats, hours: Floats
) -> tuple[Ints, Floats]:
    """Return each piece's clock hour by number, and the mean power there without new charging.

    Power from the grid, that is: below 0 where the roof leaves something over.
    """
    if site.peak_price_per_kw <= 0:
        return np.full(len(pieces), -1, dtype=np.int32), np.zeros(0)
    offsets = [
        datetime.fromtimestamp(at, site.time_zone).utcoffset() or timedelta() for at in start_s
    ]
    shifts = np.array([offset.total_seconds() for offset in offsets])
    _, numbers = np.unique(np.floor((start_s + shifts) / 3600 + 1e-9), return_inverse=True)
    house_w = [-piece.surplus_w if piece.surplus_w > 0 else piece.house_load_w for piece in pieces]
    drawn = (np.array(house_w) + np.array([sum(piece.used_w) for piece in pieces])) / 1000
    base = np.bincount(numbers, weights=drawn * hours).astype(np.float64)
    return numbers.astype(np.int32), base


def tightened(problem: Problem, tasks: Sequence[Task]) -> Problem:
    """Return the problem with rows lowered to what the stations' powers can add up to.

    Valid at every instant, and so for the mean over a piece: powers in whole steps add up to whole
    steps, and of few cars every set is tried with the least and the most it can draw.
    """
    cap = problem.cap_kw.copy()
    powers = [power_of(task.car) for task in tasks]
    for row in range(len(cap)):
        share = problem.share[row]
        step = _common_step(
            [p for p, s in zip(powers, share, strict=True) if s > 0], share[share > 0]
        )
        if step > 0:
            cap[row] = np.floor(cap[row] / step + 1e-6) * step
        few = np.flatnonzero(share > 0)
        if 0 < len(few) <= 8:
            cap[row] = _reachable(
                cap[row],
                np.array([powers[n].least * share[n] for n in few]),
                np.array([powers[n].most * share[n] for n in few]),
            )
    return replace(problem, cap_kw=cap)


def _common_step(powers: Sequence[Power], share: Floats) -> float:
    """Return the step in a row of which all powers are multiples, or 0."""
    steps = {round(p.step * s, 9) for p, s in zip(powers, share, strict=True)}
    if len(steps) != 1:
        return 0.0
    step = steps.pop()
    if step <= 0:
        return 0.0
    edges = [edge * s for p, s in zip(powers, share, strict=True) for edge in (p.least, p.most)]
    is_whole = all(abs(edge / step - round(edge / step)) < 1e-6 for edge in edges)
    return step if is_whole else 0.0


def _reachable(cap: Floats, least: Floats, most: Floats) -> Floats:
    sets = (np.arange(2 ** len(least))[:, None] >> np.arange(len(least))) & 1
    lowest, highest = sets @ least, sets @ most
    fits = lowest[:, None] <= cap[None, :] + 1e-9
    best = np.where(fits, np.minimum(highest[:, None], cap[None, :]), -np.inf).max(axis=0)
    reachable: Floats = np.where(cap >= 0, best, cap)
    return reachable


def patterns_from(
    stretches: Sequence[tuple[float, float]], start_s: Floats, end_s: Floats
) -> Bools:
    """Return in which pieces charging goes on for more than half of the time."""
    covered = np.zeros(len(start_s))
    for first_s, last_s in stretches:
        covered += np.maximum(0.0, np.minimum(end_s, last_s) - np.maximum(start_s, first_s))
    pattern: Bools = covered > 0.5 * (end_s - start_s)
    return pattern
