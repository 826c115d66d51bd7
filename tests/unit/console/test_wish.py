"""Wishes over the real broker: sent as the contract has them, and answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, settings_for, wait_until
from wattbus_console import bus
from wattbus_console.bus import ask_for, ask_for_strategy, connected, known_strategies
from wattbus_console.commands.wish import Clear, goal_request
from wattbus_console.mistakes import Mistake
from wattbus_contract import examples, topics
from wattbus_contract.base import Reason
from wattbus_contract.codec import decode
from wattbus_contract.control import Plan, RequestOutcome, Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest


@contextmanager
def answering_bridge(broker: BrokerProcess, site: str) -> Iterator[list[object]]:
    """A bridge that accepts modes and strategies and refuses goals; gives what it was asked."""
    asked: list[object] = []
    session = make_session(
        broker,
        "station-bridge",
        site,
        topics.MODE_REQUEST.filter(site),
        topics.GOAL_REQUEST.filter(site),
        topics.STRATEGY_REQUEST.filter(site),
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
            is_goal = isinstance(message.body, GoalRequest)
            assert message.envelope is not None
            station = message.topic.ids.get("station")
            answer = Response(
                request="goal" if is_goal else "mode" if station else "strategy",
                station=station,
                outcome=RequestOutcome.REFUSED if is_goal else RequestOutcome.ACCEPTED,
                reason=Reason(code="test", text="has passed" if is_goal else "as you wish"),
                request_source=message.envelope.source,
                request_seq=message.envelope.seq,
            )
            if station is None:
                session.publish(topics.SITE_RESPONSE, answer)
            else:
                session.publish(topics.RESPONSE, answer, station=station)

    thread = threading.Thread(target=serve)
    thread.start()
    assert is_ready.wait(10)
    try:
        yield asked
    finally:
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


def test_a_strategy_is_asked_for_and_those_that_can_be_are_known(
    broker: BrokerProcess, site: str
) -> None:
    scheduler = make_session(broker, "scheduler", site)
    scheduler.start()
    plan = examples.EXAMPLES[topics.PLAN]
    assert isinstance(plan, Plan)
    try:
        wait_until(lambda: scheduler.is_connected, "the scheduler connects")
        scheduler.publish(topics.PLAN, plan)
        wait_until(lambda: scheduler.unconfirmed == 0, "its plan is retained")
        with (
            answering_bridge(broker, site) as asked,
            connected(settings_for(broker, "console"), site) as people,
        ):
            known = known_strategies(people)
            accepted = ask_for_strategy(people, "load")
    finally:
        scheduler.stop()

    assert known == plan.strategies
    assert accepted.outcome is RequestOutcome.ACCEPTED
    assert asked == [StrategyRequest(strategy="load")]


@pytest.mark.parametrize(
    ("text", "days", "at", "target"),
    [
        ("mon-fri 07:00", "mon tue wed thu fri", "07:00", None),
        ("Sat,Sun 9:30 100%", "sat sun", "09:30", 100),
        ("fri - mon 08:15", "mon fri sat sun", "08:15", None),
        ("Wednesday, mon 23:59 62.5 %", "mon wed", "23:59", 62.5),
        ("daily 06:00", "mon tue wed thu fri sat sun", "06:00", None),
    ],
)
def test_a_week_is_read_as_people_write_it(
    text: str, days: str, at: str, target: float | None
) -> None:
    wish = goal_request(None, None, None, None, weekly=[text])

    assert wish.weekly is not None
    (departure,) = wish.weekly
    assert " ".join(departure.days) == days
    assert (f"{departure.departure_time:%H:%M}", departure.target_soc_percent) == (at, target)


def test_a_limit_and_what_is_taken_back_are_asked_for_together() -> None:
    wish = goal_request(
        None, None, None, None, max_current=10, clear=[Clear.WEEKLY, Clear.PRICE_CAP]
    )

    assert wish.model_dump(mode="json", exclude_none=True) == {
        "max_current_a": 10, "clear": ["weekly", "price_cap_per_kwh"],
    }  # fmt: skip


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
