"""What a scheduler knows at an instant of a backtest: the situation, and nothing of the future."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Car, Situation, Slot

LONGEST_HORIZON_S = 7 * 86_400.0
DAYS_LOOKED_BACK = 7
DAY = timedelta(days=1)


class Foreknowledge:
    """Makes situations. Prices of a day are known from `publication` of the day before.

    Later prices are estimates: those of the same local time on the newest day that is known, as
    the running scheduler takes them. House load is known now, and expected for later.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        timeline = world.timeline
        self._wall = [
            datetime.fromtimestamp(timeline.slot_start_s(i), timeline.zone).replace(
                tzinfo=None, fold=0
            )
            for i in range(timeline.count)
        ]
        self._index_of = {wall: i for i, wall in reversed(list(enumerate(self._wall)))}
        self.expected_loads_w = [self._expected_load_w(i) for i in range(timeline.count)]
        self._slots = [
            Slot(
                datetime.fromtimestamp(timeline.slot_start_s(i), UTC),
                timeline.step_s,
                timeline.prices_per_kwh[i],
                self.expected_loads_w[i],
            )
            for i in range(timeline.count)
        ]
        self._estimates: dict[tuple[int, int], Slot] = {}

    def situation(
        self, now_s: float, cars: Sequence[Car], running_plan: Plan | None = None
    ) -> Situation:
        """Return what is known at an instant: from midnight before it to the last departure's day.

        Never further than a week, as in the running scheduler.
        """
        timeline = self._world.timeline
        here = timeline.index_at(now_s)
        first = timeline.day_start(timeline.dates[here])
        known = self._known_end(now_s)
        departures = [car.departure_at.timestamp() for car in cars if car.departure_at is not None]
        last_s = min(max([now_s + timeline.step_s, *departures]), now_s + LONGEST_HORIZON_S)
        wanted = min(timeline.count, timeline.index_at(last_s - 2e-3) + 1)
        day_after = timeline.day_start(timeline.dates[wanted - 1] + DAY)
        end = max(wanted, min(known, day_after))
        slots = self._slots[first : min(known, end)]
        slots[here - first] = replace(slots[here - first], house_load_w=self.load_w(here))
        slots.extend(self._estimated(i, known) for i in range(known, end))
        return Situation(self._world.site, tuple(slots), tuple(cars), running_plan)

    def load_w(self, index: int) -> float:
        """Return the house load that truly was."""
        return self._world.timeline.loads_w[index] or 0.0

    def next_publication_s(self, now_s: float) -> float:
        """Return when the next day's prices become known, strictly after `now_s`."""
        zone, at = self._world.timeline.zone, self._world.publication
        day = datetime.fromtimestamp(now_s, zone).date()
        while True:
            publication_s = datetime.combine(day, at, zone).timestamp()
            if publication_s > now_s + 1e-3:
                return publication_s
            day += DAY

    def _known_end(self, now_s: float) -> int:
        """Return the first slot whose price is not known yet."""
        timeline = self._world.timeline
        local = datetime.fromtimestamp(now_s + 1e-3, timeline.zone)
        days = 2 if local.time() >= self._world.publication else 1
        return timeline.day_start(local.date() + days * DAY)

    def _estimated(self, index: int, known: int) -> Slot:
        found = self._estimates.get((index, known))
        if found is None:
            price = self._price_of_earlier_day(index, known)
            found = replace(self._slots[index], price_per_kwh=price, is_estimate=price is not None)
            self._estimates[index, known] = found
        return found

    def _price_of_earlier_day(self, index: int, known: int) -> float | None:
        for days in range(1, DAYS_LOOKED_BACK + 1):
            earlier = self._index_of.get(self._wall[index] - days * DAY)
            if earlier is not None and earlier < known:
                price = self._world.timeline.prices_per_kwh[earlier]
                if price is not None:
                    return price
        return None

    def _expected_load_w(self, index: int) -> float:
        loads = self._world.timeline.loads_w
        if self._world.has_perfect_load_forecast:
            return loads[index] or 0.0
        for days in (7, 14, 1, 2):
            earlier = self._index_of.get(self._wall[index] - days * DAY)
            load_w = loads[earlier] if earlier is not None else None
            if load_w is not None:
                return load_w
        # At the beginning nobody has seen the house yet.
        return 0.0


def local_day(at_s: float, world: World) -> date:
    """Return the site's date at an instant."""
    return datetime.fromtimestamp(at_s, world.timeline.zone).date()
