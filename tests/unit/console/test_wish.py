"""Wishes over the real broker: sent as the contract has them, and answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, settings_for
from wattbus_console import bus
from wattbus_console.bus import ask_for, connected
from wattbus_console.commands.wish import goal_request
from wattbus_console.mistakes import Mistake
from wattbus_contract import topics
from wattbus_contract.base import Reason
from wattbus_contract.codec import decode
from wattbus_contract.control import RequestOutcome, Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest


@contextmanager
def answering_bridge(broker: BrokerProcess, site: str) -> Iterator[list[object]]:
    """A bridge that accepts modes and refuses goals; gives what it was asked."""
    asked: list[object] = []
    session = make_session(
        broker,
        "station-bridge",
        site,
        topics.MODE_REQUEST.filter(site),
        topics.GOAL_REQUEST.filter(site),
    )
    must_stop, is_ready = threading.Event(), threading.Event()

    def serve() -> None:
        session.start()
        while not must_stop.is_set():
            incoming = session.receive(0.05)
            if session.is_connected:
                is_ready.set()
            if incoming is None:
                continue
            message = decode(incoming.topic, incoming.payload)
            session.ack(incoming)
            asked.append(message.body)
            is_mode = isinstance(message.body, ModeRequest)
            assert message.envelope is not None
            answer = Response(
                request="mode" if is_mode else "goal",
                station=message.topic.station,
                outcome=RequestOutcome.ACCEPTED if is_mode else RequestOutcome.REFUSED,
                reason=Reason(code="test", text="as you wish" if is_mode else "has passed"),
                request_source=message.envelope.source,
                request_seq=message.envelope.seq,
            )
            session.publish(topics.RESPONSE, answer, station=message.topic.station)

    thread = threading.Thread(target=serve)
    thread.start()
    assert is_ready.wait(10)
    yield asked
    must_stop.set()
    thread.join()
    session.stop()


def test_a_wish_is_answered(broker: BrokerProcess, site: str) -> None:
    with (
        answering_bridge(broker, site) as asked,
        connected(settings_for(broker, "console"), site) as people,
    ):
        accepted = ask_for(people, "car1", ModeRequest(mode=Mode.NOW))
        refused = ask_for(people, "car1", goal_request(80, None, "07:00", None))

    assert (accepted.outcome, accepted.reason.text) == (RequestOutcome.ACCEPTED, "as you wish")
    assert refused.outcome is RequestOutcome.REFUSED
    assert asked == [
        ModeRequest(mode=Mode.NOW),
        GoalRequest.model_validate({"target_soc_percent": 80.0, "departure_time": "07:00"}),
    ]


def test_silence_is_told(broker: BrokerProcess, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "ANSWER_TIMEOUT_S", 0.3)

    with (
        connected(settings_for(broker, "console"), site) as people,
        pytest.raises(Mistake, match="no station 'car9' at this site; known stations: none"),
    ):
        ask_for(people, "car9", ModeRequest(mode=Mode.NOW))


def test_a_user_who_may_not_ask_is_told_so(broker: BrokerProcess, site: str) -> None:
    with (
        connected(settings_for(broker, "viewer"), site) as people,
        pytest.raises(Mistake, match="does not let user viewer ask"),
    ):
        ask_for(people, "car1", ModeRequest(mode=Mode.NOW))


def test_a_wrong_password_is_told_so(broker: BrokerProcess, site: str) -> None:
    settings = settings_for(broker, "console").model_copy(
        update={"password_file": None, "password": "wrong-password"}
    )

    with pytest.raises(Mistake, match="refuses user console"), connected(settings, site):
        pass


def test_a_console_leaves_no_trace_on_the_broker(
    broker: BrokerProcess, site: str, mqtt_recorder: Callable[..., object]
) -> None:
    with connected(settings_for(broker, "console"), site):
        pass

    recorder = mqtt_recorder("viewer", f"wattbus/v1/{site}/#")

    assert recorder.settle().messages == []  # type: ignore[attr-defined] # an MqttRecorder
