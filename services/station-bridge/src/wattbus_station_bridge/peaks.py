"""The highest hours of the running month, for tariffs that bill them: a pure account of imports."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
LONGEST_GAP = HOUR
"""Beyond it nobody knows what was drawn."""
SET_BACK = HOUR
"""Stations are read one after the other; a clock that falls back further was set back."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """`highest_w` are mean imports of the month's finished clock hours, the highest first.

    `hour_at` is when the running hour began, `energy_wh` what it has drawn. `at` and `power_w` are
    the newest measurement, unknown after a restart. `month` is its first local day.
    """

    month: date | None = None
    highest_w: tuple[float, ...] = ()
    hour_at: datetime | None = None
    energy_wh: float = 0.0
    at: datetime | None = None
    power_w: float = 0.0


def noted(peaks: Peaks, at: datetime, power_w: float, zone: ZoneInfo, count: int) -> Peaks:
    """Take over what is drawn from the grid from `at` on; `count` hours are kept.

    The power before holds until then. What nobody has measured counts as nothing: an hour that is
    too low makes plans careful, one that is too high would make them careless. When the clock was
    set back, the account begins anew.
    """
    newest_at = peaks.at or peaks.hour_at
    if newest_at is not None and at < newest_at - SET_BACK:
        peaks = Peaks()
    if peaks.at is not None and at <= peaks.at:
        return replace(peaks, power_w=power_w)
    if peaks.at is not None and at - peaks.at <= LONGEST_GAP:
        for from_at, until in _within_hours(peaks.at, at, zone):
            peaks = _in_hour(peaks, hour_of(from_at, zone), zone, count)
            drawn_wh = peaks.power_w * (until - from_at).total_seconds() / 3600
            peaks = replace(peaks, energy_wh=peaks.energy_wh + drawn_wh)
    return replace(_in_hour(peaks, hour_of(at, zone), zone, count), at=at, power_w=power_w)


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock hour of an instant began, in UTC; also of one that comes twice."""
    local = at.astimezone(zone)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _in_hour(peaks: Peaks, hour_at: datetime, zone: ZoneInfo, count: int) -> Peaks:
    """Return the account in an hour: the one before is finished, perhaps the month, too."""
    if hour_at == peaks.hour_at:
        return peaks
    highest_w = peaks.highest_w
    if peaks.energy_wh > 0:
        highest_w = tuple(sorted((*highest_w, round(peaks.energy_wh, 1)), reverse=True)[:count])
    month = hour_at.astimezone(zone).date().replace(day=1)
    if month != peaks.month:
        highest_w = ()
    return replace(peaks, month=month, highest_w=highest_w, hour_at=hour_at, energy_wh=0.0)


def _within_hours(
    from_at: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    while from_at < until:
        end_at = min(until, hour_of(from_at, zone) + HOUR)
        yield from_at, end_at
        from_at = end_at


class PeakBook:
    """Keeps the account of a site that has such a tariff."""

    def __init__(self, zone: ZoneInfo, count: int, known: Peaks) -> None:
        self._zone = zone
        self._count = count
        self.peaks = known

    def note(self, at: datetime, power_w: float) -> bool:
        """Take over what is drawn from the grid; returns whether the highest hours are others.

        What is given to the grid counts as nothing.
        """
        before, power_w = self.peaks.highest_w, max(0.0, power_w)
        self.peaks = noted(self.peaks, at, power_w, self._zone, self._count)
        return self.peaks.highest_w != before
