"""Puts a joint schedule into a plan: every car's slots with limit, cost and reason."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from math import inf

import numpy as np

from wattbus_scheduler.allocation import window_of
from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.optimal.explain import (
    NO_OTHER,
    Alternatives,
    alternatives,
    counting,
    why_calm,
    why_charging,
    why_waiting,
)
from wattbus_scheduler.optimal.job import Wishes
from wattbus_scheduler.optimal.schedule import Schedule, schedule
from wattbus_scheduler.optimal.slots import Slots
from wattbus_scheduler.optimal.taper import Filling
from wattbus_scheduler.optimal.usage import Usage, kind_of, usage_of
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
    usage = usage_of(situation, found.allocation)
    outlooks = [_outlook(situation, now, found, usage, car) for car in situation.cars]
    others = _alternatives(situation, outlooks, usage)
    charging = sum(bool(outlook.stretches) for outlook in outlooks)
    stations = tuple(
        _station(outlook, found, usage, replace(other, counting=counting(outlook, charging)))
        for outlook, other in zip(outlooks, others, strict=True)
    )
    cost = sum(station.expected_cost for station in stations)
    return Plan(now, "optimal", stations, float(cost - found.gap))


def _outlook(
    situation: Situation, now: datetime, found: Schedule, usage: Usage, car: Car
) -> Outlook:
    """Return a car's stretches at what a kWh costs there, be it bought or from the roof."""
    stretches = found.allocation.stretches(car)
    if any(usage.from_roof):
        stretches = [replace(s, price_per_kwh=usage.paid_per_kwh[usage.at(s)]) for s in stretches]
    return Outlook(situation.site, car, now, stretches, blocks_of(stretches))


def _station(outlook: Outlook, found: Schedule, usage: Usage, other: Alternatives) -> StationPlan:
    car, stretches = outlook.car, outlook.stretches
    urgent = {stretch.start_s for stretch in found.allocation.urgent[car.station_id]}
    window = window_of(car, outlook.now)
    gone_s = window[1] if window is not None else -inf
    slots = Slots()
    following = iter([*stretches, None])
    charging = next(following)
    lasting: Reason | None = None
    filling = Filling(car) if car.taper else None
    parts = _parts(usage, stretches, window)
    begins_s = [start_s for _, start_s, _ in parts]
    at = 0
    while at < len(parts):
        number, start_s, end_s = parts[at]
        at += 1
        piece = usage.pieces[number]
        while charging is not None and charging.end_s <= start_s + TIME_EPSILON_S:
            charging, lasting = next(following), None
        if charging is not None and charging.start_s <= start_s + TIME_EPSILON_S:
            reason = (
                why_urgent(outlook)
                if charging.start_s in urgent
                else why_charging(outlook, charging, other, usage.from_roof[number])
            )
            part = charging
            if (start_s, end_s) != (charging.start_s, charging.end_s):
                part = replace(charging, start_s=start_s, end_s=end_s)
            if filling is not None:
                energy_wh, hours = filling.take(part.power_w, (end_s - start_s) / 3600, inf)
                part = replace(part, drawn_w=energy_wh / hours if hours > 0 else 0.0)
            slots.charge(part, usage.paid_per_kwh[number], reason)
            continue
        is_gone = start_s >= gone_s - TIME_EPSILON_S
        if lasting is None or (is_gone and lasting.code is not ReasonCode.DEPARTED):
            price = None if lasting is not None else piece.price_for(car.max_power_w)
            part = Stretch(start_s, end_s, 0.0, price, piece.house_load_w, piece.slot_index)
            reason = _waiting(outlook, part, piece, other)
            lasting = reason if found.is_late or reason.code in SAME_ALL_ALONG else None
        else:
            reason = lasting
        if lasting is not None and not usage.has_gaps:
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
    usage: Usage, stretches: Sequence[Stretch], window: tuple[float, float] | None
) -> list[tuple[int, float, float]]:
    """Return (piece, start, end) of all pieces, cut where the car's own state changes."""
    cuts = sorted({edge for s in stretches for edge in (s.start_s, s.end_s)} | set(window or ()))
    inside: dict[int, list[float]] = {}
    for cut in cuts:
        at = bisect_right(usage.begins, cut - TIME_EPSILON_S) - 1
        if at >= 0 and usage.begins[at] + TIME_EPSILON_S < cut < usage.ends[at] - TIME_EPSILON_S:
            edges = inside.setdefault(at, [usage.begins[at]])
            if cut > edges[-1] + TIME_EPSILON_S:
                edges.append(cut)
    if not inside:
        return usage.whole
    parts: list[tuple[int, float, float]] = []
    done = 0
    for at, edges in inside.items():
        parts += usage.whole[done:at]
        edges.append(usage.ends[at])
        parts.extend((at, start_s, end_s) for start_s, end_s in pairwise(edges))
        done = at + 1
    return parts + usage.whole[done:]


def _waiting(outlook: Outlook, part: Stretch, piece: Piece, other: Alternatives) -> Reason:
    reason = why_not(outlook, part, piece, why_waiting)
    return why_calm(outlook, part, other) if reason.code is ReasonCode.NO_PLAN else reason


def _alternatives(
    situation: Situation, outlooks: Sequence[Outlook], usage: Usage
) -> list[Alternatives]:
    """Return what each car could do if it were alone."""
    windows = [window_of(outlook.car, outlook.now) for outlook in outlooks]
    found = [NO_OTHER] * len(outlooks)
    asked = [n for n, one in enumerate(outlooks) if windows[n] is not None and one.stretches]
    if not asked:
        return found
    edges = np.array([windows[n] for n in asked], dtype=np.float64)
    seconds = np.minimum(usage.ends, edges[:, 1:]) - np.maximum(usage.begins, edges[:, :1])
    alike: dict[tuple[object, ...], list[int]] = {}
    for row, n in enumerate(asked):
        alike.setdefault(kind_of(outlooks[n].car), []).append(row)
    for rows in alike.values():
        some = [outlooks[asked[row]] for row in rows]
        offered_w = usage.offered_w(situation, some[0].car)
        others = alternatives(
            usage.alone(offered_w),
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
