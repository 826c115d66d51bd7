"""Puts a joint schedule into a plan: every car's slots with limit, cost and reason."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import inf

import numpy as np

from wattbus_scheduler.allocation import window_of
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece, offered_power_w
from wattbus_scheduler.optimal.explain import (
    NO_OTHER,
    Alternatives,
    Ranked,
    alternatives,
    counting,
    why_calm,
    why_charging,
    why_waiting,
)
from wattbus_scheduler.optimal.problem import Floats
from wattbus_scheduler.optimal.schedule import Schedule, Wishes, schedule
from wattbus_scheduler.optimal.taper import Filling
from wattbus_scheduler.outlook import Outlook, blocks_of, instant
from wattbus_scheduler.plan import Plan, PlannedSlot, Reason, ReasonCode, StationPlan
from wattbus_scheduler.reasons import why_not, why_urgent
from wattbus_scheduler.selection import (
    ENERGY_EPSILON_WH,
    SHORTFALL_EPSILON_WH,
    Stretch,
    energy_of,
)
from wattbus_scheduler.situation import Car, Situation
from wattbus_scheduler.strategies.settings import StrategySettings

SAME_ALL_ALONG = frozenset(
    {
        ReasonCode.MODE_OFF,
        ReasonCode.MAX_CURRENT,
        ReasonCode.NOT_PLUGGED_IN,
        ReasonCode.NOT_ARRIVED,
        ReasonCode.DEPARTED,
        ReasonCode.TARGET_REACHED,
    }
)
"""Reasons that hold, once they do, until the car's own state changes."""


def plan_jointly(situation: Situation, now: datetime, settings: StrategySettings) -> Plan:
    """Return the joint plan of all cars; see `strategies.optimal`."""
    wishes = Wishes(
        settings.start_price,
        settings.calm_share,
        settings.replan_saving,
        settings.time_limit_s,
        settings.power_change_price_per_kw,
    )
    found = schedule(situation, now, wishes)
    grid = _grid(_with_use(situation, found))
    outlooks = [_outlook(situation, now, found, grid, car) for car in situation.cars]
    others = _alternatives(situation, outlooks, grid)
    charging = sum(bool(outlook.stretches) for outlook in outlooks)
    stations = tuple(
        _station(outlook, found, grid, replace(other, counting=counting(outlook, charging)))
        for outlook, other in zip(outlooks, others, strict=True)
    )
    cost = sum(station.expected_cost for station in stations)
    return Plan(now, "optimal", stations, float(cost - found.gap))


@dataclass(frozen=True, slots=True)
class _Grid:
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
    offers: dict[object, Floats]

    def offered_w(self, situation: Situation, car: Car) -> Floats:
        """Return what a car could draw in each piece if it were alone; the same for its like."""
        kind = (
            car.control, car.phases, car.voltage_v, car.min_current_a, car.max_current_a,
            car.current_step_a, car.max_power_w,
        )  # fmt: skip
        if kind not in self.offers:
            alone = (0.0,) * situation.site.phases
            self.offers[kind] = np.array(
                [
                    offered_power_w(situation.site, car, piece.house_load_w, alone)
                    for piece in self.pieces
                ]
            )
        return self.offers[kind]

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


def _grid(pieces: Sequence[Piece]) -> _Grid:
    begins, ends = [piece.start_s for piece in pieces], [piece.end_s for piece in pieces]
    from_roof = [_from_roof(piece) for piece in pieces]
    return _Grid(
        pieces,
        Ranked(np.array([np.nan if p.price_per_kwh is None else p.price_per_kwh for p in pieces])),
        [_paid(piece, part) for piece, part in zip(pieces, from_roof, strict=True)],
        from_roof,
        begins,
        ends,
        list(zip(range(len(pieces)), begins, ends, strict=True)),
        any(b > e + TIME_EPSILON_S for b, e in zip(begins[1:], ends[:-1], strict=True)),
        {},
    )


@dataclass(slots=True)
class _Run:
    """Waiting for one reason, over as many pieces as it holds."""

    start_s: float
    end_s: float
    reason: Reason


class _Slots:
    """A station's slots so far; waiting goes on in one slot as long as its reason is the same."""

    def __init__(self) -> None:
        self.slots: list[PlannedSlot] = []
        self.run: _Run | None = None

    def charge(self, slot: PlannedSlot) -> None:
        """Add a slot of charging."""
        self.finished()
        self.slots.append(slot)

    def wait(self, start_s: float, end_s: float, reason: Reason) -> None:
        """Add a time of waiting."""
        run = self.run
        if run is not None and run.reason == reason and run.end_s > start_s - TIME_EPSILON_S:
            run.end_s = end_s
            return
        self.finished()
        self.run = _Run(start_s, end_s, reason)

    def finished(self) -> tuple[PlannedSlot, ...]:
        """Return all slots, the running one included."""
        if self.run is not None:
            self.slots.append(_waiting_slot(self.run))
            self.run = None
        return tuple(self.slots)


def _with_use(situation: Situation, found: Schedule) -> list[Piece]:
    """Return the pieces with the power of all cars in them."""
    pieces = found.allocation.pieces
    starts = [piece.start_s for piece in pieces]
    used_w = [[0.0] * situation.site.phases for _ in pieces]
    for car in situation.cars:
        for stretch in found.allocation.stretches(car):
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


def _outlook(
    situation: Situation, now: datetime, found: Schedule, grid: _Grid, car: Car
) -> Outlook:
    """Return a car's stretches at what a kWh costs there, be it bought or from the roof."""
    stretches = found.allocation.stretches(car)
    if any(grid.from_roof):
        stretches = [replace(s, price_per_kwh=grid.paid_per_kwh[grid.at(s)]) for s in stretches]
    return Outlook(situation.site, car, now, stretches, blocks_of(stretches))


def _station(outlook: Outlook, found: Schedule, grid: _Grid, other: Alternatives) -> StationPlan:
    car, stretches = outlook.car, outlook.stretches
    urgent = {stretch.start_s for stretch in found.allocation.urgent[car.station_id]}
    window = window_of(car, outlook.now)
    gone_s = window[1] if window is not None else -inf
    slots = _Slots()
    following = iter([*stretches, None])
    charging = next(following)
    lasting: Reason | None = None
    filling = Filling(car) if car.taper else None
    parts = _parts(grid, stretches, window)
    begins_s = [start_s for _, start_s, _ in parts]
    at = 0
    while at < len(parts):
        number, start_s, end_s = parts[at]
        at += 1
        piece = grid.pieces[number]
        while charging is not None and charging.end_s <= start_s + TIME_EPSILON_S:
            charging, lasting = next(following), None
        if charging is not None and charging.start_s <= start_s + TIME_EPSILON_S:
            reason = (
                why_urgent(outlook)
                if charging.start_s in urgent
                else why_charging(outlook, charging, other, grid.from_roof[number])
            )
            part = charging
            if (start_s, end_s) != (charging.start_s, charging.end_s):
                part = replace(charging, start_s=start_s, end_s=end_s)
            if filling is not None:
                energy_wh, hours = filling.take(part.power_w, (end_s - start_s) / 3600, inf)
                part = replace(part, drawn_w=energy_wh / hours if hours > 0 else 0.0)
            slots.charge(_charging(part, grid.paid_per_kwh[number], reason))
            continue
        is_gone = start_s >= gone_s - TIME_EPSILON_S
        if lasting is None or (is_gone and lasting.code is not ReasonCode.DEPARTED):
            price = None if lasting is not None else piece.price_for(car.max_power_w)
            part = Stretch(start_s, end_s, 0.0, price, piece.house_load_w, piece.slot_index)
            reason = _waiting(outlook, part, piece, other)
            lasting = reason if found.is_late or reason.code in SAME_ALL_ALONG else None
        else:
            reason = lasting
        if lasting is not None and not grid.has_gaps:
            # The reason holds until something happens: all that lies before is one slot.
            until_s = min(
                charging.start_s if charging is not None else inf,
                window[0] if window and reason.code is ReasonCode.NOT_ARRIVED else inf,
                inf if is_gone else gone_s,
            )
            at = max(at, bisect_left(begins_s, until_s - TIME_EPSILON_S, at))
            end_s = parts[at - 1][2]
        if reason.code is ReasonCode.NOT_ARRIVED:
            lasting = None
        slots.wait(start_s, end_s, reason)
    return _summed(slots.finished(), outlook)


def _parts(
    grid: _Grid, stretches: Sequence[Stretch], window: tuple[float, float] | None
) -> list[tuple[int, float, float]]:
    """Return (piece, start, end) of all pieces, cut where the car's own state changes."""
    cuts = sorted({edge for s in stretches for edge in (s.start_s, s.end_s)} | set(window or ()))
    inside: dict[int, list[float]] = {}
    for cut in cuts:
        at = bisect_right(grid.begins, cut - TIME_EPSILON_S) - 1
        if at >= 0 and grid.begins[at] + TIME_EPSILON_S < cut < grid.ends[at] - TIME_EPSILON_S:
            edges = inside.setdefault(at, [grid.begins[at]])
            if cut > edges[-1] + TIME_EPSILON_S:
                edges.append(cut)
    if not inside:
        return grid.whole
    parts: list[tuple[int, float, float]] = []
    done = 0
    for at, edges in inside.items():
        parts += grid.whole[done:at]
        edges.append(grid.ends[at])
        parts.extend((at, start_s, end_s) for start_s, end_s in pairwise(edges))
        done = at + 1
    return parts + grid.whole[done:]


def _waiting(outlook: Outlook, part: Stretch, piece: Piece, other: Alternatives) -> Reason:
    reason = why_not(outlook, part, piece, why_waiting)
    return why_calm(outlook, part, other) if reason.code is ReasonCode.NO_PLAN else reason


def _alternatives(
    situation: Situation, outlooks: Sequence[Outlook], grid: _Grid
) -> list[Alternatives]:
    """Return what each car could do if it were alone."""
    windows = [window_of(outlook.car, outlook.now) for outlook in outlooks]
    found = [NO_OTHER] * len(outlooks)
    asked = [n for n, one in enumerate(outlooks) if windows[n] is not None and one.stretches]
    if not asked:
        return found
    edges = np.array([windows[n] for n in asked], dtype=np.float64)
    seconds = np.minimum(grid.ends, edges[:, 1:]) - np.maximum(grid.begins, edges[:, :1])
    alike: dict[int, list[int]] = {}
    for row, n in enumerate(asked):
        alike.setdefault(id(grid.offered_w(situation, outlooks[n].car)), []).append(row)
    for rows in alike.values():
        some = [outlooks[asked[row]] for row in rows]
        offered_w = grid.offered_w(situation, some[0].car)
        others = alternatives(
            grid.alone(offered_w),
            offered_w * np.maximum(0.0, seconds[rows]) / 3.6e6,
            np.array([_cost(outlook.stretches) for outlook in some]),
            np.array([energy_of(outlook.stretches) / 1000 for outlook in some]),
            situation.site.currency,
        )
        for row, other in zip(rows, others, strict=True):
            found[asked[row]] = other
    return found


def _cost(stretches: Sequence[Stretch]) -> float:
    return sum((s.price_per_kwh or 0.0) * s.energy_wh for s in stretches) / 1000


def _charging(stretch: Stretch, paid_per_kwh: float | None, reason: Reason) -> PlannedSlot:
    start_at, end_at = instant(stretch.start_s), instant(stretch.end_s)
    energy_wh = stretch.energy_wh
    cost = energy_wh / 1000 * (paid_per_kwh or 0.0)
    duration_s = (end_at - start_at).total_seconds()
    return PlannedSlot(start_at, duration_s, stretch.power_w, reason, energy_wh, float(cost))


def _waiting_slot(run: _Run) -> PlannedSlot:
    start_at, end_at = instant(run.start_s), instant(run.end_s)
    return PlannedSlot(start_at, (end_at - start_at).total_seconds(), 0.0, run.reason, 0.0, 0.0)


def _summed(slots: tuple[PlannedSlot, ...], outlook: Outlook) -> StationPlan:
    car = outlook.car
    net_w = [
        (s, s.energy_wh * 3600 / (s.end_s - s.start_s) - car.overhead_w) for s in outlook.stretches
    ]
    to_target_wh = car.grid_energy_to_wh(car.target_soc_percent)
    held_wh = sum(power_w * (s.end_s - s.start_s) / 3600 for s, power_w in net_w)
    missing_wh = to_target_wh - held_wh if car.wants_energy else 0.0
    reached_at = outlook.now if to_target_wh <= ENERGY_EPSILON_WH else None
    left_wh = to_target_wh
    for stretch, power_w in net_w:
        if reached_at is not None:
            break
        held = power_w * (stretch.end_s - stretch.start_s) / 3600
        if held >= left_wh - SHORTFALL_EPSILON_WH:
            seconds = min(left_wh / power_w * 3600, stretch.end_s - stretch.start_s)
            reached_at = instant(stretch.start_s + seconds)
        left_wh -= held
    return StationPlan(
        station_id=car.station_id,
        slots=slots,
        target_soc_percent=car.target_soc_percent,
        expected_energy_wh=energy_of(outlook.stretches),
        expected_cost=sum(slot.expected_cost for slot in slots),
        shortfall_wh=missing_wh if missing_wh > SHORTFALL_EPSILON_WH else 0.0,
        target_reached_at=reached_at,
    )
