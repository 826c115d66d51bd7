"""Cars that take less near full are offered less there, so that others have the room."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wattbus_scheduler.allocation import Allocation, needed_wh
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece, power_within_cap_w, with_car
from wattbus_scheduler.optimal.delivered import MARGIN, missing_wh, offered_for
from wattbus_scheduler.optimal.grid import Task
from wattbus_scheduler.optimal.power import Power, power_of
from wattbus_scheduler.optimal.taper import Filling, drawn
from wattbus_scheduler.optimal.usage import with_use
from wattbus_scheduler.selection import SHORTFALL_EPSILON_WH, Stretch
from wattbus_scheduler.situation import CarControl, Site, Situation


def with_offers(tasks: Sequence[Task], chosen: dict[str, list[Stretch]]) -> list[Task]:
    """Return the tasks with what each car will take at any time, if it charges as chosen.

    Needs are energy then, and what the car will leave of an offer within a piece of time.
    """
    return [
        _with_offers(task, chosen[task.car.station_id]) if _can_be_told(task) else task
        for task in tasks
    ]


def _can_be_told(task: Task) -> bool:
    return bool(task.car.taper) and task.car.control is not CarControl.SWITCH


def _with_offers(task: Task, chosen: Sequence[Stretch]) -> Task:
    if not chosen:
        return task
    power, filling, lost_wh = power_of(task.car), Filling(task.car), 0.0
    offers = [(-math.inf, _offer(power, filling.most_kw))]
    for stretch, is_fixed in _in_order(task, chosen):
        offer_kw = _offer(power, filling.most_kw)
        offers.append((stretch.start_s, offer_kw))
        offered_w = stretch.power_w if is_fixed else min(stretch.power_w, offer_kw * 1000)
        drawn_wh, used_h = filling.take(offered_w, _hours(stretch), math.inf)
        lost_wh += 0.0 if is_fixed else offered_w * used_h - drawn_wh
        offers.append((stretch.end_s, _offer(power, filling.most_kw)))
    lost_wh += offered_for(missing_wh(task, chosen), chosen[-1], chosen[-1].power_w)
    return replace(task, need_wh=task.net_wh + MARGIN * lost_wh, offers=tuple(offers))


def _in_order(task: Task, chosen: Sequence[Stretch]) -> Iterator[tuple[Stretch, bool]]:
    """Yield all stretches in order of time, and whether they are settled already."""
    both = [(stretch, True) for stretch in task.fixed] + [(stretch, False) for stretch in chosen]
    yield from sorted(both, key=lambda each: each[0].start_s)


def _hours(stretch: Stretch) -> float:
    return (stretch.end_s - stretch.start_s) / 3600


def _offer(power: Power, most_kw: float) -> float:
    """Return the least that the station can be told for the car to take all that it can."""
    if most_kw <= power.least:
        return power.least
    if power.step <= 0:
        return min(most_kw, power.most)
    steps = math.ceil((most_kw - power.least) / power.step - 1e-6)
    return min(power.least + steps * power.step, power.most)


def finished(situation: Situation, tasks: Sequence[Task], allocation: Allocation) -> Allocation:
    """Return the allocation with more for the cars that were offered too little, where it fits.

    Where there is room a car is also offered more than it is thought to take, as before its end:
    that costs nothing, and it may be emptier than foreseen.
    """
    if not any(task.offers for task in tasks):
        return allocation
    chosen = dict(allocation.chosen)
    pieces = with_use(situation, allocation)
    # What nobody needs is offered once all have what they need.
    for step in (_Finishing.finish, _Finishing.offer_freely):
        for task in tasks:
            name = task.car.station_id
            if task.offers and chosen[name]:
                finishing = _Finishing(situation.site, task, pieces, chosen[name])
                step(finishing)
                chosen[name], pieces = finishing.chosen, finishing.booked()
    return Allocation(allocation.pieces, allocation.urgent, chosen)


class _Finishing:
    """One car's stretches, and the pieces with what all others use in them."""

    def __init__(
        self, site: Site, task: Task, pieces: list[Piece], chosen: Sequence[Stretch]
    ) -> None:
        self.site, self.task, self.chosen = site, task, list(chosen)
        self._starts = [piece.start_s for piece in pieces]
        self.pieces = self._changed(pieces, -1.0)

    def finish(self) -> None:
        """Offer more power, then more time, the cheapest first, until the car has enough."""
        mine = sorted({self._at(stretch) for stretch in self.chosen}, key=self._rank)
        for at in mine:
            self._offer(at)
        for _ in self.pieces:
            used = {self._at(stretch) for stretch in self.chosen}
            free = [at for at in range(len(self.pieces)) if at not in used and self._can_use(at)]
            beside = [at for at in free if at - 1 in used or at + 1 in used]
            if not free or not self._is_short():
                break
            self._offer(min(beside or free, key=self._rank))

    def offer_freely(self) -> None:
        """Offer all that there is room for where the car is thought to take less than its offer."""
        filling = Filling(self.task.car)
        free: list[Stretch] = []
        for stretch, is_fixed in _in_order(self.task, self.chosen):
            at, most_w = self._at(stretch), stretch.power_w
            # What is offered beside a surplus counts as drawn from it.
            if filling.most_kw * 1000 <= stretch.power_w and self.pieces[at].surplus_w <= 0:
                most_w = max(most_w, self._room_w(at))
            filling.take(stretch.power_w, _hours(stretch), math.inf)
            if not is_fixed:
                free.append(replace(stretch, power_w=most_w))
        self.chosen = free

    def booked(self) -> list[Piece]:
        """Return the pieces with what the car uses now."""
        return self._changed(self.pieces, 1.0)

    def _is_short(self) -> bool:
        return missing_wh(self.task, self.chosen) > SHORTFALL_EPSILON_WH

    def _offer(self, at: int) -> None:
        """Offer all that there is room for in a piece, as long as the car has not enough."""
        piece, power_w = self.pieces[at], self._room_w(at)
        if power_w <= 0 or not self._is_short():
            return
        others = [stretch for stretch in self.chosen if self._at(stretch) != at]
        whole = Stretch(
            piece.start_s, piece.end_s, power_w, piece.price_per_kwh, piece.house_load_w,
            piece.slot_index,
        )  # fmt: skip
        self._replay([*others, whole])

    def _replay(self, chosen: Sequence[Stretch]) -> None:
        """Take over these stretches, with what the car draws in them until it has enough."""
        fixed_s = {stretch.start_s for stretch in self.task.fixed}
        every = [stretch for stretch, _ in _in_order(self.task, chosen)]
        taken = drawn(self.task.car, every, needed_wh(self.task.car))
        self.chosen = [stretch for stretch in taken if stretch.start_s not in fixed_s]

    def _room_w(self, at: int) -> float:
        return power_within_cap_w(self.site, self.task.car, self.pieces[at])

    def _can_use(self, at: int) -> bool:
        piece, (begin_s, end_s) = self.pieces[at], self.task.window
        is_inside = piece.start_s >= begin_s - TIME_EPSILON_S
        is_inside &= piece.end_s <= end_s + TIME_EPSILON_S
        for stretch in self.task.fixed:
            is_inside &= (
                piece.end_s <= stretch.start_s + TIME_EPSILON_S
                or piece.start_s >= stretch.end_s - TIME_EPSILON_S
            )
        return is_inside and self._room_w(at) > 0

    def _rank(self, at: int) -> tuple[float, int]:
        price = self.pieces[at].price_per_kwh
        return math.inf if price is None else price, at

    def _at(self, stretch: Stretch) -> int:
        return bisect_right(self._starts, stretch.start_s + TIME_EPSILON_S) - 1

    def _changed(self, pieces: list[Piece], times: float) -> list[Piece]:
        """Return pieces with the car's power in them added so many times."""
        changed = list(pieces)
        for stretch in self.chosen:
            at = self._at(stretch)
            used_w = with_car(changed[at].used_w, self.task.car, times * stretch.power_w)
            changed[at] = replace(changed[at], used_w=used_w)
        return changed
