"""A value over time in slots of any length: one day for every day, or dated days."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_CACHED_DAYS = 16


@dataclass(frozen=True)
class Slot:
    """A value that holds from `start_at` (aware UTC) for `duration_s` seconds."""

    start_at: datetime
    duration_s: int
    value: float


@dataclass(frozen=True)
class WallSlot:
    """A value that holds from a wall-clock minute of the day until the next one's."""

    minute_of_day: int
    value: float


class Series(Protocol):
    """Slots for every local day without gap, whichever way they were given."""

    def day(self, day: date) -> tuple[Slot, ...]:
        """The slots of one local day from midnight to midnight: 23, 24 or 25 hours."""
        ...

    def first_day(self) -> date | None:
        """The first dated day; None where every day is the same."""
        ...

    def last_day(self) -> date | None:
        """The last dated day; None where every day is the same."""
        ...


class DailySeries:
    """The same wall-clock day over and over; `profile` is ordered and begins at minute 0."""

    def __init__(self, zone: ZoneInfo, profile: tuple[WallSlot, ...]) -> None:
        self._zone = zone
        self._profile = profile
        self._days: dict[date, tuple[Slot, ...]] = {}

    def day(self, day: date) -> tuple[Slot, ...]:
        """The slots of one local day: the hour that is skipped or comes twice likewise."""
        if day not in self._days:
            if len(self._days) >= _CACHED_DAYS:
                self._days.clear()
            self._days[day] = slots_on_wall_clock(self._zone, day, self._profile)
        return self._days[day]

    def first_day(self) -> date | None:
        """None: every day is the same."""
        return None

    def last_day(self) -> date | None:
        """None: every day is the same."""
        return None


class DatedSeries:
    """Whole local days of real slots, contiguous; after the last day it begins again."""

    def __init__(self, zone: ZoneInfo, slots: tuple[Slot, ...]) -> None:
        self._zone = zone
        self._days: dict[date, tuple[Slot, ...]] = {}
        for slot in slots:
            day = slot.start_at.astimezone(zone).date()
            self._days[day] = (*self._days.get(day, ()), slot)
        self._first = min(self._days)
        self._last = max(self._days)
        self._repeated: dict[date, DailySeries] = {}

    def day(self, day: date) -> tuple[Slot, ...]:
        """The slots of one local day; on a repeat the wall clock of the original holds."""
        if day in self._days:
            return self._days[day]
        source_day = self._first + (day - self._first) % (self._last - self._first + _DAY)
        if source_day not in self._repeated:
            profile = _wall_profile(self._zone, self._days[source_day])
            self._repeated[source_day] = DailySeries(self._zone, profile)
        return self._repeated[source_day].day(day)

    def first_day(self) -> date | None:
        """The first local day of the data."""
        return self._first

    def last_day(self) -> date | None:
        """The last local day of the data."""
        return self._last


_DAY = timedelta(days=1)


def local_midnight(zone: ZoneInfo, day: date) -> datetime:
    """The aware UTC instant at which the local day begins."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def value_at(series: Series, zone: ZoneInfo, instant: datetime) -> float:
    """The value that holds at the aware instant."""
    slots = series.day(instant.astimezone(zone).date())
    index = bisect_right(slots, instant, key=lambda slot: slot.start_at) - 1
    return slots[index].value


def slots_from(series: Series, first_day: date, days: int) -> tuple[Slot, ...]:
    """The slots of `days` local days from `first_day` on."""
    return tuple(
        slot for offset in range(days) for slot in series.day(first_day + timedelta(days=offset))
    )


def slots_of_both(one: tuple[Slot, ...], other: tuple[Slot, ...]) -> tuple[tuple[Slot, float], ...]:
    """The first series cut wherever the other changes, too, with the other's value beside it.

    Both are contiguous and hold the same stretch of time.
    """
    edges = sorted({slot.start_at for slot in (*one, *other)})
    if not edges:
        return ()
    end_at = one[-1].start_at + timedelta(seconds=one[-1].duration_s)
    starts, other_starts = ([slot.start_at for slot in slots] for slots in (one, other))
    return tuple(
        (
            Slot(
                start_at,
                int((until - start_at).total_seconds()),
                one[bisect_right(starts, start_at) - 1].value,
            ),
            other[bisect_right(other_starts, start_at) - 1].value,
        )
        for start_at, until in zip(edges, [*edges[1:], end_at], strict=True)
    )


def hourly_means(slots: tuple[Slot, ...], zone: ZoneInfo) -> list[float]:
    """24 time-weighted means by clock hour; an hour that the day skips takes the one before.

    A slot longer than an hour counts in every hour that it touches.
    """
    weighted = [0.0] * 24
    minutes = [0] * 24
    for slot in slots:
        for minute in range(slot.duration_s // 60):
            hour = (slot.start_at + minute * _MINUTE).astimezone(zone).hour
            weighted[hour] += slot.value
            minutes[hour] += 1
    means: list[float] = []
    for hour in range(24):
        if minutes[hour]:
            means.append(weighted[hour] / minutes[hour])
        else:
            means.append(means[-1])
    return means


def slots_on_wall_clock(
    zone: ZoneInfo, day: date, profile: tuple[WallSlot, ...]
) -> tuple[Slot, ...]:
    """Lay a wall-clock profile over one real day, also one on which the clock is changed."""
    starts = [slot.minute_of_day for slot in profile]
    begin_at = local_midnight(zone, day)
    end_at = local_midnight(zone, day + _DAY)
    cuts: list[tuple[datetime, float]] = []
    last_index, last_wall_minute = -1, -1
    instant = begin_at
    while instant < end_at:
        wall = instant.astimezone(zone)
        wall_minute = wall.hour * 60 + wall.minute
        index = bisect_right(starts, wall_minute) - 1
        # A slot that lies within the hour that comes twice comes twice itself.
        comes_again = starts[index] >= wall_minute and wall_minute < last_wall_minute
        if index != last_index or comes_again:
            cuts.append((instant, profile[index].value))
        last_index, last_wall_minute = index, wall_minute
        instant += _MINUTE
    ends = [*(start_at for start_at, _ in cuts[1:]), end_at]
    return tuple(
        Slot(start_at, int((until - start_at).total_seconds()), value)
        for (start_at, value), until in zip(cuts, ends, strict=True)
    )


def _wall_profile(zone: ZoneInfo, slots: tuple[Slot, ...]) -> tuple[WallSlot, ...]:
    profile: list[WallSlot] = []
    for slot in slots:
        wall = slot.start_at.astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        if not profile or minute > profile[-1].minute_of_day:
            profile.append(WallSlot(minute, slot.value))
    return tuple(profile)
