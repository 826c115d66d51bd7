"""A stretch of the site's time cut into columns: price, house, chargers, planned and measured."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattbus_console.picture import BUCKET_S, Load, Picture
from wattbus_console.tally import price_at
from wattbus_console.views import slot_end, zone_of
from wattbus_contract.control import Plan
from wattbus_contract.forecasts import BaseLoadSlot

WINDOW_H = 24


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the charts; `measured` once its time has come, what is expected before."""

    start_at: datetime
    label: str
    price_per_kwh: float | None
    house_w: float
    chargers_w: float
    is_past: bool
    is_now: bool
    is_planned: bool


@dataclass(frozen=True, slots=True)
class DayView:
    """The columns with what scales them."""

    columns: tuple[Column, ...]
    fuse_w: float | None


def day_view(picture: Picture, columns_per_hour: int) -> DayView:
    """Return the 24 hours around now, in as many columns an hour; empty before the first value."""
    fuse_w = picture.site.max_power_w if picture.site is not None else None
    if picture.now is None or picture.first_at is None:
        return DayView((), fuse_w)
    start = window_start(picture.first_at, picture.now, picture)
    width = timedelta(hours=1) / columns_per_hour
    starts = [start + number * width for number in range(WINDOW_H * columns_per_hour)]
    return DayView(tuple(_column(picture, at, width) for at in starts), fuse_w)


def window_start(first_at: datetime, now: datetime, picture: Picture) -> datetime:
    """Return where the window that holds `now` begins.

    Windows follow each other from the full hour at or before the first value.
    """
    local = first_at.astimezone(zone_of(picture))
    begin = first_at - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    windows = (now - begin) // timedelta(hours=WINDOW_H)
    return begin + windows * timedelta(hours=WINDOW_H)


def _column(picture: Picture, at: datetime, width: timedelta) -> Column:
    now = picture.now or at
    middle = at + width / 2
    local = at.astimezone(zone_of(picture))
    is_past = at + width <= now
    is_now = at <= now < at + width
    price = price_at(picture.price.slots, middle) if picture.price is not None else None
    planned_w = planned_power_w(picture.plan, middle)
    expected_w = _expected_w(picture, middle)
    load = _measured(picture, at, width) if is_past or is_now else None
    if load is None:
        load = Load(expected_w, 0.0 if is_past else planned_w)
    return Column(
        start_at=at,
        label=f"{local:%H}" if local.minute == 0 else "",
        price_per_kwh=price,
        house_w=load.house_w,
        chargers_w=load.stations_w,
        is_past=is_past,
        is_now=is_now,
        is_planned=planned_w > 0 and not is_past,
    )


def _measured(picture: Picture, at: datetime, width: timedelta) -> Load | None:
    """Mean of what was measured within a column."""
    bucket_s = at.timestamp() // BUCKET_S * BUCKET_S
    found = []
    while bucket_s < (at + width).timestamp():
        load = picture.loads.get(datetime.fromtimestamp(bucket_s, at.tzinfo))
        if load is not None:
            found.append(load)
        bucket_s += BUCKET_S
    if not found:
        return None
    return Load(
        sum(load.house_w for load in found) / len(found),
        sum(load.stations_w for load in found) / len(found),
    )


def planned_power_w(plan: Plan | None, at: datetime) -> float:
    """Return what a plan lets all stations draw at an instant."""
    if plan is None:
        return 0.0
    return sum(
        slot.limit_w
        for station in plan.stations
        for slot in station.slots
        if slot.start_at <= at < slot_end(slot)
    )


def _expected_w(picture: Picture, at: datetime) -> float:
    if picture.base_load is None:
        return 0.0
    return expected_load_w(picture.base_load.slots, at) or 0.0


def expected_load_w(slots: Sequence[BaseLoadSlot], at: datetime) -> float | None:
    """Return the expected house load at an instant, None if it is not known."""
    index = bisect_right(slots, at, key=lambda slot: slot.start_at) - 1
    if index < 0 or at >= slots[index].start_at + timedelta(seconds=slots[index].duration_s):
        return None
    return slots[index].power_w
