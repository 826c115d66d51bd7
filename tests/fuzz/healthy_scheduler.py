"""A scheduler that asks the bridge for the lease and commands, however disturbed the bus is."""

import time
from collections.abc import Callable
from typing import TypeVar

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, running, wait_until
from unit.station_bridge.station_park import POWER_W
from wattbus_contract import topics
from wattbus_contract.base import Body, Reason
from wattbus_contract.codec import InvalidMessage, decode
from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState, LimitResult, SetLimit
from wattbus_contract.facts import Mode
from wattbus_contract.requests import Clearable, GoalRequest, ModeRequest
from wattbus_contract.session import MqttSession

TIMEOUT_S = 60.0
NAME = "healthy"

BodyT = TypeVar("BodyT", bound=Body)


def obeys(broker: BrokerProcess, site: str, limit_w: Callable[[], float]) -> bool:
    """Tell whether the bridge grants the lease and applies limits; `limit_w` is the station's."""
    people = make_session(broker, "console", site, client_id="person", is_durable=False)
    with running(people):
        people.publish(topics.MODE_REQUEST, ModeRequest(mode=Mode.SMART), station="car1")
        no_limit = GoalRequest(clear=(Clearable.MAX_CURRENT_A,))
        people.publish(topics.GOAL_REQUEST, no_limit, station="car1")
        people._connection.wait_until_sent(TIMEOUT_S)
    heard = (topics.LEASE_STATE.filter(site), topics.LIMIT_RESULT.filter(site))
    session = make_session(broker, "scheduler", site, *heard, client_id=NAME, is_durable=False)
    with running(session):
        epoch = _acquire(session)
        for number, wanted_w in enumerate((POWER_W, 0.0)):
            command = session.publish(topics.SET_LIMIT, _limit(epoch, wanted_w), station="car1")
            result = _next(session, LimitResult, lambda r, c=command: r.command == c)  # type: ignore[misc]
            assert result is not None and result.outcome == "applied", (number, result)  # noqa: PT018 - the second needs the first
            wait_until(lambda w=wanted_w: limit_w() == w, f"the station is set to {wanted_w} W")  # type: ignore[misc]
        epoch_given_back = LeaseRequest(
            action=LeaseAction.RELEASE, instance=NAME, nonce="bye", epoch=epoch
        )
        session.publish(topics.LEASE_REQUEST, epoch_given_back)
    return True


def _acquire(session: MqttSession) -> int:
    """Take the lease, from whoever got it by a message that was not damaged enough."""
    deadline_s = time.monotonic() + TIMEOUT_S
    for number in range(1000):
        nonce = f"{session.boot_id}-{number}"
        ask = LeaseRequest(action=LeaseAction.ACQUIRE, instance=NAME, nonce=nonce)
        session.publish(topics.LEASE_REQUEST, ask)
        state = _next(session, LeaseState, lambda _: True, 1.0)
        while state is not None:
            if state.nonce == nonce:
                return state.epoch
            if state.holder not in {None, NAME}:
                away = LeaseRequest(
                    action=LeaseAction.RELEASE, instance=state.holder or "", nonce="away",
                    epoch=state.epoch,
                )  # fmt: skip
                session.publish(topics.LEASE_REQUEST, away)
            state = _next(session, LeaseState, lambda _: True, 0.3)
        assert time.monotonic() < deadline_s, "the lease was not granted"
    raise AssertionError


def _limit(epoch: int, limit_w: float) -> SetLimit:
    return SetLimit(
        epoch=epoch, instance=NAME, valid_for_s=60.0, limit_w=limit_w,
        reason=Reason(code="test", text="to see whether it obeys"),
    )  # fmt: skip


def _next(
    session: MqttSession, kind: type[BodyT], fits: Callable[[BodyT], bool],
    timeout_s: float = TIMEOUT_S,
) -> BodyT | None:  # fmt: skip
    """Return the next message that fits, or None; damaged ones are passed over."""
    deadline_s = time.monotonic() + timeout_s
    while (left_s := deadline_s - time.monotonic()) > 0:
        incoming = session.receive(left_s)
        if incoming is None:
            continue
        session.ack(incoming)
        try:
            body = decode(incoming.topic, incoming.payload).body
        except InvalidMessage:
            continue
        if isinstance(body, kind) and fits(body):
            return body
    return None
