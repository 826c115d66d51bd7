"""Plans cars that know one power only: whole pieces, and the rest of the need as part of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from wattbus_scheduler.headroom import Piece, book
from wattbus_scheduler.optimal.grid import Task
from wattbus_scheduler.optimal.patterns import CarView, candidates, view_of
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.selection import Stretch

MOST_IN_EVERY_ORDER = 4
MOST_PATTERNS = 40
UNMET_FACTOR = 10.0
SLIVER_KWH = 1e-6

ProblemOf = Callable[[Sequence[Piece], Sequence[Task]], Problem]
"""Makes the arrays for tasks on pieces."""


@dataclass(frozen=True, slots=True)
class Booked:
    """Rigid cars' stretches by task number, the pieces with them promised, and what it all costs.

    `cost` counts energy, starts and unmet energy at the problem's prices.
    """

    stretches: dict[int, list[Stretch]]
    pieces: list[Piece]
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What holds for all rigid cars: the tasks, prices, and how to make arrays for pieces.

    `extra_price[n, slot]` is what room in a slot is worth to all other cars, by the relaxed
    answer, so that these here leave it where it is dear.
    """

    tasks: Sequence[Task]
    extra_price: Floats
    start_price: float
    problem_for: ProblemOf


def book_rigid(terms: Terms, rigid: Sequence[int], pieces: list[Piece]) -> Booked:
    """Return the cars of `rigid` (numbers of tasks) planned one after the other.

    Few cars are tried in every order.
    """
    orders = list(permutations(rigid)) if len(rigid) <= MOST_IN_EVERY_ORDER else [tuple(rigid)]
    found: list[Booked] = []
    for order in orders:
        booked = Booked({}, pieces, 0.0)
        for number in order:
            booked = _with(booked, terms, number)
        found.append(booked)
    return min(found, key=lambda booked: round(booked.cost, 9))


def _with(booked: Booked, terms: Terms, number: int) -> Booked:
    """Return the booking with one car more."""
    task = terms.tasks[number]
    problem = terms.problem_for(booked.pieces, [task])
    slots = np.array([piece.slot_index for piece in booked.pieces])
    gain = np.maximum(0.0, problem.surplus_gain)
    surplus_kw = problem.surplus_kwh / problem.hours
    best_cost, best, powers_kw = np.inf, np.zeros(len(slots)), problem.min_kw[0]
    # Of several powers the least is gentle, and the highest takes the least of a dear time.
    for power_kw in (problem.min_kw[0], problem.max_kw[0]):
        # Only pieces that have room for the power are usable at all.
        room = np.where(problem.is_usable[0], power_kw, 0.0)
        from_roof = np.minimum(1.0, surplus_kw / np.maximum(power_kw, 1e-9))
        price = problem.price - gain * from_roof + terms.extra_price[number, slots]
        cost, share = _cheapest(view_of(problem, 0, price, room, float(problem.need_kwh[0])), terms)
        if cost < best_cost - 1e-9:
            best_cost, best, powers_kw = cost, share, power_kw
        if not (room < problem.max_kw[0]).any():
            break
    stretches = _stretches(booked.pieces, best, powers_kw * 1000)
    left = booked.pieces
    for stretch in stretches:
        left = book(left, task.car, stretch.start_s, stretch.end_s, stretch.power_w)
    return Booked({**booked.stretches, number: stretches}, left, booked.cost + best_cost)


def _cheapest(seen: CarView, terms: Terms) -> tuple[float, Floats]:
    """Return the least cost of a car at the most that it sees, and the part of each piece."""
    view = replace(
        seen,
        low_kwh=seen.high_kwh,
        start_price=terms.start_price,
        # Room that all want is priced as unmet energy is: somebody still has to take it.
        unmet_price=UNMET_FACTOR * seen.unmet_price,
    )
    best_cost, best = float(view.need_kwh * view.unmet_price), np.zeros(len(view.can))
    for on in _wide_enough(view):
        for share in (_trimmed_at_ends(view, on), _trimmed_where_dear(view, on)):
            cost = _cost(view, share)
            if cost < best_cost - 1e-9:
                best_cost, best = cost, share
    return best_cost, best


def _wide_enough(view: CarView) -> list[Bools]:
    """Return patterns that hold the need, or all that can be had if nothing does."""
    everything = view.can.copy()
    if not everything.any():
        return []
    # `candidates` ranks by a fill between least and most; here both are the same.
    lowest = replace(view, low_kwh=np.zeros_like(view.low_kwh))
    prices = np.sort(view.price[view.can])
    per_piece = float(view.high_kwh[view.can].mean())
    marginal = min(int(view.need_kwh / max(per_piece, 1e-9)), len(prices) - 1)
    found = candidates(lowest, float(prices[marginal]), MOST_PATTERNS)
    net = view.high_kwh - view.overhead_kw * view.hours
    found = [on for on in found if float(net[on].sum()) >= view.need_kwh - SLIVER_KWH]
    ranked = np.flatnonzero(view.can)[np.argsort(view.price[view.can], kind="stable")]
    filled = np.cumsum(net[ranked]) - net[ranked]
    cheapest = np.zeros_like(everything)
    cheapest[ranked[filled < view.need_kwh - SLIVER_KWH]] = True
    return [*found, cheapest, everything]


def _trimmed_at_ends(view: CarView, on: Bools) -> Floats:
    """Return the part of each piece that is used: what is too much is cut off at blocks' ends.

    Negative parts are used from the back: the piece is the first of a block.
    """
    share = on.astype(float)
    net = view.high_kwh - view.overhead_kw * view.hours
    excess = float(net[on].sum()) - view.need_kwh
    active = on.copy()
    while excess > SLIVER_KWH:
        first, last = _ends(active, view.joined)
        ends = np.flatnonzero(first | last)
        at = int(ends[np.argmax(view.price[ends] + 1e-9 * np.arange(len(ends)))])
        if net[at] <= excess + SLIVER_KWH:
            active[at], share[at] = False, 0.0
            excess -= float(net[at])
            continue
        kept = 1 - excess / float(net[at])
        share[at] = -kept if first[at] and not last[at] else kept
        break
    return share


def _trimmed_where_dear(view: CarView, on: Bools) -> Floats:
    """Return the part of each piece that is used: the dearest pieces go first, wherever."""
    share = on.astype(float)
    net = view.high_kwh - view.overhead_kw * view.hours
    excess = float(net[on].sum()) - view.need_kwh
    for at in np.flatnonzero(on)[np.argsort(-view.price[on], kind="stable")]:
        if excess <= SLIVER_KWH:
            break
        cut = min(excess, float(net[at]))
        share[at] = 1 - cut / float(net[at]) if cut < net[at] - SLIVER_KWH else 0.0
        excess -= cut
    used = share > 0
    first, last = _ends(used, view.joined)
    from_back = used & (share < 1) & first & ~last
    trimmed: Floats = np.where(from_back, -share, share)
    return trimmed


def _ends(on: Bools, joined: Bools) -> tuple[Bools, Bools]:
    before, after = np.zeros_like(on), np.zeros_like(on)
    before[1:] = on[:-1] & joined[1:]
    after[:-1] = on[1:] & joined[1:]
    return on & ~before, on & ~after


def _cost(view: CarView, share: Floats) -> float:
    used = np.abs(share)
    on = used > 0
    net = (view.high_kwh - view.overhead_kw * view.hours) * used
    unmet = max(0.0, view.need_kwh - float(net.sum()))
    unmet = unmet if unmet > SLIVER_KWH else 0.0
    # A part in the middle of a block breaks it: it runs from its start, the rest comes later.
    first, last = _ends(on, view.joined)
    broken = int((on & (used < 1) & ~first & ~last).sum())
    starts = view.starts(on) + broken
    energy_cost = float((view.price * view.high_kwh * used).sum())
    return energy_cost + view.start_price * starts + view.unmet_price * unmet


def _stretches(pieces: Sequence[Piece], share: Floats, powers_w: Floats) -> list[Stretch]:
    stretches = []
    for piece, part, power_w in zip(pieces, share, powers_w.tolist(), strict=True):
        if part == 0:
            continue
        used_s = abs(part) * piece.duration_s
        start_s = piece.start_s if part > 0 else piece.end_s - used_s
        end_s = piece.start_s + used_s if part > 0 else piece.end_s
        stretches.append(
            Stretch(
                start_s,
                end_s,
                power_w,
                piece.price_per_kwh,
                piece.house_load_w,
                piece.slot_index,
            )
        )
    return stretches
