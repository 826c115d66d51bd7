"""Turns a clock that shows only hour and minute into instants that always increase."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
TOLERANCE = timedelta(minutes=90)
"""Such clocks move in quarters and know no summer time, and their pace is known only roughly."""
SMALL_STEP = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class UnwrappedClock:
    """Where an undated clock stands. `reset_count` counts how often it was set back."""

    at: datetime
    shown: time
    reset_count: int = 0


def first_sight(shown: time, start_date: date, zone: ZoneInfo) -> UnwrappedClock:
    """Return the instant at which the clock shows `shown` on the configured date."""
    return UnwrappedClock(_instant(start_date, shown, zone), shown)


def unwrap(
    before: UnwrappedClock, shown: time, elapsed: timedelta | None, zone: ZoneInfo
) -> UnwrappedClock:
    """Return where the clock stands now that it shows `shown`.

    `elapsed` is how far it should have moved since it first showed `before.shown`, by wall time.
    Of all later days on which it shows this, the one nearest to that is taken. If even that one is
    off by more than the tolerance and a tenth of `elapsed`, it goes on at the next such time of
    day, so that instants never fall; more than a small step ahead means that the clock was set.
    Without `elapsed`, after a restart of this process, the next such time of day is taken.
    """
    if shown == before.shown and (elapsed is None or elapsed < DAY / 2):
        return before
    if elapsed is None:
        return UnwrappedClock(_next(before.at, shown, zone), shown, before.reset_count)
    expected_at = before.at + max(elapsed, timedelta(0))
    first_day = before.at.astimezone(zone).date()
    days_ahead = max(0, (expected_at - before.at) // DAY)
    candidates = [
        instant
        for offset in (0, 1, days_ahead, days_ahead + 1)
        if (instant := _instant(first_day + offset * DAY, shown, zone)) >= before.at
    ]
    nearest = min(candidates, key=lambda instant: abs(instant - expected_at))
    if abs(nearest - expected_at) <= TOLERANCE + elapsed / 10:
        return UnwrappedClock(nearest, shown, before.reset_count)
    soonest = _next(before.at, shown, zone)
    was_set = soonest - before.at > SMALL_STEP
    return UnwrappedClock(soonest, shown, before.reset_count + was_set)


def _next(after: datetime, shown: time, zone: ZoneInfo) -> datetime:
    day = after.astimezone(zone).date()
    return min(
        instant
        for offset in (0, 1)
        if (instant := _instant(day + offset * DAY, shown, zone)) >= after
    )


def _instant(day: date, shown: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, shown, zone).astimezone(UTC)
