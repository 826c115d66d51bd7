"""Takes what arrives from the broker to whom it concerns: leases, limits, wishes, old facts."""

import logging
import time
from collections.abc import Callable

from wattbus_contract import topics
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import LeaseRequest, LeaseState, LimitOutcome, SetLimit
from wattbus_contract.repetition import Repetition
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest
from wattbus_contract.room import make_room
from wattbus_contract.service import LogConfirmed, ServiceStatus
from wattbus_contract.session import Incoming, MqttSession, SessionDead
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.control.failsafe import command_until_s
from wattbus_station_bridge.control.gate import Arrival, Gate
from wattbus_station_bridge.desk import Pending
from wattbus_station_bridge.lease_desk import LeaseDesk
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.spool.replay import Replayer
from wattbus_station_bridge.wish_desk import WISHES, WishDesk

log = logging.getLogger(__name__)

HEARD = (
    topics.SET_LIMIT, topics.LEASE_REQUEST, topics.LEASE_STATE, topics.MODE_REQUEST,
    topics.GOAL_REQUEST, topics.STRATEGY_REQUEST, topics.STATION_INFO, topics.GOAL,
    topics.LOG_CONFIRMED, topics.SERVICE_STATUS,
)  # fmt: skip
LOG_EVERY_S = 60.0
"""How often the same kind of refusal is logged, however many messages are refused."""
OWN_RETAINED = (topics.STATION_INFO, topics.STATION_STATE, topics.GOAL)


class Inbox:
    """Handles one message after the other, in the main thread."""

    def __init__(
        self,
        *,
        session: MqttSession,
        site: Site,
        lease_desk: LeaseDesk,
        wish_desk: WishDesk,
        gate: Gate,
        failsafe_after_s: float,
        replayer: Replayer | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._site = site
        self._lease_desk = lease_desk
        self._wish_desk = wish_desk
        self._gate = gate
        self._failsafe_after_s = failsafe_after_s
        self._replayer = replayer
        self._monotonic_s = monotonic_s
        self._repetition = Repetition(LOG_EVERY_S)
        self._cleared: dict[str, None] = {}
        self._has_heard_lease = False
        self._predecessor: str | None = None

    def handle(self, incoming: Incoming) -> None:
        """Do what a message asks for; one that the contract refuses is logged."""
        if not incoming.payload:
            return
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage as error:
            self._refuse(incoming, error)
            return
        match message.body:
            case SetLimit() as limit:
                self._take_limit(message, limit, incoming)
            case LeaseRequest() as request if not incoming.is_retained:
                boot_id = None if message.envelope is None else message.envelope.boot_id
                with self._site.lock:
                    self._lease_desk.handle(request, self._monotonic_s(), boot_id)
            case LeaseState() as state:
                self._take_lease_state(message, state, is_retained=incoming.is_retained)
            case ModeRequest() | GoalRequest() | StrategyRequest() if not incoming.is_retained:
                self._wish_desk.handle(message)
            case LeaseRequest() | ModeRequest() | GoalRequest() | StrategyRequest():
                self._warn(
                    f"retained {message.topic.spec.name}",
                    f"ignored: {incoming.topic}: a request must not be retained",
                )
            case LogConfirmed() | ServiceStatus():
                if self._replayer is not None:
                    self._replayer.note(message)
            case _:
                self._clear_if_unknown(message)

    def _refuse(self, incoming: Incoming, error: InvalidMessage) -> None:
        """Log what the contract refuses; a person who typed it is answered."""
        parsed = topics.parse(incoming.topic)
        kind = "unknown" if parsed is None else parsed.spec.name
        self._warn(f"{kind} {error.field}"[:200], f"ignored: {error}")
        if parsed is not None and parsed.spec in WISHES and not incoming.is_retained:
            self._wish_desk.refuse(parsed, error)

    def _warn(self, key: str, text: str) -> None:
        if self._repetition.is_worth_saying(key, self._monotonic_s()):
            log.warning("%s (the like is not told for %.0f s)", text, LOG_EVERY_S)

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
            self._warn(
                f"limit {code} {station if desk is not None else ''}",
                f"limit for {station} refused: {text}",
            )
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

    def _clear_if_unknown(self, message: Decoded) -> None:
        """Remove what was retained of a station that this site no longer has."""
        station = message.topic.station
        if station in self._site.desks or station in self._cleared:
            return
        make_room(self._cleared, station)
        self._cleared[station] = None
        log.info("station %s is no longer configured; removing its retained topics", station)
        for spec in OWN_RETAINED:
            self._clear(spec, station)

    def _clear(self, spec: TopicSpec, station: str) -> None:
        topic = spec.topic(self._session.site, station=station)
        self._session.send(topic, b"", is_retained=True)
