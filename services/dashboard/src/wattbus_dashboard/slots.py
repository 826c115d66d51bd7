"""Finding a place in a row of slots: prices, expected loads, plans."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from wattbus_contract.control import Plan


class Slot(Protocol):
    """Something that holds for a time."""

    @property
    def start_at(self) -> datetime:
        """When it begins."""

    @property
    def duration_s(self) -> float:
        """How long it lasts in seconds."""


SlotT = TypeVar("SlotT", bound=Slot)


def end_of(slot: Slot) -> datetime:
    """Return when a slot ends."""
    return slot.start_at + timedelta(seconds=slot.duration_s)


def covering(slots: Sequence[SlotT], instant: datetime) -> SlotT | None:
    """Return the slot that holds at an instant, None where there is none. Slots are in order."""
    index = bisect_right(slots, instant, key=lambda slot: slot.start_at) - 1
    if index < 0 or instant >= end_of(slots[index]):
        return None
    return slots[index]


def planned_power_w(plan: Plan | None, instant: datetime) -> float | None:
    """Return what a plan gives all stations at an instant, None where it says nothing of it."""
    if plan is None:
        return None
    found = [covering(station.slots, instant) for station in plan.stations]
    limits_w = [slot.limit_w for slot in found if slot is not None]
    return sum(limits_w) if limits_w else None
