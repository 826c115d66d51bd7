"""Shares the fuse's headroom among the cars: the urgent ones first, then car by car as picked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, permutations
from math import inf

from wattbus_scheduler.headroom import (
    TIME_EPSILON_S,
    Piece,
    book,
    offered_power_w,
    pieces_from,
    power_within_cap_w,
)
from wattbus_scheduler.selection import ENERGY_EPSILON_WH, Key, Stretch, earliest, energy_of
from wattbus_scheduler.situation import Car, CarMode, Situation

Pick = Callable[[Sequence[Stretch], float, Sequence[tuple[float, float]]], list[Stretch]]
"""From candidates in order of time, Wh needed and fixed charging: what the car takes."""

MOST_CARS_IN_EVERY_ORDER = 4
MOST_ORDERS = 24


@dataclass(frozen=True, slots=True)
class Picker:
    """How a strategy chooses. `badness` weighs what is taken, to compare orders of the cars.

    Without `badness` the cars' order is never varied: such a strategy does not optimise.
    """

    pick: Pick
    honours_departure: bool
    badness: Key | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who charges when: `urgent` stretches by need, `chosen` ones by strategy, per station."""

    pieces: list[Piece]
    urgent: dict[str, list[Stretch]]
    chosen: dict[str, list[Stretch]]

    def stretches(self, car: Car) -> list[Stretch]:
        """Return all stretches of a car in order of time."""
        both = [*self.urgent[car.station_id], *self.chosen[car.station_id]]
        return sorted(both, key=lambda stretch: stretch.start_s)


def window_of(car: Car, now: datetime) -> tuple[float, float] | None:
    """Return from when to when (POSIX seconds) the car can charge, or None if it cannot.

    A departure that has passed with the car still there binds no longer.
    """
    if car.mode is CarMode.OFF:
        return None
    if car.is_plugged_in:
        start_s = now.timestamp()
    elif car.arrival_at is not None and car.arrival_at > now:
        start_s = car.arrival_at.timestamp()
    else:
        return None
    end_s = car.departure_at.timestamp() if car.departure_at is not None else inf
    return start_s, (end_s if end_s > start_s else inf)


def is_overdue(car: Car, now: datetime) -> bool:
    """Tell whether the car should have left already and is still plugged in."""
    return car.is_plugged_in and car.departure_at is not None and car.departure_at <= now


def needed_wh(car: Car) -> float:
    """Return the grid energy in Wh to plan: up to the target, plus the reserve where it fits."""
    to_target_wh = car.grid_energy_to_wh(car.target_soc_percent)
    if to_target_wh <= ENERGY_EPSILON_WH:
        return 0.0
    most_wh = car.grid_energy_to_wh(100.0)
    return min(to_target_wh + car.reserve_wh / car.efficiency, max(most_wh, to_target_wh))


def allocate(situation: Situation, now: datetime, picker: Picker) -> Allocation:
    """Give every car its stretches, so that no fuse is exceeded at any time.

    First what cannot wait (mode `now`, minimum state of charge, departure passed), then the cars
    in the order of their slack; where they hinder each other and the strategy optimises, other
    orders are tried and the best one (least missing, then least badness) is kept.
    """
    task = _Task(situation, now, picker)
    cars = sorted(situation.cars, key=lambda car: (_slack_s(car, now), car.station_id))
    urgent = task.allocate_urgent(sorted(cars, key=lambda car: car.mode is not CarMode.NOW))
    smart = [car for car in cars if _rest_wh(car, urgent) > ENERGY_EPSILON_WH]
    best = task.allocate_rest(urgent, smart)
    if picker.badness is None or len(smart) < 2:
        return best
    best_score = _score(best, smart, picker.badness)
    if _score(_unhindered(task, urgent, smart), smart, picker.badness) >= best_score:
        return best
    for order in islice(_other_orders(smart), MOST_ORDERS):
        tried = task.allocate_rest(urgent, order)
        score = _score(tried, smart, picker.badness)
        if score < best_score:
            best, best_score = tried, score
    return best


@dataclass(frozen=True, slots=True)
class _Task:
    situation: Situation
    now: datetime
    picker: Picker

    def allocate_urgent(self, cars: Sequence[Car]) -> Allocation:
        """Serve the cars in the given order with what they need at once."""
        pieces = pieces_from(self.situation, self.now)
        urgent: dict[str, list[Stretch]] = {}
        for car in cars:
            candidates = self._candidates(car, pieces, (), is_capped=False)
            taken = _joined(earliest(candidates, self._urgent_wh(car)))
            urgent[car.station_id] = taken
            pieces = _book_all(pieces, car, taken)
        return Allocation(pieces, urgent, {car.station_id: [] for car in cars})

    def allocate_rest(self, urgent: Allocation, order: Sequence[Car]) -> Allocation:
        """Serve the cars in the given order with the rest, as the strategy picks."""
        pieces, chosen = urgent.pieces, dict(urgent.chosen)
        for car in order:
            mine = urgent.urgent[car.station_id]
            candidates = self._candidates(car, pieces, mine, is_capped=True)
            touching = [(stretch.start_s, stretch.end_s) for stretch in mine]
            if car.is_charging:
                touching.append((self.now.timestamp(), self.now.timestamp()))
            taken = _joined(self.picker.pick(candidates, _rest_wh(car, urgent), touching))
            chosen[car.station_id] = taken
            pieces = _book_all(pieces, car, taken)
        return Allocation(pieces, urgent.urgent, chosen)

    def _urgent_wh(self, car: Car) -> float:
        is_late = self.picker.honours_departure and is_overdue(car, self.now)
        if car.mode is CarMode.NOW or is_late:
            return car.grid_energy_to_wh(car.target_soc_percent)
        return car.grid_energy_to_wh(min(car.min_soc_percent, car.target_soc_percent))

    def _candidates(
        self, car: Car, pieces: list[Piece], taken: Sequence[Stretch], *, is_capped: bool
    ) -> list[Stretch]:
        """Return where the car may still charge, in order of time, at the highest power offered."""
        window = window_of(car, self.now)
        if window is None:
            return []
        found = []
        for piece in pieces:
            start_s, end_s = max(piece.start_s, window[0]), min(piece.end_s, window[1])
            site, load_w = self.situation.site, piece.house_load_w
            if end_s - start_s <= TIME_EPSILON_S:
                continue
            if any(_overlap_s(part, start_s, end_s) > TIME_EPSILON_S for part in taken):
                continue
            power_w = (
                power_within_cap_w(site, car, piece)
                if is_capped
                else offered_power_w(site, car, load_w, piece.used_w)
            )
            if power_w > 0:
                own_price = piece.price_for(power_w)
                found.append(Stretch(start_s, end_s, power_w, own_price, load_w, piece.slot_index))
        return found


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Join what other cars' charging has cut, within a slot."""
    joined: list[Stretch] = []
    for stretch in stretches:
        last = joined[-1] if joined else None
        if (
            last is not None
            and (last.slot_index, last.power_w) == (stretch.slot_index, stretch.power_w)
            and last.price_per_kwh == stretch.price_per_kwh
            and abs(stretch.start_s - last.end_s) <= TIME_EPSILON_S
        ):
            joined[-1] = replace(last, end_s=stretch.end_s)
        else:
            joined.append(stretch)
    return joined


def _slack_s(car: Car, now: datetime) -> float:
    window = window_of(car, now)
    if window is None:
        return inf
    return window[1] - window[0] - needed_wh(car) / car.max_power_w * 3600


def _rest_wh(car: Car, urgent: Allocation) -> float:
    if car.mode is not CarMode.SMART:
        return 0.0
    return needed_wh(car) - energy_of(urgent.urgent[car.station_id])


def _overlap_s(part: Stretch, start_s: float, end_s: float) -> float:
    return min(part.end_s, end_s) - max(part.start_s, start_s)


def _book_all(pieces: list[Piece], car: Car, stretches: Sequence[Stretch]) -> list[Piece]:
    for stretch in stretches:
        pieces = book(pieces, car, stretch.start_s, stretch.end_s, stretch.power_w)
    return pieces


def _score(allocation: Allocation, cars: Sequence[Car], badness: Key) -> tuple[float, float]:
    """Return (missing Wh, summed badness): the lower, the better."""
    missing_wh = badness_sum = 0.0
    for car in cars:
        stretches = allocation.chosen[car.station_id]
        missing_wh += max(0.0, _rest_wh(car, allocation) - energy_of(stretches))
        badness_sum += sum(badness(stretch) * stretch.energy_wh for stretch in stretches)
    return round(missing_wh, 1), round(badness_sum, 3)


def _unhindered(task: _Task, urgent: Allocation, cars: Sequence[Car]) -> Allocation:
    """Return what each car would get if it were alone: no order can do better."""
    chosen = {
        car.station_id: task.allocate_rest(urgent, (car,)).chosen[car.station_id] for car in cars
    }
    return Allocation(urgent.pieces, urgent.urgent, chosen)


def _other_orders(cars: list[Car]) -> Iterator[tuple[Car, ...]]:
    """Yield every other order of few cars; of many, each car moved to the front once."""
    if len(cars) <= MOST_CARS_IN_EVERY_ORDER:
        yield from list(permutations(cars))[1:]
        return
    for index in range(1, len(cars)):
        yield (cars[index], *cars[:index], *cars[index + 1 :])
