"""Says what happens at the stations: meter values, states, events, goals and answers to limits."""

import logging
from datetime import UTC, datetime

from wattbus_contract import topics
from wattbus_contract.base import Reason
from wattbus_contract.control import LimitOutcome, LimitResult
from wattbus_contract.facts import MeterReading, StationEvent, StationEventKind
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_station_bridge import messages
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.control.failsafe import FailsafeLimits, too_little_text
from wattbus_station_bridge.desk import Desk, Pending
from wattbus_station_bridge.goals import CarTimes, current_goal, in_words
from wattbus_station_bridge.household import Household
from wattbus_station_bridge.peaks import PeakBook
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.reading import StationReading, StationTraits
from wattbus_station_bridge.traits import levels_of, with_table

log = logging.getLogger(__name__)

MOST_EARLY = 1000
"""Meter values that wait for the site's info, which comes within seconds of the start."""
SHORTEST_EXPIRY_S = 10.0
SHORTEST_ROUND_S = 0.05
STATE_EVERY_S = 1.0
"""How often a state is said in which only power, state of charge or time is new."""


class Reports:
    """Says it all through the announcer. Not safe for threads: the site calls it locked."""

    def __init__(
        self,
        file: SiteFile,
        desks: dict[str, Desk],
        announcer: Announcer,
        peaks: PeakBook | None = None,
    ) -> None:
        self.household = Household(file)
        self._file = file
        self._zone = file.site.zone
        self._desks = desks
        self._announcer = announcer
        self._peaks = peaks
        self._time_scale: float | None = None
        self._failsafes = FailsafeLimits(file.site.max_power_w, file.site.max_phase_power_w)
        shortest_s = min(desk.poll_interval_s for desk in desks.values())
        # A little less than a round, so that jitter does not leave out every other one.
        self._household_every_s = max(SHORTEST_ROUND_S, 0.9 * shortest_s)
        self._next_household_s = float("-inf")
        self._early: list[tuple[str, MeterReading]] | None = []

    @property
    def now(self) -> datetime:
        """The site's clock: that of the newest reading, before the first one the wall's."""
        return self.household.at or datetime.now(UTC)

    def tell(
        self, desk: Desk, kind: StationEventKind, text: str, limit_w: float | None = None
    ) -> None:
        """Publish that something has happened to a station."""
        reading = desk.reading
        event = StationEvent(
            at=self.now if reading is None else reading.at,
            kind=kind,
            text=text[:2000],
            limit_w=limit_w,
            transaction_id=None if reading is None else reading.transaction_id,
        )
        self._announcer.say(topics.STATION_EVENT, event, station=desk.id)

    def note_reading(
        self, desk: Desk, before: StationReading | None, reading: StationReading
    ) -> bool:
        """Tell what a reading brings about; returns whether the station's clock was set back."""
        if reading.traits is not desk.traits:
            self._take_traits(desk, reading.traits)
        desk.has_been_asked = True
        if not desk.is_reachable:
            desk.is_reachable = True
            if desk.has_been_reached:
                log.info("station %s is back", desk.id)
                self.tell(desk, StationEventKind.STATION_BACK, "the station answers again")
            desk.has_been_reached = True
        was_reset = before is not None and (
            reading.reset_count != before.reset_count or reading.at < before.at
        )
        if was_reset:
            desk.has_reached_target = False
            self.tell(desk, StationEventKind.CLOCK_RESET, "the station was reset")
        was_plugged_in = before is not None and before.is_plugged_in
        if before is None or reading.is_plugged_in != was_plugged_in:
            desk.plugged_in_at = reading.at if reading.is_plugged_in else None
            desk.has_reached_target = False
            if before is not None:
                kind = StationEventKind.UNPLUGGED
                if reading.is_plugged_in:
                    kind = StationEventKind.PLUGGED_IN
                self.tell(desk, kind, f"the car was {kind.value.replace('-', ' ')}")
        is_other_car_time = (
            was_reset
            or before is None
            or (
                reading.is_plugged_in != was_plugged_in
                or reading.departure_at != before.departure_at
            )
        )
        self.update_goal(desk, is_forced=is_other_car_time)
        if desk.is_full and not desk.has_reached_target and reading.is_plugged_in:
            desk.has_reached_target = True
            if before is not None:
                text = f"the car has {reading.soc_percent:.1f} %"
                self.tell(desk, StationEventKind.TARGET_REACHED, text)
        return was_reset

    def update_goal(self, desk: Desk, *, is_forced: bool = False) -> None:
        """Publish the goal that holds now, if it is another one than before."""
        reading, goal = desk.reading, desk.goal
        if reading is None:
            return
        if not is_forced and goal is not None:
            is_over = goal.departure_at is not None and reading.at >= goal.departure_at
            has_come = goal.arrival_at is not None and reading.at >= goal.arrival_at
            if not is_over and not has_come:
                return
        times = CarTimes(
            reading.at, reading.is_plugged_in, desk.plugged_in_at, reading.departure_at
        )
        desk.goal = current_goal(desk.recurring, desk.wishes, times, self._zone)
        # The next departure may want more than the last one did.
        desk.has_reached_target = desk.has_reached_target and desk.is_full
        self._announcer.keep(topics.GOAL, desk.goal, station=desk.id)

    def goal_text(self, desk: Desk) -> str:
        """Return what is wanted of a station now, for people."""
        if desk.goal is None or desk.levels is None:
            return "noted; the station has not answered yet"
        text = in_words(desk.goal, self._zone)
        limit_a = desk.goal.max_current_a
        too_little = "" if limit_a is None else too_little_text(desk.levels, limit_a)
        return f"{text}; {limit_a:g} A are {too_little}" if too_little else text

    def say_meter(self, desk: Desk, reading: StationReading, now_s: float) -> None:
        """Publish a meter value, and once a round of polls that of the household."""
        price = self.household.price(reading.at)
        house, pv_power_w = self.household.load, self.household.pv_power_w
        meter = messages.meter_reading(
            desk, reading, house_load_w=sum(house), pv_power_w=pv_power_w, price=price
        )
        if self._early is not None and len(self._early) < MOST_EARLY:
            # Who reads a value must know the site's zone and currency first.
            self._early.append((desk.id, meter))
            return
        self._announcer.say(topics.METER, meter, station=desk.id)
        if now_s < self._next_household_s:
            return
        self._next_household_s = now_s + self._household_every_s
        stations_w = sum(
            other.reading.power_w
            for other in self._desks.values()
            if other.reading is not None and other.is_reachable
        )
        household = messages.household_meter(
            reading.at, house, stations_w, self._file, pv_power_w=pv_power_w, price=price
        )
        self._announcer.say(topics.HOUSEHOLD_METER, household)
        if self._peaks is not None:
            drawn_w = sum(house) + stations_w - (pv_power_w or 0.0)
            if self._peaks.note(reading.at, drawn_w):
                self._say_site()

    def is_state_due(self, desk: Desk, now_s: float) -> bool:
        """Whether a state has to be said although nothing may be new, before the last expires."""
        return now_s - desk.state_said_s >= _expiry_s(desk) / 2

    def say_state(self, desk: Desk, now_s: float, *, is_forced: bool = False) -> None:
        """Publish a station's state when it changes, and before the last one expires."""
        if not desk.has_been_asked:
            return
        at = self.now if desk.reading is None else desk.reading.at
        state = messages.station_state(desk, at)
        silent_s = now_s - desk.state_said_s
        is_old = silent_s >= max(STATE_EVERY_S, desk.poll_interval_s)
        if (
            is_forced
            or desk.state is None
            or messages.essence_of(state) != messages.essence_of(desk.state)
            or (is_old and messages.has_moved(desk.state, state))
            or self.is_state_due(desk, now_s)
        ):
            desk.state, desk.state_said_s = state, now_s
            self._announcer.say(
                topics.STATION_STATE, state, expiry_s=_expiry_s(desk), station=desk.id
            )

    def answer_applied(self, desk: Desk) -> None:
        """Answer the limit that a station now holds, as far as the fuse allows."""
        if desk.is_guarded:
            text = "lowered: the main fuse leaves less"
            self.answer(desk, LimitOutcome.APPLIED, "guard", text)
        elif desk.intent.limited:
            text = f"lowered: {desk.intent.limited}"
            self.answer(desk, LimitOutcome.APPLIED, "max-current", text)
        else:
            self.answer(desk, LimitOutcome.APPLIED, "applied", "the station holds it")

    def answer(self, desk: Desk, outcome: LimitOutcome, code: str, text: str) -> None:
        """Answer the limit that waits for an answer, if one does."""
        pending, desk.pending = desk.pending, None
        if pending is not None:
            applied_w = desk.granted_w if outcome is LimitOutcome.APPLIED else None
            self.say_result(desk.id, pending, outcome, code, text, applied_w=applied_w)

    def say_result(
        self,
        station: str,
        pending: Pending,
        outcome: LimitOutcome,
        code: str,
        text: str,
        *,
        applied_w: float | None = None,
    ) -> None:
        """Publish what became of a limit."""
        result = LimitResult(
            at=self.now,
            command=pending.message,
            epoch=pending.limit.epoch,
            instance=pending.limit.instance,
            outcome=outcome,
            reason=Reason(code=code, text=text[:2000]),
            applied_limit_w=applied_w,
        )
        self._announcer.say(topics.LIMIT_RESULT, result, station=station)

    def take_time_scale(self, time_scale: float) -> None:
        """Publish the site, now that the pace of its clock is known."""
        self._time_scale = time_scale
        self._say_site()
        early, self._early = self._early or [], None
        for station, meter in early:
            self._announcer.say(topics.METER, meter, station=station)

    def _say_site(self) -> None:
        if self._time_scale is not None:
            peaks_w = None if self._peaks is None else self._peaks.peaks.highest_w
            info = messages.site_info(self._file, self._time_scale, peaks_w)
            self._announcer.keep(topics.SITE_INFO, info)

    def take_prices(self, prices: PriceForecast) -> None:
        """Publish prices."""
        self.household.take_prices(prices)
        self._announcer.keep(topics.PRICE, prices)

    def take_base_load(self, forecast: BaseLoadForecast) -> None:
        """Publish the expected house load."""
        self.household.take_base_load(forecast)
        self._announcer.keep(topics.BASE_LOAD, forecast)

    def repeat(self, now_s: float) -> None:
        """Publish all that is retained again."""
        self._announcer.repeat()
        for desk in self._desks.values():
            self.say_state(desk, now_s, is_forced=True)

    def _take_traits(self, desk: Desk, traits: StationTraits) -> None:
        """Take over what a station says of itself; the site file has the last word."""
        is_news = traits != desk.traits
        desk.traits = traits
        if not is_news:
            return
        desk.told_traits = with_table(traits, desk.table)
        desk.levels = levels_of(desk.told_traits)
        had_room = self._failsafes.fit
        self._failsafes.put(desk.id, desk.levels, desk.table.failsafe_limit_a)
        # Only when the sum crosses the fuse are the others concerned, too.
        concerned = [desk] if self._failsafes.fit == had_room else self._desks.values()
        for other in concerned:
            if other.told_traits is not None:
                other.failsafe_w = self._failsafes.limit_w(other.id)
                info = messages.station_info(other, other.told_traits)
                self._announcer.keep(topics.STATION_INFO, info, station=other.id)


def _expiry_s(desk: Desk) -> float:
    return max(SHORTEST_EXPIRY_S, 3 * desk.poll_interval_s)
