"""Puts plans and limits into the contract's messages."""

from wattbus_contract import control
from wattbus_contract.base import Reason as ReasonMessage
from wattbus_scheduler.controller import LimitDecided, PlanMade
from wattbus_scheduler.plan import PlannedSlot, Reason, StationPlan
from wattbus_scheduler.strategies import STRATEGIES

MOST_SLOTS = 400
"""Above so many slots in all stations, waiting is summed up, to keep a plan below 100 kB."""


def plan_message(made: PlanMade, instance: str) -> control.Plan:
    """Return the message for a plan; figures are rounded to what a person can read."""
    is_long = sum(len(station.slots) for station in made.plan.stations) > MOST_SLOTS
    return control.Plan(
        planned_at=made.plan.planned_at,
        strategy=made.plan.strategy,
        instance=instance,
        currency=made.currency,
        stations=tuple(_station(station, is_long) for station in made.plan.stations),
        expected_cost=round(made.plan.expected_cost, 6),
        lower_bound=_rounded(made.plan.lower_bound),
        caused_by=made.caused_by,
        strategies=tuple(sorted(STRATEGIES)),
    )


def limit_message(
    limit: LimitDecided, instance: str, epoch: int, valid_for_s: float, strategy: str
) -> control.SetLimit:
    """Return the command for a limit."""
    return control.SetLimit(
        epoch=epoch,
        instance=instance,
        valid_for_s=valid_for_s,
        reason=_reason(limit.reason),
        limit_w=round(limit.limit_w, 3),
        strategy=strategy,
        decided_at=limit.decided_at,
        caused_by=limit.caused_by,
    )


def _rounded(cost: float | None) -> float | None:
    return None if cost is None else round(cost, 6)


def _station(plan: StationPlan, is_long: bool) -> control.StationPlan:
    slots = _summed_up(plan.slots) if is_long else plan.slots
    return control.StationPlan(
        station=plan.station_id,
        slots=tuple(_slot(slot) for slot in slots),
        target_soc_percent=plan.target_soc_percent,
        expected_energy_wh=round(plan.expected_energy_wh, 3),
        expected_cost=round(plan.expected_cost, 6),
        shortfall_wh=round(plan.shortfall_wh, 3),
        target_reached_at=plan.target_reached_at,
    )


def _slot(slot: PlannedSlot) -> control.PlanSlot:
    return control.PlanSlot(
        start_at=slot.start_at,
        duration_s=slot.duration_s,
        limit_w=round(slot.limit_w, 3),
        reason=_reason(slot.reason),
        expected_energy_wh=round(slot.expected_energy_wh, 3),
        expected_cost=round(slot.expected_cost, 6),
    )


def _reason(reason: Reason) -> ReasonMessage:
    return ReasonMessage(code=reason.code.value, text=reason.text)


def _summed_up(slots: tuple[PlannedSlot, ...]) -> tuple[PlannedSlot, ...]:
    """Join neighbours of the same limit and reason code; the first one's sentence stays."""
    joined: list[PlannedSlot] = []
    for slot in slots:
        last = joined[-1] if joined else None
        if last is not None and (last.limit_w, last.reason.code) == (
            slot.limit_w,
            slot.reason.code,
        ):
            joined[-1] = PlannedSlot(
                last.start_at,
                (slot.end_at - last.start_at).total_seconds(),
                last.limit_w,
                last.reason,
                last.expected_energy_wh + slot.expected_energy_wh,
                last.expected_cost + slot.expected_cost,
            )
        else:
            joined.append(slot)
    return tuple(joined)
