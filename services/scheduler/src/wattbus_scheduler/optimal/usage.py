"""What all cars use in each piece of time, and what a kWh costs there."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattbus_scheduler.allocation import Allocation
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece, offered_power_w
from wattbus_scheduler.optimal.explain import Ranked
from wattbus_scheduler.optimal.problem import Floats
from wattbus_scheduler.selection import Stretch
from wattbus_scheduler.situation import Car, Situation


@dataclass(frozen=True, slots=True)
class Usage:
    """The pieces with what all cars use, and what a mean kWh drawn in each costs.

    `from_roof` is the part of it that the surplus covers. `whole` are (piece, start, end) of all
    pieces; `has_gaps` tells if there is time between them.
    """

    pieces: Sequence[Piece]
    prices: Ranked
    paid_per_kwh: list[float | None]
    from_roof: list[float]
    begins: list[float]
    ends: list[float]
    whole: list[tuple[int, float, float]]
    has_gaps: bool

    def offered_w(self, situation: Situation, car: Car) -> Floats:
        """Return what a car could draw in each piece if it were alone; the same for its kind."""
        alone = (0.0,) * situation.site.phases
        return np.array(
            [
                offered_power_w(situation.site, car, piece.house_load_w, alone)
                for piece in self.pieces
            ]
        )

    def at(self, stretch: Stretch) -> int:
        """Return the number of the piece in which a stretch begins."""
        return bisect_right(self.begins, stretch.start_s + TIME_EPSILON_S) - 1

    def alone(self, offered_w: Floats) -> Ranked:
        """Return what a kWh costs in each piece at a power, if nobody else takes the surplus."""
        if not any(piece.surplus_w > 0 for piece in self.pieces):
            return self.prices
        unused = [replace(piece, used_w=()) for piece in self.pieces]
        prices = [
            piece.price_for(power_w) for piece, power_w in zip(unused, offered_w, strict=True)
        ]
        return Ranked(np.array([np.nan if price is None else price for price in prices]))


def usage_of(situation: Situation, allocation: Allocation) -> Usage:
    """Return what all cars use together."""
    pieces = with_use(situation, allocation)
    begins, ends = [piece.start_s for piece in pieces], [piece.end_s for piece in pieces]
    from_roof = [_from_roof(piece) for piece in pieces]
    return Usage(
        pieces,
        Ranked(np.array([np.nan if p.price_per_kwh is None else p.price_per_kwh for p in pieces])),
        [_paid(piece, part) for piece, part in zip(pieces, from_roof, strict=True)],
        from_roof,
        begins,
        ends,
        list(zip(range(len(pieces)), begins, ends, strict=True)),
        any(b > e + TIME_EPSILON_S for b, e in zip(begins[1:], ends[:-1], strict=True)),
    )


def with_use(situation: Situation, allocation: Allocation) -> list[Piece]:
    """Return the pieces with the power of all cars in them."""
    pieces = allocation.pieces
    starts = [piece.start_s for piece in pieces]
    used_w = [[0.0] * situation.site.phases for _ in pieces]
    for car in situation.cars:
        for stretch in allocation.stretches(car):
            first = bisect_right(starts, stretch.start_s + TIME_EPSILON_S) - 1
            last = bisect_left(starts, stretch.end_s - TIME_EPSILON_S)
            share_w = stretch.power_w / len(car.phases)
            for used in used_w[first:last]:
                for phase in car.phases:
                    used[phase - 1] += share_w
    return [replace(piece, used_w=tuple(used)) for piece, used in zip(pieces, used_w, strict=True)]


def _from_roof(piece: Piece) -> float:
    """Return the part of what is drawn that the surplus covers, if that is cheaper."""
    drawn_w = sum(piece.used_w)
    if piece.surplus_w <= 0 or drawn_w <= 0 or piece.price_per_kwh is None:
        return 0.0
    is_cheaper = piece.feed_in_price_per_kwh < piece.price_per_kwh
    return min(1.0, piece.surplus_w / drawn_w) if is_cheaper else 0.0


def _paid(piece: Piece, from_roof: float) -> float | None:
    if piece.price_per_kwh is None:
        return None
    return piece.price_per_kwh - from_roof * (piece.price_per_kwh - piece.feed_in_price_per_kwh)


def kind_of(car: Car) -> tuple[object, ...]:
    """Return all that tells what a car could draw if it were alone."""
    return (
        car.control, car.phases, car.voltage_v, car.min_current_a, car.max_current_a,
        car.current_step_a, car.max_power_w,
    )  # fmt: skip
