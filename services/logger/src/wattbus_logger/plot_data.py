"""What the plot shows, computed from rows: window, stretches of charging and why, hour ticks."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from wattbus_contract.money import cost_text
from wattbus_logger.figures import summarise_session, total
from wattbus_logger.reading import RecordedRow
from wattbus_logger.sessions import sessions_of
from wattbus_logger.text_log import CHARGING_ABOVE_W

WINDOW = timedelta(hours=36)
TICK_STEPS_H = (1, 2, 3, 4, 6, 12, 24)
MOST_TICKS = 14

CHARGING, NOW, FAILSAFE, GUARD = "as planned", "mode now", "fail-safe", "fuse guard"
FUSE, WAITING, DONE, AWAY = "paused for the fuse", "waiting", "target reached", "no car"
_CHARGING_KINDS = {"mode-now": NOW, "charging-now": NOW, "failsafe": FAILSAFE, "guard": GUARD}
_IDLE_KINDS = {
    "paused-fuse": FUSE,
    "paused-shared-fuse": FUSE,
    "guard": FUSE,
    "target-reached": DONE,
    "not-plugged-in": AWAY,
    "not-arrived": AWAY,
    "departed": AWAY,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a station did one thing for one kind of reason; instants in UTC."""

    start: datetime
    end: datetime
    kind: str
    is_charging: bool


def window_of(
    timelines: Mapping[str, Sequence[RecordedRow]], *, is_newest: bool
) -> dict[str, list[RecordedRow]]:
    """Return the rows to show: all, or with `is_newest` the last 36 hours before the newest."""
    end = max(rows[-1].at for rows in timelines.values())
    begin = end - WINDOW if is_newest else datetime.min.replace(tzinfo=UTC)
    shown = {name: [row for row in rows if row.at >= begin] for name, rows in timelines.items()}
    return {name: rows for name, rows in shown.items() if rows}


def stretches_of(rows: Sequence[RecordedRow]) -> list[Stretch]:
    """Return what a station did, stretch by stretch."""
    stretches: list[Stretch] = []
    for row, following in pairwise(rows):
        is_charging, kind = row.power_w > CHARGING_ABOVE_W, kind_of(row)
        last = stretches[-1] if stretches else None
        if last is not None and (last.is_charging, last.kind) == (is_charging, kind):
            stretches[-1] = Stretch(last.start, following.at, kind, is_charging)
        else:
            stretches.append(Stretch(row.at, following.at, kind, is_charging))
    return stretches


def kind_of(row: RecordedRow) -> str:
    """Return why a station charges or not, as the plot's colours tell it."""
    if row.power_w > CHARGING_ABOVE_W:
        return _CHARGING_KINDS.get(row.reason, CHARGING)
    if not row.is_plugged_in:
        return AWAY
    return _IDLE_KINDS.get(row.reason, WAITING)


class LocalClock:
    """Tells the site's local time of instants, from rows that carry both; follows DST changes."""

    def __init__(self, rows: Sequence[RecordedRow]) -> None:
        self._starts: list[datetime] = []
        self._offsets: list[timedelta] = []
        for row in rows:
            offset = _offset(row)
            if not self._offsets or offset != self._offsets[-1]:
                # Clocks are changed on the hour, rows come some time after it.
                self._starts.append(row.at.replace(minute=0, second=0, microsecond=0))
                self._offsets.append(offset)

    def local(self, instant: datetime) -> datetime:
        """Return the local time of an instant, without zone."""
        index = max(0, bisect_right(self._starts, instant) - 1)
        return instant.replace(tzinfo=None) + self._offsets[index]

    def ticks(self, begin: datetime, end: datetime) -> list[tuple[datetime, str]]:
        """Return instants on whole local hours with their labels; the date stands at midnight."""
        hours = (end - begin) / timedelta(hours=1)
        step_h = next((step for step in TICK_STEPS_H if hours / step <= MOST_TICKS), 24)
        tick = begin.replace(minute=0, second=0, microsecond=0)
        found = []
        while tick <= end:
            local = self.local(tick)
            if tick >= begin and local.minute == 0 and local.hour % step_h == 0:
                label = f"{local:%H:%M}"
                found.append((tick, f"{label}\n{local:%a %d %b}" if local.hour == 0 else label))
            tick += timedelta(hours=1)
        return found


def subtitle(station: str, rows: Sequence[RecordedRow]) -> str:
    """Return a station's energy, cost and saving in the window as a sentence."""
    summaries = [summarise_session(session) for session in sessions_of(rows)]
    sums = total(summaries)
    if sums.energy_wh < 1:
        return f"{station}: nothing charged"
    text = f"{station}: {sums.energy_wh / 1000:.2f} kWh"
    currency = next((s.currency for s in reversed(summaries) if s.currency), None)
    if currency is None:
        return text
    at_once = sums.reference_cost
    text += f" for {cost_text(sums.cost, currency)}; at once {cost_text(at_once, currency)}"
    return f"{text}, saved {round(100 * sums.saving / at_once)} %" if at_once > 0 else text


def _offset(row: RecordedRow) -> timedelta:
    difference = row.local_time - row.at.replace(tzinfo=None)
    return timedelta(minutes=15 * round(difference / timedelta(minutes=15)))
