"""The console on the bus: connects or says what to do, keeps the picture, carries wishes."""

import logging
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from wattbus_console.mistakes import Mistake
from wattbus_console.picture import Confirmations, Picture
from wattbus_contract import topics
from wattbus_contract.base import MessageId
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import Response
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest
from wattbus_contract.session import MqttSession, SessionDead

USER = "console"
REACH_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 5.0
PLAN_TIMEOUT_S = 3.0
"""The retained plan comes right after connecting, if there is one."""
NO_ANSWER = f"no answer within {ANSWER_TIMEOUT_S:g} s: is the station-bridge running?"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Bus:
    """A connected session with the picture that its messages paint."""

    session: MqttSession
    picture: Picture
    confirmations: Confirmations
    newest_reading: Decoded | None = None

    def pump(self, timeout_s: float) -> list[Decoded]:
        """Take what arrives within `timeout_s`, and all that has arrived by then."""
        taken = []
        incoming = self.session.receive(timeout_s)
        while incoming is not None:
            message = None
            try:
                message = decode(incoming.topic, incoming.payload)
            except InvalidMessage as error:
                log.warning("ignored a message: %s", error)
            if message is not None:
                self.picture.apply(message)
                self.confirmations.apply(message)
                if message.topic.spec is topics.METER:
                    self.newest_reading = message
                taken.append(message)
            self.session.ack(incoming)
            incoming = self.session.receive(0.0)
        return taken


@contextmanager
def connected(settings: BrokerSettings, site: str) -> Iterator[Bus]:
    """Give a connected bus; Mistake with what to do when the broker is away or refuses us."""
    session = MqttSession(
        settings,
        user=USER,
        site=site,
        version=version("wattbus-console"),
        subscriptions=[topics.everything(site)],
        # Many consoles may run at once; none leaves a trace on the broker.
        client_id=settings.client_id or f"{settings.username or USER}-{uuid.uuid4().hex[:8]}",
        is_durable=False,
        announces_itself=False,
    )
    bus = Bus(session, Picture(), Confirmations())
    _check_reachable(settings)
    session.start()
    try:
        _wait_connected(bus, settings)
        yield bus
    except SessionDead as error:
        raise Mistake(str(error)) from error
    finally:
        session.stop()


def _check_reachable(settings: BrokerSettings) -> None:
    """Tell at once what the session would wait for."""
    try:
        socket.create_connection((settings.host, settings.port), REACH_TIMEOUT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mistake(
            f"no broker answers at {settings.host}:{settings.port} ({reason.lower()}): start one "
            "with `wattbus up` or `docker compose up`, or say where it is with --host and --port"
        ) from error


def _wait_connected(bus: Bus, settings: BrokerSettings) -> None:
    deadline_s = time.monotonic() + CONNECT_TIMEOUT_S
    while not bus.session.is_connected:
        if time.monotonic() > deadline_s:
            raise Mistake(
                f"the broker at {settings.host}:{settings.port} has not let us in within "
                f"{CONNECT_TIMEOUT_S:g} s"
            )
        bus.pump(0.05)


def ask_for(bus: Bus, station: str, wish: ModeRequest | GoalRequest) -> Response:
    """Send a wish for a station and return the answer; Mistake if nobody answers."""
    spec = topics.MODE_REQUEST if isinstance(wish, ModeRequest) else topics.GOAL_REQUEST
    answer = _answer_to(bus, bus.session.publish(spec, wish, station=station))
    if answer is not None:
        return answer
    if station not in bus.picture.stations:
        known = ", ".join(bus.picture.stations) or "none"
        raise Mistake(f"no station {station!r} at this site; known stations: {known}")
    raise Mistake(NO_ANSWER)


def ask_for_strategy(bus: Bus, strategy: str) -> Response:
    """Send the wish for a strategy and return the answer; Mistake if nobody answers."""
    answer = _answer_to(
        bus, bus.session.publish(topics.STRATEGY_REQUEST, StrategyRequest(strategy=strategy))
    )
    if answer is None:
        raise Mistake(NO_ANSWER)
    return answer


def known_strategies(bus: Bus) -> tuple[str, ...]:
    """Return what the scheduler can be asked for; empty while no plan of it is known."""
    deadline_s = time.monotonic() + PLAN_TIMEOUT_S
    while bus.picture.plan is None and time.monotonic() < deadline_s:
        bus.pump(0.1)
    plan = bus.picture.plan
    return (plan.strategies or ()) if plan is not None else ()


def _answer_to(bus: Bus, sent: MessageId) -> Response | None:
    deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline_s:
        for message in bus.pump(0.1):
            body = message.body
            if (
                isinstance(body, Response)
                and body.request_source == sent.source
                and body.request_seq == sent.seq
            ):
                return body
        if bus.session.denied_topics:
            raise Mistake(
                f"the broker does not let user {bus.session.user} ask for anything: use the user "
                "console, homeassistant or dashboard"
            )
    return None
