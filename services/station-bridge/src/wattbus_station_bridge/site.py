"""The site: takes in readings and limits, decides what each station may draw, and says so."""

import logging
import threading
import time
from collections.abc import Callable

from wattbus_contract.control import LimitOutcome
from wattbus_contract.facts import StationEventKind
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.control.failsafe import Command, Intent, intend, within
from wattbus_station_bridge.control.journal import Journal
from wattbus_station_bridge.desk import Desk, Pending
from wattbus_station_bridge.goals import Wishes
from wattbus_station_bridge.grants import Grants
from wattbus_station_bridge.reports import Reports
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.reading import StationReading
from wattbus_station_bridge.stations.worker import Order

log = logging.getLogger(__name__)

LOST_AFTER_FAILURES = 2


class Site:
    """All stations of one connection point. Its methods may be called from any thread."""

    def __init__(
        self,
        file: SiteFile,
        desks: dict[str, Desk],
        reports: Reports,
        journal: Journal,
        alarms: Alarms,
        *,
        is_guarded: bool = True,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.zone = file.site.zone
        self.desks = desks
        self.reports = reports
        self.alarms = alarms
        self.lock = threading.RLock()
        self._household = reports.household
        self._grants = Grants(file, desks, reports, is_guarded=is_guarded)
        self._journal = journal
        self._monotonic_s = monotonic_s

    # --- what the workers report ------------------------------------------------------------------

    def on_reading(self, station: str, reading: StationReading, round_trip_s: float) -> None:
        """Take over one poll."""
        with self.lock:
            now_s = self._monotonic_s()
            desk = self.desks[station]
            before, desk.reading, desk.round_trip_s = desk.reading, reading, round_trip_s
            desk.is_reading_outdated = False
            if not desk.is_ordered:
                desk.told_w = desk.ordered_w or 0.0
            self._household.take_reading(station, reading)
            if self.reports.note_reading(desk, before, reading):
                # What was commanded was meant for another time.
                desk.command = None
            self._intend(desk, now_s)
            self.reports.say_meter(desk, reading, now_s)
            self._grants.settle_if_needed(desk, now_s)
            self.reports.update_goal(desk)
            self.reports.say_state(desk, now_s)

    def on_failure(self, station: str, error: Exception, failures: int) -> None:
        """Note a poll that failed; the second in a row means that the station is lost."""
        with self.lock:
            desk = self.desks[station]
            is_new = not desk.has_been_asked
            desk.has_been_asked = True
            if desk.is_reachable and failures >= LOST_AFTER_FAILURES:
                desk.is_reachable = False
                log.warning("station %s is lost: %s", station, error)
                self.reports.tell(desk, StationEventKind.STATION_LOST, str(error))
                self._grants.settle(self._monotonic_s())
            elif is_new:
                log.warning("station %s does not answer: %s", station, error)
            if not desk.is_reachable:
                self.reports.say_state(desk, self._monotonic_s(), is_forced=is_new)

    def before_apply(self, station: str, order: Order) -> None:
        """Write the limit behind an order down before it is sent; OSError when it must not be.

        A limit of an earlier process is never sent again, since nobody knows whether it was.
        """
        if order.command is None:
            return
        try:
            is_new = self._journal.record(station, *order.command)
        except OSError as error:
            self.alarms.trouble("journal", f"the journal cannot be written: {error}")
            with self.lock:
                is_raise = order.level_w > self.desks[station].offered_w
            if is_raise:
                raise OSError(f"the journal cannot be written: {error}") from error
            log.exception("the journal cannot be written; %s is lowered all the same", station)
            return
        self.alarms.trouble("journal", None)
        if not is_new:
            raise OSError(f"limit {order.command} was sent to {station} before")

    def on_applied(self, station: str, order: Order, error: Exception | None) -> None:
        """Answer the limit behind an order, and say what the station was told."""
        with self.lock:
            desk = self.desks[station]
            desk.is_ordered = order.level_w != desk.ordered_w
            desk.is_reading_outdated = True
            if error is not None:
                if desk.order_problem is None:
                    log.warning(
                        "station %s was not set to %.0f W: %s", station, order.level_w, error
                    )
                desk.order_problem = str(error)
                self.reports.answer(desk, LimitOutcome.FAILED, "station-failed", str(error))
                return
            is_change = desk.applied_w is None or desk.applied_w != order.level_w
            desk.order_problem = None
            desk.applied_w = order.level_w
            if is_change:
                log.info("station %s: %.0f W (%s)", station, order.level_w, desk.intent.code)
                self.reports.tell(
                    desk, StationEventKind.LIMIT_APPLIED, desk.intent.text, limit_w=order.level_w
                )
            if order.level_w == desk.granted_w and not desk.is_waiting:
                self.reports.answer_applied(desk)

    def on_crash(self, station: str, error: BaseException) -> None:
        """Note that a worker has ended; the main loop ends the process."""
        log.critical("the worker of station %s has ended", station)
        self.alarms.crashed(error)

    # --- what people and schedulers want ----------------------------------------------------------

    def command(self, desk: Desk, pending: Pending, until_s: float) -> None:
        """Take over an accepted limit that stands until `until_s`."""
        with self.lock:
            now_s = self._monotonic_s()
            self.reports.answer(
                desk, LimitOutcome.REFUSED, "superseded", "a newer limit has arrived"
            )
            if desk.levels is None:
                desk.pending = pending
                self.reports.answer(
                    desk, LimitOutcome.FAILED, "station-unknown", "it has never been reached"
                )
                return
            level_w = desk.levels.level_w(pending.limit.limit_w, pending.limit.limit_a)
            desk.command = Command(level_w, until_s)
            desk.command_key = (pending.limit.epoch, pending.message.seq)
            desk.pending = pending
            self._intend(desk, now_s)
            if desk.intent.code != "commanded":
                self.reports.answer(desk, LimitOutcome.REFUSED, desk.intent.code, desk.intent.text)
            self._grants.settle_if_needed(desk, now_s)
            self.reports.say_state(desk, now_s)

    def wish(self, desk: Desk, wishes: Wishes, kind: str) -> None:
        """Take over what somebody has asked for: a `mode` or a `goal`."""
        with self.lock:
            now_s = self._monotonic_s()
            desk.wishes = wishes
            self.reports.update_goal(desk, is_forced=True)
            desk.has_reached_target = desk.is_full
            if kind == "mode":
                self.reports.tell(desk, StationEventKind.MODE_CHANGED, f"mode {desk.mode.value}")
            else:
                self.reports.tell(desk, StationEventKind.GOAL_CHANGED, self.reports.goal_text(desk))
            self._intend(desk, now_s)
            self._grants.settle_if_needed(desk, now_s)
            self.reports.say_state(desk, now_s)

    # --- the passage of time ----------------------------------------------------------------------

    def tick(self) -> None:
        """Let limits run out, raise whom the guard held down, and repeat states in time."""
        with self.lock:
            now_s = self._monotonic_s()
            must_settle = self._grants.is_strained
            for desk in self.desks.values():
                before = desk.intent
                if self._intend(desk, now_s) is not before:
                    must_settle = True
            if must_settle:
                self._grants.settle(now_s)
            for desk in self.desks.values():
                if self.reports.is_state_due(desk, now_s):
                    self.reports.say_state(desk, now_s)

    def repeat_facts(self) -> None:
        """Publish all that is retained again, after a reconnection."""
        with self.lock:
            self.reports.repeat(self._monotonic_s())

    def lost_stations(self) -> list[str]:
        """Return the stations that do not answer."""
        return [
            desk.id for desk in self.desks.values() if desk.has_been_asked and not desk.is_reachable
        ]

    # --- decisions --------------------------------------------------------------------------------

    def _intend(self, desk: Desk, now_s: float) -> Intent:
        """Find what a station should draw; entering and leaving fail-safe is told."""
        if desk.levels is None:
            return desk.intent
        intent = intend(
            desk.mode, desk.command, desk.levels, desk.failsafe_w, now_s, is_full=desk.is_full
        )
        intent = within(intent, desk.levels, desk.max_current_a)
        if intent != desk.intent:
            desk.intent = intent
        if desk.reading is not None and intent.is_failsafe != desk.was_failsafe:
            desk.was_failsafe = intent.is_failsafe
            kind = StationEventKind.FAILSAFE_LEFT
            if intent.is_failsafe:
                kind = StationEventKind.FAILSAFE_ENTERED
                log.warning("station %s: fail-safe at %.0f W", desk.id, intent.level_w)
            self.reports.tell(desk, kind, intent.text, limit_w=intent.level_w)
        return desk.intent
