"""A car's weekly driving as events in time: when it leaves, when it returns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# A weekly trip comes round within eight days, also from the day before (returns past midnight).
_LOOK_AHEAD_DAYS = 9


class TripEventKind(StrEnum):
    """Leaving sorts before returning where both fall on one instant."""

    LEAVE = "leave"
    RETURN = "return"


@dataclass(frozen=True)
class WeeklyTrip:
    """A drive on the given weekdays (0 = Monday), in local wall time.

    A return that is not later than the departure falls on the next day.
    """

    weekdays: frozenset[int]
    leaves: time
    returns: time
    energy_wh: float


@dataclass(frozen=True)
class TripEvent:
    """The car leaves or returns at an aware UTC instant; `energy_wh` counts when it leaves."""

    at: datetime
    kind: TripEventKind
    energy_wh: float


def next_event(trips: Iterable[WeeklyTrip], zone: ZoneInfo, after: datetime) -> TripEvent | None:
    """The first leaving or returning strictly after the aware instant `after`."""
    return _first(trips, zone, after, {TripEventKind.LEAVE, TripEventKind.RETURN})


def next_departure_at(
    trips: Iterable[WeeklyTrip], zone: ZoneInfo, after: datetime
) -> datetime | None:
    """When the car next leaves, strictly after `after`; None without a schedule."""
    event = _first(trips, zone, after, {TripEventKind.LEAVE})
    return event.at if event else None


def _first(
    trips: Iterable[WeeklyTrip], zone: ZoneInfo, after: datetime, kinds: set[TripEventKind]
) -> TripEvent | None:
    first_day = after.astimezone(zone).date() - timedelta(days=1)
    candidates = [
        event
        for trip in trips
        for offset in range(_LOOK_AHEAD_DAYS)
        for event in _events_of_day(trip, first_day + timedelta(days=offset), zone)
        if event.at > after and event.kind in kinds
    ]
    return min(candidates, key=lambda event: (event.at, event.kind), default=None)


def _events_of_day(trip: WeeklyTrip, day: date, zone: ZoneInfo) -> tuple[TripEvent, ...]:
    if day.weekday() not in trip.weekdays:
        return ()
    return_day = day if trip.returns > trip.leaves else day + timedelta(days=1)
    leave_at = datetime.combine(day, trip.leaves, zone).astimezone(UTC)
    return_at = datetime.combine(return_day, trip.returns, zone).astimezone(UTC)
    return (
        TripEvent(leave_at, TripEventKind.LEAVE, trip.energy_wh),
        TripEvent(return_at, TripEventKind.RETURN, 0.0),
    )
