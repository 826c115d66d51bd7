"""When a car could be on: the cheapest patterns at given prices, with a price for each start."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem, count_starts, distinct

ENERGY_EPSILON_KWH = 1e-9
ALL_START_FACTORS = (1.0, 0.4, 0.0)
"""Of the price of a start: what is tried for few cars."""


def cheapest_patterns(value: Floats, start_price: Floats, is_joined: Bools) -> tuple[Floats, Bools]:
    """Return the least sum and the pattern that has it, for each row of `value`.

    `value[k, t]` is what being on in piece t adds (inf where it cannot), `start_price[k, t]` what
    a start there adds. Dynamic programming over the pieces, for all rows at once.
    """
    # Where nobody can be on there is nothing to decide.
    at = np.flatnonzero(np.isfinite(value).any(axis=0))
    joined = is_joined[at]
    joined[1:] &= np.diff(at) == 1
    values, prices = value.T[at], start_price.T[at]
    pieces, rows = values.shape
    on, off = np.full(rows, np.inf), np.zeros(rows)
    goes_on, stays_off = np.empty((pieces, rows), dtype=bool), np.empty((pieces, rows), dtype=bool)
    for t, is_next in enumerate(joined.tolist()):
        started = off + prices[t]
        kept = on if is_next else on + prices[t]
        np.less_equal(kept, started, out=goes_on[t])
        np.less_equal(off, on, out=stays_off[t])
        off = np.minimum(off, on)
        on = np.minimum(kept, started) + values[t]
    is_on = on < off
    goes_off = ~stays_off
    chosen = np.zeros((pieces, rows), dtype=bool)
    for t in range(pieces - 1, -1, -1):
        chosen[t] = is_on
        is_on = np.where(is_on, goes_on[t], goes_off[t])
    pattern = np.zeros(value.shape, dtype=bool)
    pattern[:, at] = chosen.T
    return np.minimum(on, off), pattern


@dataclass(frozen=True, slots=True, eq=False)
class CarView:
    """One car on its own: `price` and limits of energy in each piece, what it needs, its losses."""

    price: Floats
    low_kwh: Floats
    high_kwh: Floats
    can: Bools
    hours: Floats
    joined: Bools
    need_kwh: float
    overhead_kw: float
    start_price: float
    unmet_price: float
    is_free_start: Bools

    def starts(self, on: Bools) -> int:
        """Return how often the pattern starts."""
        return int(count_starts(on, self.joined, self.is_free_start))

    def fill(self, on: Bools) -> tuple[Floats, float] | None:
        """Return the cheapest energies in a pattern and what stays unmet; None if it is too much.

        Every piece of the pattern holds its least energy, and the cheapest ones more.
        """
        energy = np.where(on, self.low_kwh, 0.0)
        left = self.need_kwh + self.overhead_kw * float(self.hours[on].sum()) - float(energy.sum())
        if left < -ENERGY_EPSILON_KWH:
            return None
        for t in np.flatnonzero(on)[np.argsort(self.price[on], kind="stable")]:
            if left <= 0:
                break
            more = min(self.high_kwh[t] - self.low_kwh[t], left)
            energy[t] += more
            left -= more
        return energy, max(0.0, left)

    def costs(self, patterns: Bools) -> Floats:
        """Return the costs of patterns with their starts; inf if their least energy is too much."""
        order = np.argsort(self.price, kind="stable")
        on, price, low = patterns[:, order], self.price[order], self.low_kwh[order]
        left = self.need_kwh + on @ (self.overhead_kw * self.hours[order] - low)
        room = np.where(on, self.high_kwh[order] - low, 0.0)
        taken = np.clip(left[:, None] - (np.cumsum(room, axis=1) - room), 0.0, room)
        unmet = np.maximum(0.0, left - room.sum(axis=1))
        starts = count_starts(patterns, self.joined, self.is_free_start)
        cost = on @ (price * low) + taken @ price
        cost += self.start_price * starts + self.unmet_price * unmet
        costs: Floats = np.where(left < -ENERGY_EPSILON_KWH, np.inf, cost)
        return costs


def view_of(problem: Problem, car: int, price: Floats, room_kw: Floats, need: float) -> CarView:
    """Return one car with what is left for it: `price` per kWh, `room_kw` of power by piece."""
    low = problem.low_kwh[car]
    high = np.minimum(problem.high_kwh[car], np.maximum(0.0, room_kw) * problem.hours)
    can = problem.is_usable[car] & (high >= low - ENERGY_EPSILON_KWH)
    return CarView(
        price=np.where(can, price, 0.0),
        low_kwh=low,
        high_kwh=np.maximum(high, low),
        can=can,
        hours=problem.hours,
        joined=problem.is_joined,
        need_kwh=need,
        overhead_kw=float(problem.overhead_kw[car]),
        start_price=problem.start_price,
        unmet_price=problem.unmet_price,
        is_free_start=problem.is_free_start[car],
    )


def candidates(
    view: CarView, worth: float, most: int, start_factors: Sequence[float] = (1.0,)
) -> list[Bools]:
    """Return up to `most` patterns, the cheapest first; see `ranked`."""
    return [on for _, on in ranked(view, worth, most, start_factors)]


def ranked(
    view: CarView, worth: float, most: int, start_factors: Sequence[float] = (1.0,)
) -> list[tuple[float, Bools]]:
    """Return up to `most` patterns with their cost, the cheapest first.

    They are those that are best at some worth of a kWh around `worth` and at some share of the
    price of a start, and single blocks.
    """
    if not view.can.any():
        return []
    found = {on.tobytes(): on for factor in start_factors for on in _by_worth(view, worth, factor)}
    if len(start_factors) > 1:
        shrunk = [_shrunk(view, on) for on in found.values()]
        found.update((on.tobytes(), on) for on in shrunk if on is not None)
    found.update((on.tobytes(), on) for on in _single_blocks(view))
    patterns = np.array(list(found.values()))
    costs = view.costs(patterns)
    best = np.argsort(costs, kind="stable")[:most]
    return [(float(costs[at]), patterns[at]) for at in best if costs[at] < np.inf]


def _shrunk(view: CarView, on: Bools) -> Bools | None:
    """Return a pattern without its dearest ends, so that the rest at its least is not too much."""
    least = view.low_kwh - view.overhead_kw * view.hours
    excess = float(least[on].sum()) - view.need_kwh
    if not ENERGY_EPSILON_KWH < excess < view.need_kwh:
        return None
    smaller = on.copy()
    while excess > ENERGY_EPSILON_KWH:
        before, after = np.zeros_like(on), np.zeros_like(on)
        before[1:] = smaller[:-1] & view.joined[1:]
        after[:-1] = smaller[1:] & view.joined[1:]
        ends = np.flatnonzero(smaller & ~(before & after))
        # Of equally dear ends, those of short blocks go first: that spares a start.
        lone = ~(before | after)[ends]
        at = ends[np.argmax(view.price[ends] + 1e-9 * lone)]
        smaller[at] = False
        excess -= float(least[at])
    return smaller


def _by_worth(view: CarView, worth: float, start_factor: float) -> Bools:
    worths = _worths(view, worth)
    return _best_at(view, worths, np.full(len(worths), start_factor * view.start_price))[1]


def _worths(view: CarView, worth: float) -> Floats:
    """Return what a kWh could be worth to a car, around a first guess."""
    order = np.argsort(view.price[view.can], kind="stable")
    prices = view.price[view.can][order]
    picks = prices[np.linspace(0, len(prices) - 1, 9).astype(int)]
    # Without a price for starts the optimum is at the price of the last kWh.
    last = int(np.searchsorted(np.cumsum(view.high_kwh[view.can][order]), view.need_kwh))
    picks = np.concatenate([picks, prices[max(0, last - 1) : last + 2]])
    spread = max(abs(worth), float(np.abs(picks).mean()))
    near = worth + spread * np.array([-0.01, 0.0, 0.01, 0.03, 0.1])
    # A block pays for its start from a worth that grows as the block gets shorter.
    per_piece = view.start_price / max(float(view.high_kwh[view.can].mean()), 1e-9)
    for_starts = worth + per_piece * np.array([0.3, 0.6, 1.1, 2.2])
    worths: Floats = np.unique(np.concatenate([picks, near, for_starts]))
    return worths


def _best_at(view: CarView, worths: Floats, start_prices: Floats) -> tuple[Floats, Bools]:
    """Return for each pair of a worth and a price of a start the least sum, and its pattern."""
    gain = view.price[None, :] - worths[:, None]
    value = np.where(gain < 0, gain * view.high_kwh, gain * view.low_kwh)
    value += worths[:, None] * view.overhead_kw * view.hours
    value[:, ~view.can] = np.inf
    starts = np.where(view.is_free_start, 0.0, start_prices[:, None])
    return cheapest_patterns(value, starts, view.joined)


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """Patterns, what each costs without starts, how often it starts; the fewest starts proven."""

    patterns: Bools
    costs: Floats
    starts: Ints
    fewest: int


def swept(view: CarView, worth: float, start_prices: Sequence[float], most_cost: float) -> Swept:
    """Return patterns at many prices of a start, for a car on its own.

    By duality none starts less often than `fewest` that meets the need at `most_cost`.
    """
    each = [_worths(replace(view, start_price=price), worth) for price in start_prices]
    worths = np.concatenate(each)
    # Above the price of what stays unmet a worth would prove too much.
    worths = np.minimum(worths, view.unmet_price)
    prices = np.repeat(start_prices, [len(some) for some in each])
    least, found = _best_at(view, worths, prices)
    shrunk = [_shrunk(view, on) for on in distinct(found)]
    several = [found, *(on[None, :] for on in shrunk if on is not None)]
    patterns = distinct(
        np.concatenate([*several, *(block[None, :] for block in _single_blocks(view))])
    )
    costs = replace(view, start_price=0.0).costs(patterns)
    starts = count_starts(patterns, view.joined, view.is_free_start)
    proven = (worths * view.need_kwh + least - most_cost) / np.maximum(prices, 1e-12)
    return Swept(patterns, costs, starts, math.ceil(max(0.0, float(proven.max())) - 1e-6))


def _single_blocks(view: CarView) -> list[Bools]:
    """Return the best blocks without a break, at full power and, longer, at less."""
    blocks: list[Bools] = []
    breaks = np.concatenate([[0], np.cumsum(~view.can)])
    gaps = np.concatenate([[0], np.cumsum(~view.joined)])
    for part in (1.0, 0.7):
        high = np.where(view.can, np.maximum(view.high_kwh * part, view.low_kwh), 0.0)
        net = np.maximum(high - view.overhead_kw * view.hours, 0.0) * view.can
        energy = np.concatenate([[0.0], np.cumsum(net)])
        cost = np.concatenate([[0.0], np.cumsum(high * view.price)])
        first = np.flatnonzero(view.can)
        last = np.searchsorted(energy, energy[first] + view.need_kwh - ENERGY_EPSILON_KWH)
        fits = last <= len(view.can)
        first, last = first[fits], last[fits]
        whole = (breaks[last] == breaks[first]) & (gaps[last] == gaps[first + 1]) & (last > first)
        first, last = first[whole], last[whole]
        too_much = energy[last] - energy[first] - view.need_kwh
        block_cost = cost[last] - cost[first] - too_much * view.price[last - 1]
        for i in np.argsort(block_cost, kind="stable")[:6]:
            on = np.zeros(len(view.can), dtype=bool)
            on[first[i] : last[i]] = True
            blocks.append(on)
    return blocks
