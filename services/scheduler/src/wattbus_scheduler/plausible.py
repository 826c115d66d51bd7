"""Refuses facts that the contract allows but that no plan can be made of."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from wattbus_contract.base import Body
from wattbus_contract.facts import (
    Control,
    Goal,
    HouseholdMeter,
    MeterReading,
    SiteInfo,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 1, 1, tzinfo=UTC)
"""Far enough from the ends of the calendar for a week more or less, in any zone."""

LEAST_EFFICIENCY = 0.01
LEAST_BATTERY_WH = 1.0
LEAST_VOLTAGE_V = 1.0
LEAST_POWER_W = 1.0
MOST_OVERHEAD = 0.9
"""Of the least power."""


def implausible(body: Body) -> str | None:
    """Return what is wrong with a fact, beginning with the field; None if it can be planned with.

    Depends on nothing but the fact, so that a recording replays to the same decisions.
    """
    match body:
        case MeterReading() | HouseholdMeter() | StationState():
            return _outside("at", [body.at])
        case Goal():
            return _outside("arrival_at", [body.arrival_at]) or _outside(
                "departure_at", [body.departure_at]
            )
        case PriceForecast() | BaseLoadForecast():
            return _outside("slots", (slot.start_at for slot in body.slots))
        case SiteInfo():
            return _below(body, "voltage_v", LEAST_VOLTAGE_V)
        case StationInfo():
            return (
                _below(body, "voltage_v", LEAST_VOLTAGE_V)
                or _below(body, "max_power_w", LEAST_POWER_W)
                or _below(body, "charging_efficiency", LEAST_EFFICIENCY)
                or _below(body, "battery_capacity_wh", LEAST_BATTERY_WH)
                or _wasteful(body)
            )
        case _:
            return None


def _outside(field: str, instants: Iterable[datetime | None]) -> str | None:
    for instant in instants:
        if instant is not None and not EARLIEST <= instant <= LATEST:
            return f"{field}: {instant:%Y-%m-%d} is no day to plan for"
    return None


def _wasteful(info: StationInfo) -> str | None:
    """A car that loses all that it draws, or takes next to nothing, has no plan."""
    least_w = info.max_power_w
    if info.control is Control.CURRENT:
        least_w = min(least_w, info.min_current_a * info.voltage_v * len(info.phases))
    curve_w = min((corner.max_power_w for corner in info.charging_curve or ()), default=math.inf)
    if curve_w < LEAST_POWER_W:
        return f"charging_curve: {curve_w:g} W is below {LEAST_POWER_W:g}"
    overhead_w, left_w = info.overhead_w or 0.0, min(least_w, curve_w)
    if overhead_w and overhead_w > MOST_OVERHEAD * left_w:
        return f"overhead_w: {overhead_w:g} is too much of {left_w:g} W"
    return None


def _below(body: Body, field: str, least: float) -> str | None:
    value: float = getattr(body, field)
    return f"{field}: {value:g} is below {least:g}" if value < least else None
