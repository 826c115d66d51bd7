"""Builds the plan that is published: every slot of every station with its limit and reason."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from wattbus_scheduler.allocation import Allocation, Picker, allocate, window_of
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.outlook import Outlook, blocks_of, instant
from wattbus_scheduler.plan import Plan, PlannedSlot, Reason, StationPlan
from wattbus_scheduler.reasons import WhyCharging, WhyWaiting, why_not, why_urgent
from wattbus_scheduler.selection import (
    ENERGY_EPSILON_WH,
    SHORTFALL_EPSILON_WH,
    Stretch,
    energy_of,
)
from wattbus_scheduler.situation import Car, Situation


@dataclass(frozen=True, slots=True)
class Rules:
    """A strategy: how it picks, and how it says why it charges or waits."""

    name: str
    picker: Picker
    why_charging: WhyCharging
    why_waiting: WhyWaiting


def plan_by(rules: Rules, situation: Situation, now: datetime) -> Plan:
    """Return the plan of all cars in the situation; pure, and feasible for every fuse."""
    allocation = allocate(situation, now, rules.picker)
    stations = tuple(
        _station_plan(rules, situation, now, allocation, car) for car in situation.cars
    )
    return Plan(now, rules.name, stations)


def _station_plan(
    rules: Rules, situation: Situation, now: datetime, allocation: Allocation, car: Car
) -> StationPlan:
    stretches = allocation.stretches(car)
    outlook = Outlook(situation.site, car, now, stretches, blocks_of(stretches))
    urgent = {id(stretch) for stretch in allocation.urgent[car.station_id]}
    slots: list[PlannedSlot] = []
    for part in _parts(allocation.pieces, stretches, car, now):
        charging = next((s for s in stretches if _holds(s, part)), None)
        if charging is None:
            reason = why_not(outlook, part.stretch, part.piece, rules.why_waiting)
        elif id(charging) in urgent:
            reason = why_urgent(outlook)
        else:
            reason = rules.why_charging(outlook, charging)
        slots.append(_planned(part, charging, reason))
    return _summed(tuple(slots), outlook)


@dataclass(frozen=True, slots=True)
class _Part:
    """A slot, or the part of it in which the car's own state does not change.

    `piece` is where other cars take most of that slot.
    """

    stretch: Stretch
    piece: Piece


def _parts(pieces: list[Piece], stretches: list[Stretch], car: Car, now: datetime) -> list[_Part]:
    """Cut the slots at arrival, departure and the car's own stretches."""
    cuts = {edge for s in stretches for edge in (s.start_s, s.end_s)}
    cuts.update(window_of(car, now) or ())
    parts: list[_Part] = []
    for _, group in groupby(pieces, key=lambda piece: piece.slot_index):
        slot_pieces = list(group)
        start_s, end_s = slot_pieces[0].start_s, slot_pieces[-1].end_s
        fullest = max(slot_pieces, key=lambda piece: sum(piece.used_w))
        inner = sorted(c for c in cuts if start_s + TIME_EPSILON_S < c < end_s - TIME_EPSILON_S)
        for from_s, to_s in pairwise([start_s, *inner, end_s]):
            stretch = Stretch(
                from_s,
                to_s,
                0.0,
                fullest.price_for(car.max_power_w),
                fullest.house_load_w,
                fullest.slot_index,
            )
            parts.append(_Part(stretch, fullest))
    return parts


def _holds(stretch: Stretch, part: _Part) -> bool:
    middle_s = (part.stretch.start_s + part.stretch.end_s) / 2
    return stretch.start_s < middle_s < stretch.end_s


def _planned(part: _Part, charging: Stretch | None, reason: Reason) -> PlannedSlot:
    start_at, end_at = instant(part.stretch.start_s), instant(part.stretch.end_s)
    duration_s = (end_at - start_at).total_seconds()
    power_w = charging.power_w if charging is not None else 0.0
    energy_wh = power_w * (part.stretch.end_s - part.stretch.start_s) / 3600
    price_per_kwh = charging.price_per_kwh if charging is not None else None
    cost = energy_wh / 1000 * (price_per_kwh or 0.0)
    return PlannedSlot(start_at, duration_s, power_w, reason, energy_wh, cost)


def _summed(slots: tuple[PlannedSlot, ...], outlook: Outlook) -> StationPlan:
    car = outlook.car
    slots = _joined(slots)
    planned_wh = energy_of(outlook.stretches)
    to_target_wh = car.grid_energy_to_wh(car.target_soc_percent)
    missing_wh = to_target_wh - planned_wh if car.wants_energy else 0.0
    shortfall_wh = missing_wh if missing_wh > SHORTFALL_EPSILON_WH else 0.0
    return StationPlan(
        station_id=car.station_id,
        slots=slots,
        target_soc_percent=car.target_soc_percent,
        expected_energy_wh=planned_wh,
        expected_cost=sum(slot.expected_cost for slot in slots),
        shortfall_wh=shortfall_wh,
        target_reached_at=_reached_at(outlook, to_target_wh),
    )


def _reached_at(outlook: Outlook, to_target_wh: float) -> datetime | None:
    if to_target_wh <= ENERGY_EPSILON_WH:
        return outlook.now
    left_wh = to_target_wh
    for stretch in outlook.stretches:
        if stretch.energy_wh >= left_wh - SHORTFALL_EPSILON_WH:
            seconds = min(left_wh / stretch.power_w * 3600, stretch.end_s - stretch.start_s)
            return instant(stretch.start_s + seconds)
        left_wh -= stretch.energy_wh
    return None


def _joined(slots: tuple[PlannedSlot, ...]) -> tuple[PlannedSlot, ...]:
    """Join neighbours that say the same; other cars' stretches may have cut a slot in pieces."""
    joined: list[PlannedSlot] = []
    for slot in slots:
        last = joined[-1] if joined else None
        is_same = (
            last is not None
            and last.limit_w == slot.limit_w == 0
            and last.reason == slot.reason
            and abs((slot.start_at - last.end_at).total_seconds()) < 1e-3
        )
        if last is not None and is_same:
            joined[-1] = PlannedSlot(
                last.start_at, last.duration_s + slot.duration_s, 0.0, last.reason, 0.0, 0.0
            )
        else:
            joined.append(slot)
    return tuple(joined)
