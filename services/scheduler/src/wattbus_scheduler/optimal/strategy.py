"""Puts a joint schedule into a plan: every car's slots with limit, cost and reason."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import inf

import numpy as np

from wattbus_scheduler.allocation import window_of
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece, offered_power_w, with_car
from wattbus_scheduler.optimal.explain import (
    Alternatives,
    alternatives,
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
    pieces = _with_use(situation, found)
    grid = _Grid(
        pieces,
        np.array([np.nan if p.price_per_kwh is None else p.price_per_kwh for p in pieces]),
        _spared(situation, pieces),
        np.array([piece.start_s for piece in pieces]),
        np.array([piece.end_s for piece in pieces]),
        {},
    )
    stations = tuple(_station(situation, now, found, grid, car) for car in situation.cars)
    cost = sum(station.expected_cost for station in stations)
    gap = max(0.0, found.counted_cost - found.bound)
    return Plan(now, "optimal", stations, float(cost - gap))


@dataclass(frozen=True, slots=True)
class _Grid:
    """The pieces with what all cars use, and what a kWh of surplus spares in each."""

    pieces: Sequence[Piece]
    prices: Floats
    spared_per_kwh: Sequence[float]
    begins_s: Floats
    ends_s: Floats
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


@dataclass(slots=True)
class _Run:
    """Waiting for one reason, over as many pieces as it holds."""

    start_s: float
    end_s: float
    reason: Reason


def _with_use(situation: Situation, found: Schedule) -> list[Piece]:
    """Return the pieces with the power of all cars in them."""
    pieces = [
        replace(piece, used_w=(0.0,) * situation.site.phases) for piece in found.allocation.pieces
    ]
    starts = [piece.start_s for piece in pieces]
    for car in situation.cars:
        for stretch in found.allocation.stretches(car):
            first = bisect_right(starts, stretch.start_s + TIME_EPSILON_S) - 1
            last = bisect_left(starts, stretch.end_s - TIME_EPSILON_S)
            for at in range(first, last):
                used = with_car(pieces[at].used_w, car, stretch.power_w)
                pieces[at] = replace(pieces[at], used_w=used)
    return pieces


def _spared(situation: Situation, pieces: Sequence[Piece]) -> list[float]:
    """Return by how much a mean kWh drawn in a piece is cheaper thanks to the surplus."""
    spared = []
    for piece in pieces:
        slot, drawn_w = situation.slots[piece.slot_index], sum(piece.used_w)
        gain = (slot.price_per_kwh or 0.0) - slot.feed_in_price_per_kwh
        if slot.surplus_w <= 0 or drawn_w <= 0 or gain <= 0:
            spared.append(0.0)
        else:
            spared.append(gain * min(1.0, slot.surplus_w / drawn_w))
    return spared


def _station(
    situation: Situation, now: datetime, found: Schedule, grid: _Grid, car: Car
) -> StationPlan:
    stretches = found.allocation.stretches(car)
    outlook = Outlook(situation.site, car, now, stretches, blocks_of(stretches))
    urgent = {id(stretch) for stretch in found.allocation.urgent[car.station_id]}
    other = _alternatives(situation, outlook, grid)
    slots: list[PlannedSlot] = []
    following = iter([*stretches, None])
    charging = next(following)
    lasting: Reason | None = None
    run: _Run | None = None
    filling = Filling(car) if car.taper else None
    for number, start_s, end_s in _parts(grid, stretches, window_of(car, now)):
        piece = grid.pieces[number]
        while charging is not None and charging.end_s <= start_s + TIME_EPSILON_S:
            charging, lasting = next(following), None
        if charging is not None and charging.start_s <= start_s + TIME_EPSILON_S:
            reason = (
                why_urgent(outlook)
                if id(charging) in urgent
                else why_charging(outlook, charging, other)
            )
            if run is not None:
                slots.append(_waiting_slot(run))
                run = None
            part = replace(charging, start_s=start_s, end_s=end_s)
            if filling is not None:
                energy_wh, hours = filling.take(part.power_w, (end_s - start_s) / 3600, inf)
                part = replace(part, drawn_w=energy_wh / hours if hours > 0 else 0.0)
            slots.append(_charging(part, grid.spared_per_kwh[number], reason))
            continue
        if lasting is None or lasting.code is ReasonCode.NOT_ARRIVED:
            part = Stretch(
                start_s, end_s, 0.0, piece.price_per_kwh, piece.house_load_w, piece.slot_index
            )
            reason = _waiting(outlook, part, piece)
            is_lasting = found.is_late or reason.code in SAME_ALL_ALONG
            lasting = reason if is_lasting else None
        else:
            reason = lasting
            if reason.code is not ReasonCode.DEPARTED and _is_gone(outlook, start_s):
                lasting = None
                part = Stretch(start_s, end_s, 0.0, None, piece.house_load_w, piece.slot_index)
                reason = _waiting(outlook, part, piece)
        if run is not None and run.reason == reason and run.end_s > start_s - TIME_EPSILON_S:
            run.end_s = end_s
            continue
        if run is not None:
            slots.append(_waiting_slot(run))
        run = _Run(start_s, end_s, reason)
    if run is not None:
        slots.append(_waiting_slot(run))
    return _summed(tuple(slots), outlook)


def _parts(
    grid: _Grid, stretches: Sequence[Stretch], window: tuple[float, float] | None
) -> list[tuple[int, float, float]]:
    """Return (piece, start, end) of all pieces, cut where the car's own state changes."""
    cuts = sorted({edge for s in stretches for edge in (s.start_s, s.end_s)} | set(window or ()))
    parts: list[tuple[int, float, float]] = []
    at = 0
    for number, piece in enumerate(grid.pieces):
        while at < len(cuts) and cuts[at] <= piece.start_s + TIME_EPSILON_S:
            at += 1
        edges = [piece.start_s]
        while at < len(cuts) and cuts[at] < piece.end_s - TIME_EPSILON_S:
            if cuts[at] > edges[-1] + TIME_EPSILON_S:
                edges.append(cuts[at])
            at += 1
        edges.append(piece.end_s)
        parts.extend((number, start_s, end_s) for start_s, end_s in pairwise(edges))
    return parts


def _is_gone(outlook: Outlook, at_s: float) -> bool:
    window = window_of(outlook.car, outlook.now)
    return window is None or at_s >= window[1] - TIME_EPSILON_S


def _waiting(outlook: Outlook, part: Stretch, piece: Piece) -> Reason:
    reason = why_not(outlook, part, piece, why_waiting)
    return why_calm(outlook, part) if reason.code is ReasonCode.NO_PLAN else reason


def _alternatives(situation: Situation, outlook: Outlook, grid: _Grid) -> Alternatives:
    """Return what the car could do if it were alone."""
    car, window = outlook.car, window_of(outlook.car, outlook.now)
    if window is None or not outlook.stretches:
        return Alternatives(None, None, "")
    begin, end = grid.begins_s, grid.ends_s
    seconds = np.minimum(end, window[1]) - np.maximum(begin, window[0])
    offered = grid.offered_w(situation, car) * np.maximum(0.0, seconds) / 3.6e6
    cost = sum((s.price_per_kwh or 0.0) * s.energy_wh / 1000 for s in outlook.stretches)
    return alternatives(outlook, grid.prices, offered, cost, energy_of(outlook.stretches) / 1000)


def _charging(stretch: Stretch, spared_per_kwh: float, reason: Reason) -> PlannedSlot:
    start_at, end_at = instant(stretch.start_s), instant(stretch.end_s)
    energy_wh = stretch.energy_wh
    cost = energy_wh / 1000 * ((stretch.price_per_kwh or 0.0) - spared_per_kwh)
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
