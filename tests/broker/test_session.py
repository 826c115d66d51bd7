"""What a session promises while nothing breaks: messages, status, snapshot, refusals."""

import json
from collections.abc import Callable

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import (
    cut,
    make_session,
    read_until_dead,
    receive_all,
    receive_until,
    running,
    settings_for,
    settle,
    wait_until,
)
from wattbus_contract import examples, topics
from wattbus_contract.buffered_client import BufferedSocket
from wattbus_contract.codec import decode
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_contract.session import MessageTooLarge, MqttSession

Connect = Callable[..., MqttRecorder]


def status_of(recorder: MqttRecorder, session: MqttSession, since: int = 0) -> ServiceStatus:
    message = recorder.wait_for(lambda m: m.topic == session.status_topic, since=since)
    body = decode(message.topic, message.payload).body
    assert isinstance(body, ServiceStatus)
    return body


def test_a_published_message_arrives_with_its_id(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))
    goal = examples.EXAMPLES[topics.GOAL]

    with running(make_session(broker, "station-bridge", site)) as session:
        first = session.publish(topics.GOAL, goal, station="car1")
        second = session.publish(topics.GOAL, goal, station="car2")
        message = recorder.wait_for(lambda m: m.topic.endswith("car1/goal"))

    decoded = decode(message.topic, message.payload)
    assert decoded.body == goal
    assert decoded.message_id == first
    assert first.source == "station-bridge"
    assert second.seq > first.seq > 0


def test_retention_and_expiry_follow_the_topic(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))

    with running(make_session(broker, "scheduler", site)) as session:
        for spec in (topics.PLAN, topics.SHADOW_PLAN, topics.SET_LIMIT, topics.LEASE_REQUEST):
            ids = {name: {"station": "car1", "client": "scheduler"}[name] for name in spec.id_names}
            session.publish(spec, examples.EXAMPLES[spec], **ids)
        recorder.wait_for(lambda m: m.topic.endswith("lease/request"))
    later = mqtt_recorder("viewer", topics.everything(site)).settle()

    expiries = {m.topic.rpartition(f"{site}/")[2]: m.expiry_s for m in recorder.messages}
    assert expiries["plan"] is None
    assert expiries["shadow/scheduler/plan"] in (3599, 3600)
    assert expiries["station/car1/limit/set"] in (59, 60)
    assert expiries["lease/request"] in (4, 5)
    kept = {m.topic.rpartition(f"{site}/")[2] for m in later.messages}
    assert kept == {
        "plan",
        "shadow/scheduler/plan",
        "service/scheduler/scheduler/status",
    }


def test_a_session_is_up_when_connected_and_down_when_stopped(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))

    with running(make_session(broker, "scheduler", site)) as session:
        up = status_of(recorder, session)
    seen = len(recorder.messages)
    late = mqtt_recorder("viewer", session.status_topic).settle()

    assert (up.status, up.health, up.connection) == (Status.UP, Health.OK, 1)
    down = status_of(late, session)
    assert (down.status, down.detail) == (Status.DOWN, "stopped")
    assert late.messages[-1].retain
    assert seen <= 2  # up and down: the will is not published after a clean stop


def test_the_will_tells_which_connection_was_lost(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))

    with running(make_session(broker, "scheduler", site)) as session:
        status_of(recorder, session)
        # What the broker has not confirmed yet would be said again on the next connection.
        wait_until(lambda: not session.unconfirmed, "the broker confirms the status")
        cut(session)
        recorder.wait_for(lambda m: m.json["status"] == "up" and m.json["connection"] == 2)
        told = [(m.json["status"], m.json["connection"]) for m in recorder.messages]
        will = recorder.messages[1].json

    assert told[:3] == [("up", 1), ("down", 1), ("up", 2)]
    assert will["detail"] == "connection lost"
    assert (will["seq"], will["boot_id"]) == (0, session.boot_id)


def test_all_retained_messages_come_before_the_own_status(broker: BrokerProcess, site: str) -> None:
    names = [topics.SITE_INFO, topics.PRICE, topics.BASE_LOAD, topics.LEASE_STATE]
    with running(make_session(broker, "station-bridge", site)) as bridge:
        for spec in names:
            bridge.publish(spec, examples.EXAMPLES[spec])
        for number in range(200):
            bridge.publish(topics.GOAL, examples.EXAMPLES[topics.GOAL], station=f"car{number}")
    expected = {spec.topic(site) for spec in names}
    expected |= {topics.GOAL.topic(site, station=f"car{number}") for number in range(200)}
    session = make_session(broker, "scheduler", site, topics.everything(site), is_durable=False)
    session.publish(topics.PLAN, examples.EXAMPLES[topics.PLAN])  # what is held must not disturb

    with running(session):
        received = receive_until(
            session, lambda m: session.ends_snapshot(m, decode(m.topic, m.payload))
        )

    retained = {m.topic for m in received if m.is_retained}
    assert expected <= retained


def test_a_status_of_an_earlier_life_does_not_end_the_snapshot(
    broker: BrokerProcess, site: str
) -> None:
    with running(make_session(broker, "scheduler", site)):
        pass
    session = make_session(broker, "scheduler", site, topics.everything(site), is_durable=False)

    with running(session):
        first, last = receive_until(
            session, lambda m: session.ends_snapshot(m, decode(m.topic, m.payload))
        )

    assert first.topic == last.topic == session.status_topic
    assert (first.is_retained, last.is_retained) == (True, False)


@pytest.mark.parametrize(("is_durable", "expected"), [(True, 5), (False, 0)])
def test_a_durable_session_gets_what_was_said_while_it_was_away(
    broker: BrokerProcess, site: str, is_durable: bool, expected: int
) -> None:
    def listener() -> MqttSession:
        return make_session(
            broker, "logger", site, topics.METER.filter(site), is_durable=is_durable
        )

    with running(listener()) as session:
        receive_all(session, 0.3)
    with running(make_session(broker, "station-bridge", site)) as bridge:
        for _ in range(5):
            bridge.publish(topics.METER, examples.EXAMPLES[topics.METER], station="car1")
    with running(listener()) as session:
        received = receive_all(session)

    assert len(received) == expected
    assert len({m.payload for m in received}) == expected


def test_what_is_not_confirmed_comes_again_in_order(broker: BrokerProcess, site: str) -> None:
    session = make_session(broker, "logger", site, topics.METER.filter(site))
    with running(session), running(make_session(broker, "station-bridge", site)) as bridge:
        for _ in range(5):
            bridge.publish(topics.METER, examples.EXAMPLES[topics.METER], station="car1")
        first = receive_all(session, ack=False)
        for incoming in first[:2]:
            session.ack(incoming)
        settle(session)
        cut(session)

        again = receive_all(session, ack=False)
        for incoming in first:
            session.ack(incoming)  # of the lost connection: must have no effect
        for incoming in again:
            session.ack(incoming)
        settle(session)
        cut(session)
        at_last = receive_all(session)

    assert [m.payload for m in again] == [m.payload for m in first[2:]]
    assert at_last == []


def test_the_broker_waits_for_confirmation(broker: BrokerProcess, site: str) -> None:
    session = make_session(broker, "logger", site, topics.METER.filter(site), receive_maximum=5)
    with running(session), running(make_session(broker, "station-bridge", site)) as bridge:
        for _ in range(12):
            bridge.publish(topics.METER, examples.EXAMPLES[topics.METER], station="car1")

        window = receive_all(session, ack=False)
        for incoming in window:
            session.ack(incoming)
        rest = receive_all(session)

    # How many come after a confirmation is the broker's affair: Mosquitto 2.0.11 then sends all.
    assert (len(window), len(rest)) == (5, 7)
    seqs = [json.loads(m.payload)["seq"] for m in [*window, *rest]]
    assert seqs == sorted(seqs)


def test_a_wrong_password_ends_the_session_and_names_the_setting(
    broker: BrokerProcess, site: str
) -> None:
    settings = settings_for(broker, "logger", password_file=broker.password_file("viewer"))
    session = make_session(broker, "logger", site, settings=settings)

    fault = read_until_dead(session)

    assert f"{broker.host}:{broker.port} refuses user logger" in fault
    assert "WATTBUS_MQTT_PASSWORD_FILE" in fault
    assert broker.password("viewer") not in fault


def test_a_denied_topic_is_noticed_and_degrades_the_health(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))
    with running(make_session(broker, "scheduler", site)) as session:
        session.publish(topics.PLAN, examples.EXAMPLES[topics.PLAN])
        session.publish(topics.PRICE, examples.EXAMPLES[topics.PRICE])

        wait_until(lambda: session.denied_topics, "the denial is noticed")
        status = recorder.wait_for(
            lambda m: m.topic == session.status_topic and m.json["health"] == "degraded"
        )
        session.set_health(Health.OK)

    assert session.denied_topics == {topics.PRICE.topic(site)}
    assert topics.PRICE.topic(site) in status.json["detail"]
    assert recorder.messages[-1].json["health"] == "degraded"  # OK of the service hides no denial


def test_a_message_too_large_is_refused_before_it_is_sent(
    broker: BrokerProcess, mqtt_recorder: Connect, site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))
    settings = settings_for(broker, "station-bridge", max_packet_bytes=2**24)
    session = make_session(broker, "station-bridge", site, settings=settings)
    topic = topics.METER.topic(site, station="car1")
    session.send(topic, b"x" * 2**21)  # held, while the broker's limit is not known

    with running(session):
        with pytest.raises(MessageTooLarge, match=topic):
            session.send(topic, b"x" * 2**21)
        session.publish(topics.METER, examples.EXAMPLES[topics.METER], station="car1")
        message = recorder.wait_for(lambda m: m.topic == topic)
        status = recorder.wait_for(lambda m: "not sent" in m.json.get("detail", ""))

    assert message.json["schema"] == "meter/1"
    assert str(2**21) in status.json["detail"]
    assert session.connection == 1


def test_the_same_message_from_a_bare_client_costs_it_the_connection(
    broker: BrokerProcess, site: str
) -> None:
    """The negative control of the test above."""
    lost: list[str] = []
    accepted: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("station-bridge", broker.password("station-bridge"))
    client.on_connect = lambda *args: accepted.append(str(args[3]))
    client.on_disconnect = lambda *args: lost.append(str(args[3]))
    client.connect(broker.host, broker.port)
    client.loop_start()

    try:
        client.publish(topics.METER.topic(site, station="car1"), b"x" * 2**21, 1)
        wait_until(lambda: len(lost) > 1, "the connection is lost again and again")
    finally:
        client.disconnect()
        client.loop_stop()
    # Not for a wrong password, or the like.
    assert set(accepted) == {"Success"}


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a\0b", "x" * 65_536])
def test_what_is_no_topic_is_refused_at_once(broker: BrokerProcess, site: str, topic: str) -> None:
    session = make_session(broker, "scheduler", site)

    with pytest.raises(ValueError, match="no topic to publish on"):
        session.send(topic, b"{}")


def test_a_flood_is_read_in_a_few_large_pieces(broker: BrokerProcess, site: str) -> None:
    count = 2000
    goal = examples.EXAMPLES[topics.GOAL]
    reads = 0

    class Counting(BufferedSocket):
        def recv(self, buffer_size: int) -> bytes:
            nonlocal reads
            reads += self.pending() == 0
            return super().recv(buffer_size)

    with (
        running(make_session(broker, "station-bridge", site)) as sender,
        running(make_session(broker, "viewer", site, topics.everything(site))) as session,
    ):
        client = session._connection._client
        ahead = client.socket()
        assert isinstance(ahead, BufferedSocket)
        ahead.__class__ = Counting
        for _ in range(count):
            sender.publish(topics.METER, examples.EXAMPLES[topics.METER], station="car1")
        sender.publish(topics.GOAL, goal, station="car1")
        receive_until(session, lambda incoming: incoming.topic.endswith("car1/goal"))

    assert reads < count
