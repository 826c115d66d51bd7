"""Counts what a station has drawn and what that has cost, reading by reading."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattbus_contract.facts import MeterReading
from wattbus_contract.forecasts import PriceSlot


@dataclass(frozen=True, slots=True)
class Tally:
    """One station since `since_at`; `cost` leaves out energy whose price was unknown."""

    since_at: datetime
    start_soc_percent: float | None
    last: MeterReading
    energy_wh: float = 0.0
    cost: float = 0.0
    charging_s: float = 0.0


def price_at(slots: Sequence[PriceSlot], instant: datetime) -> float | None:
    """Return the price per kWh at an instant, None if it is not known."""
    index = bisect_right(slots, instant, key=lambda slot: slot.start_at) - 1
    if index < 0 or instant >= slots[index].start_at + timedelta(seconds=slots[index].duration_s):
        return None
    return slots[index].price_per_kwh


def counted(tally: Tally | None, reading: MeterReading, prices: Sequence[PriceSlot]) -> Tally:
    """Return the tally after one more reading.

    A clock set back begins a new tally. Energy between two readings is spread evenly over the time
    between them, so that a slot's edge in between gets its share.
    """
    if tally is None or reading.at < tally.last.at - timedelta(seconds=1):
        return Tally(reading.at, reading.soc_percent, reading)
    register_wh = reading.energy_active_import_register_wh
    energy_wh = max(0.0, register_wh - tally.last.energy_active_import_register_wh)
    span_s = (reading.at - tally.last.at).total_seconds()
    cost = sum(
        energy_wh / 1000 * share * price
        for share, price in _shares(tally.last.at, reading.at, prices)
    )
    return replace(
        tally,
        last=reading,
        start_soc_percent=_first(tally.start_soc_percent, reading.soc_percent),
        energy_wh=tally.energy_wh + energy_wh,
        cost=tally.cost + cost,
        charging_s=tally.charging_s + (span_s if energy_wh > 0 else 0.0),
    )


def _shares(
    start: datetime, end: datetime, prices: Sequence[PriceSlot]
) -> list[tuple[float, float]]:
    """Return (share of the time, price) for every price slot between two instants."""
    span_s = (end - start).total_seconds()
    if span_s <= 0:
        price = price_at(prices, end)
        return [] if price is None else [(1.0, price)]
    shares = []
    for slot in prices[max(0, bisect_right(prices, start, key=lambda s: s.start_at) - 1) :]:
        if slot.start_at >= end:
            break
        slot_end = slot.start_at + timedelta(seconds=slot.duration_s)
        overlap_s = (min(slot_end, end) - max(slot.start_at, start)).total_seconds()
        if overlap_s > 0:
            shares.append((overlap_s / span_s, slot.price_per_kwh))
    return shares


def _first(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value
