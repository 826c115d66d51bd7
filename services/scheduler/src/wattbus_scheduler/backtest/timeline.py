"""Prices and house load on one grid of equal slots, with the site's calendar beside it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattbus_scheduler.backtest.csv_rows import Row

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which nothing is known: POSIX seconds."""

    start_s: float
    end_s: float


@dataclass(slots=True)
class Timeline:
    """Slot i begins at `start_s + i * step_s` (POSIX seconds).

    `prices_per_kwh` and `loads_w` are what truly was; None where the data has a gap. The calendar
    (`dates`, `day_starts`) is the site's, so that days of 23 and 25 hours are what they are.
    """

    start_s: float
    step_s: float
    prices_per_kwh: list[float | None]
    loads_w: list[float | None]
    zone: ZoneInfo
    dates: list[date] = field(init=False)
    day_starts: dict[date, int] = field(init=False)

    def __post_init__(self) -> None:
        self.dates = [
            datetime.fromtimestamp(self.start_s + i * self.step_s, self.zone).date()
            for i in range(len(self.prices_per_kwh))
        ]
        self.day_starts = {}
        for index, day in enumerate(self.dates):
            self.day_starts.setdefault(day, index)

    @property
    def count(self) -> int:
        """Number of slots."""
        return len(self.prices_per_kwh)

    @property
    def end_s(self) -> float:
        """The first instant after the last slot."""
        return self.start_s + self.count * self.step_s

    def index_at(self, at_s: float) -> int:
        """Return the slot that holds an instant, which may lie outside of the timeline."""
        return int((at_s - self.start_s + 1e-3) // self.step_s)

    def slot_start_s(self, index: int) -> float:
        """Return when a slot begins."""
        return self.start_s + index * self.step_s

    def day_start(self, day: date) -> int:
        """Return the first slot of a local day; the timeline's bounds outside of it."""
        found = self.day_starts.get(day)
        if found is not None:
            return found
        return 0 if not self.dates or day < self.dates[0] else self.count

    def is_known(self, from_s: float, to_s: float) -> bool:
        """Tell whether price and load are known all through a stretch of time."""
        first, last = self.index_at(from_s), self.index_at(to_s - 2e-3)
        if first < 0 or last >= self.count:
            return False
        known = zip(
            self.prices_per_kwh[first : last + 1], self.loads_w[first : last + 1], strict=True
        )
        return all(price is not None and load is not None for price, load in known)

    def gaps(self, values: Sequence[float | None]) -> list[Gap]:
        """Return the stretches in which one of the two series has no value."""
        found: list[Gap] = []
        for index, value in enumerate(values):
            if value is not None:
                continue
            start_s = self.slot_start_s(index)
            if found and found[-1].end_s == start_s:
                found[-1] = Gap(found[-1].start_s, start_s + self.step_s)
            else:
                found.append(Gap(start_s, start_s + self.step_s))
        return found


@dataclass(frozen=True, slots=True)
class Steps:
    """A series as its file has it: value i holds from `starts_s[i]` to `ends_s[i]`."""

    starts_s: list[float]
    ends_s: list[float]
    values: list[float]

    def on_grid(self, start_s: float, step_s: float, count: int) -> list[float | None]:
        """Return the mean value of each slot; None where a part of the slot has no value."""
        found: list[float | None] = []
        at = max(0, bisect_right(self.starts_s, start_s) - 1)
        for number in range(count):
            from_s = start_s + number * step_s
            to_s = from_s + step_s
            while at < len(self.ends_s) and self.ends_s[at] <= from_s + 1e-6:
                at += 1
            total = covered_s = 0.0
            here = at
            while here < len(self.starts_s) and self.starts_s[here] < to_s - 1e-6:
                seconds = min(to_s, self.ends_s[here]) - max(from_s, self.starts_s[here])
                total += self.values[here] * seconds
                covered_s += seconds
                here += 1
            found.append(total / covered_s if covered_s > step_s - 1e-3 else None)
        return found


def steps_of(points: Sequence[tuple[float, float, Row]], column: str) -> Steps:
    """Return a series from (POSIX seconds, value, its row); BadTable for an instant twice.

    A value holds until the next one, but no longer than the distance to the one before it (or an
    hour): where rows are missing there is a gap, and a change from hours to quarters is none.
    """
    ordered = sorted(points, key=lambda point: point[0])
    for (one_s, _, _), (two_s, _, row) in pairwise(ordered):
        if two_s - one_s < 1:
            raise row.mistake(column, "stands there twice")
    starts_s = [at_s for at_s, _, _ in ordered]
    apart_s = [two - one for one, two in pairwise(starts_s)]
    ends_s = []
    for number, start_s in enumerate(starts_s):
        after_s = apart_s[number] if number < len(apart_s) else HOUR_S
        before_s = apart_s[number - 1] if number else after_s
        ends_s.append(start_s + min(HOUR_S, after_s, before_s))
    return Steps(starts_s, ends_s, [value for _, value, _ in ordered])


def instant_s(naive: datetime, zone: ZoneInfo, previous_s: float | None) -> float:
    """Return POSIX seconds of a local time; the second 02:30 of an autumn night is the later one.

    ValueError for a local time that a spring night leaves out.
    """
    first = naive.replace(tzinfo=zone)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise ValueError(f"does not exist in {zone.key}")
    if previous_s is not None and first.timestamp() <= previous_s:
        return naive.replace(tzinfo=zone, fold=1).timestamp()
    return first.timestamp()


def wall_clock_series(
    values: dict[datetime, float], start_s: float, step_s: float, count: int, zone: ZoneInfo
) -> list[float | None]:
    """Return a series by local wall clock: the pattern of another year, moved to this one.

    An hour that autumn repeats has the same value twice, one that spring leaves out is not used.
    """
    if not values:
        return [None] * count
    stamps = sorted(values)
    apart = min((two - one for one, two in pairwise(stamps)), default=timedelta(hours=1))
    width_s = min(apart.total_seconds(), HOUR_S)
    parts = max(1, round(step_s / width_s))
    found: list[float | None] = []
    for number in range(count):
        got: list[float] = []
        for part in range(parts):
            at_s = start_s + number * step_s + part * step_s / parts
            local = datetime.fromtimestamp(at_s, zone).replace(tzinfo=None, fold=0)
            into_s = (local - local.replace(hour=0, minute=0, second=0)).total_seconds() % width_s
            value = values.get(local - timedelta(seconds=into_s))
            if value is not None:
                got.append(value)
        found.append(sum(got) / parts if len(got) == parts else None)
    return found
