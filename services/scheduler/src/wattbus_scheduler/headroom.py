"""What the fuse leaves for a car in every stretch of time, and what is already promised."""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from wattbus_scheduler.situation import Car, CarControl, Site, Situation

TIME_EPSILON_S = 1e-4
"""Instants closer than this are the same: a microsecond is the finest that a datetime holds."""

POWER_EPSILON_W = 1e-6


@dataclass(frozen=True, slots=True)
class Piece:
    """A slot, or a part of one, in which price, house load and promised power do not change.

    Times are POSIX seconds. `used_w` is what cars already take, one figure a phase. `surplus_w` is
    own production that the house leaves over; selling it brings `feed_in_price_per_kwh`.
    """

    slot_index: int
    start_s: float
    end_s: float
    price_per_kwh: float | None
    house_load_w: float
    used_w: tuple[float, ...]
    surplus_w: float = 0.0
    feed_in_price_per_kwh: float = 0.0

    def price_for(self, power_w: float) -> float | None:
        """Return what a kWh costs one more car at this power; None where no price is known.

        Production that nobody else takes costs what selling it would have brought.
        """
        price = self.price_per_kwh
        free_w = self.surplus_w - sum(self.used_w)
        if price is None or free_w <= 0 or power_w <= 0:
            return price
        gain = max(0.0, price - self.feed_in_price_per_kwh)
        return price - min(1.0, free_w / power_w) * gain

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def pieces_from(situation: Situation, now: datetime) -> list[Piece]:
    """Return the slots from `now` on, the started one cut, with nothing promised yet."""
    now_s = now.timestamp()
    unused = (0.0,) * situation.site.phases
    pieces = []
    for index, slot in enumerate(situation.slots):
        start_s = max(now_s, slot.start_at.timestamp())
        end_s = slot.start_at.timestamp() + slot.duration_s
        if end_s - start_s > TIME_EPSILON_S:
            pieces.append(
                Piece(
                    index, start_s, end_s, slot.price_per_kwh, slot.house_load_w, unused,
                    slot.surplus_w, slot.feed_in_price_per_kwh,
                )
            )  # fmt: skip
    return pieces


def offered_power_w(site: Site, car: Car, house_load_w: float, used_w: tuple[float, ...]) -> float:
    """Return the highest power in W that the car may take beside house and other cars, or 0.

    A switched car takes all or nothing; one with a current takes its minimum plus whole steps.
    """
    free_w = math.inf
    if site.max_power_w is not None:
        free_w = site.max_power_w - house_load_w - sum(used_w)
    if site.fuse_current_a is not None:
        most_used_w = max(used_w[phase - 1] for phase in car.phases)
        phase_w = site.fuse_current_a * site.voltage_v - house_load_w / site.phases - most_used_w
        free_w = min(free_w, phase_w * len(car.phases))
    if car.control is CarControl.SWITCH:
        return car.max_power_w if free_w >= car.max_power_w - POWER_EPSILON_W else 0.0
    return _stepped_power_w(car, free_w)


def power_within_cap_w(site: Site, car: Car, piece: Piece) -> float:
    """Return the highest power in W that fuse and price cap leave the car beside others, or 0.

    Above its cap a car buys nothing, but may take what the roof leaves over: that costs what
    selling it would have brought.
    """
    power_w = offered_power_w(site, car, piece.house_load_w, piece.used_w)
    if not is_above_cap(car, piece.price_per_kwh):
        return power_w
    free_w = piece.surplus_w - sum(piece.used_w)
    if free_w <= 0 or is_above_cap(car, piece.feed_in_price_per_kwh):
        return 0.0
    most_w = min(power_w, free_w)
    if car.control is CarControl.SWITCH:
        return power_w if power_w <= free_w + POWER_EPSILON_W else 0.0
    return _stepped_power_w(car, most_w)


def is_above_cap(car: Car, price_per_kwh: float | None) -> bool:
    """Tell whether a price is more than a person wants to pay for this car."""
    cap = car.price_cap_per_kwh
    return cap is not None and price_per_kwh is not None and price_per_kwh > cap


def _stepped_power_w(car: Car, free_w: float) -> float:
    watts_per_ampere = car.voltage_v * len(car.phases)
    wanted_a = min(car.max_current_a, free_w / watts_per_ampere)
    if wanted_a < car.min_current_a - 1e-9:
        return 0.0
    if car.current_step_a <= 0:
        return min(wanted_a * watts_per_ampere, car.max_power_w)
    steps = math.floor((wanted_a - car.min_current_a) / car.current_step_a + 1e-9)
    current_a = car.min_current_a + steps * car.current_step_a
    return min(current_a * watts_per_ampere, car.max_power_w)


def book(
    pieces: list[Piece], car: Car, start_s: float, end_s: float, power_w: float
) -> list[Piece]:
    """Return the pieces with `power_w` promised to the car from `start_s` to `end_s`."""
    booked: list[Piece] = []
    for piece in pieces:
        from_s, to_s = max(piece.start_s, start_s), min(piece.end_s, end_s)
        if to_s - from_s <= TIME_EPSILON_S:
            booked.append(piece)
            continue
        if from_s - piece.start_s > TIME_EPSILON_S:
            booked.append(replace(piece, end_s=from_s))
        else:
            from_s = piece.start_s
        if piece.end_s - to_s <= TIME_EPSILON_S:
            to_s = piece.end_s
        used_w = with_car(piece.used_w, car, power_w)
        booked.append(replace(piece, start_s=from_s, end_s=to_s, used_w=used_w))
        if to_s < piece.end_s:
            booked.append(replace(piece, start_s=to_s))
    return booked


def with_car(used_w: tuple[float, ...], car: Car, power_w: float) -> tuple[float, ...]:
    """Return the power used on each phase once the car takes `power_w`, spread evenly."""
    share_w = power_w / len(car.phases)
    return tuple(
        used + share_w if phase in car.phases else used for phase, used in enumerate(used_w, 1)
    )
