"""Takes what arrives from the broker to whom it concerns: leases, limits, wishes, old facts."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from wattbus_contract import topics
from wattbus_contract.base import MessageId, Reason
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import (
    LeaseRequest,
    LeaseState,
    LimitOutcome,
    RequestOutcome,
    Response,
    SetLimit,
)
from wattbus_contract.requests import GoalRequest, ModeRequest
from wattbus_contract.service import LogConfirmed, ServiceStatus
from wattbus_contract.session import Incoming, MqttSession, SessionDead
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.control.failsafe import command_until_s
from wattbus_station_bridge.control.gate import Arrival, Gate
from wattbus_station_bridge.desk import Pending
from wattbus_station_bridge.goals import Wishes, with_goal
from wattbus_station_bridge.lease_desk import LeaseDesk
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.spool.replay import Replayer

log = logging.getLogger(__name__)

HEARD = (
    topics.SET_LIMIT, topics.LEASE_REQUEST, topics.LEASE_STATE, topics.MODE_REQUEST,
    topics.GOAL_REQUEST, topics.STATION_INFO, topics.GOAL, topics.LOG_CONFIRMED,
    topics.SERVICE_STATUS,
)  # fmt: skip
OWN_RETAINED = (topics.STATION_INFO, topics.STATION_STATE, topics.GOAL)


class Inbox:
    """Handles one message after the other, in the main thread."""

    def __init__(
        self,
        *,
        session: MqttSession,
        site: Site,
        lease_desk: LeaseDesk,
        memory: Memory,
        gate: Gate,
        failsafe_after_s: float,
        replayer: Replayer | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._site = site
        self._lease_desk = lease_desk
        self._memory = memory
        self._gate = gate
        self._failsafe_after_s = failsafe_after_s
        self._replayer = replayer
        self._monotonic_s = monotonic_s
        self._cleared: set[str] = set()
        self._has_heard_lease = False
        self._predecessor: str | None = None

    def handle(self, incoming: Incoming) -> None:
        """Do what a message asks for; one that the contract refuses is logged."""
        if not incoming.payload:
            return
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage as error:
            log.warning("ignored: %s", error)
            return
        match message.body:
            case SetLimit() as limit:
                self._take_limit(message, limit, incoming)
            case LeaseRequest() as request if not incoming.is_retained:
                with self._site.lock:
                    self._lease_desk.handle(request, self._monotonic_s())
            case LeaseState() as state:
                self._take_lease_state(message, state, is_retained=incoming.is_retained)
            case ModeRequest(mode=mode) if not incoming.is_retained:
                self._take_wish(message, "mode", lambda wishes, _: replace(wishes, mode=mode))
            case GoalRequest() as goal if not incoming.is_retained:
                zone = self._site.zone
                self._take_wish(
                    message, "goal", lambda wishes, now: with_goal(wishes, goal, now, zone)
                )
            case LeaseRequest() | ModeRequest() | GoalRequest():
                log.warning("ignored: %s: a request must not be retained", incoming.topic)
            case LogConfirmed() | ServiceStatus():
                if self._replayer is not None:
                    self._replayer.note(message)
            case _:
                self._clear_if_unknown(message)

    def _take_limit(self, message: Decoded, limit: SetLimit, incoming: Incoming) -> None:
        station, pending = message.topic.station, Pending(message.message_id, limit)
        now_s = self._monotonic_s()
        arrival = Arrival(
            message.message_id,
            incoming.received_monotonic_s,
            incoming.expires_in_s,
            incoming.is_retained,
        )
        desk = self._site.desks.get(station)
        with self._site.lock:
            verdict = self._gate.judge(station, limit, arrival, self._lease_desk.lease, now_s)
            if desk is not None and verdict.is_accepted:
                until_s = command_until_s(
                    incoming.received_monotonic_s, verdict.deadline_s, self._failsafe_after_s
                )
                self._site.command(desk, pending, until_s)
                return
            code, text = verdict.code, verdict.text
            if desk is None:
                code, text = "unknown-station", f"this site has no station {station}"
            log.warning("limit for %s refused: %s", station, text)
            self._site.reports.say_result(station, pending, LimitOutcome.REFUSED, code, text)

    def _take_lease_state(self, message: Decoded, state: LeaseState, *, is_retained: bool) -> None:
        """Note whether another bridge serves this site; the one that came later gives way.

        It finds the other's lease as the first word on the topic, and then hears it speak. What
        has our own client id is what an earlier process of ours has said.
        """
        boot_id = state.bridge_boot_id
        is_first_word, self._has_heard_lease = not self._has_heard_lease, True
        if boot_id == self._session.boot_id:
            return
        if is_first_word and is_retained:
            self._predecessor = boot_id
        if not is_retained and message.message_id.source != self._session.client_id:
            detail = (
                f"another station-bridge ({message.message_id.source}, boot {boot_id}) serves "
                "this site; two would both command its stations"
            )
            if boot_id == self._predecessor:
                raise SessionDead(detail)
            log.error(detail)
            self._site.alarms.trouble("twin", detail)
        with self._site.lock:
            self._lease_desk.outrun(state.epoch)

    def _take_wish(
        self, message: Decoded, kind: str, change: Callable[[Wishes, datetime], Wishes]
    ) -> None:
        station = message.topic.station
        desk = self._site.desks.get(station)
        outcome, code, text = RequestOutcome.ACCEPTED, "accepted", "done"
        if desk is None:
            outcome, code = RequestOutcome.REFUSED, "unknown-station"
            text = f"this site has no station {station}"
        else:
            try:
                wishes = change(desk.wishes, self._site.reports.now)
            except ValueError as error:
                outcome, code, text = RequestOutcome.REFUSED, "not-possible", str(error)
            else:
                with self._site.lock:
                    kept = {d.id: d.wishes for d in self._site.desks.values()}
                    self._memory.keep_wishes(kept | {station: wishes})
                    self._site.wish(desk, wishes, kind)
        self._respond(message, kind, outcome, Reason(code=code, text=text))

    def _respond(
        self, message: Decoded, kind: str, outcome: RequestOutcome, reason: Reason
    ) -> None:
        sender: MessageId | None = message.message_id if message.envelope is not None else None
        self._session.publish(
            topics.RESPONSE,
            Response(
                request="mode" if kind == "mode" else "goal",
                station=message.topic.station,
                outcome=outcome,
                reason=reason,
                request_source=None if sender is None else sender.source,
                request_seq=None if sender is None else sender.seq,
            ),
            station=message.topic.station,
        )

    def _clear_if_unknown(self, message: Decoded) -> None:
        """Remove what was retained of a station that this site no longer has."""
        station = message.topic.station
        if station in self._site.desks or station in self._cleared:
            return
        self._cleared.add(station)
        log.info("station %s is no longer configured; removing its retained topics", station)
        for spec in OWN_RETAINED:
            self._clear(spec, station)

    def _clear(self, spec: TopicSpec, station: str) -> None:
        topic = spec.topic(self._session.site, station=station)
        self._session.send(topic, b"", is_retained=True)
