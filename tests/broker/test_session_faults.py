"""What a session does when the broker, a twin or its own thread fails."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import (
    cut,
    make_session,
    receive_all,
    receive_until,
    running,
    settings_for,
    settle,
    wait_until,
)
from wattbus_contract import examples, topics
from wattbus_contract.session import MqttSession, SessionDead

METER = examples.EXAMPLES[topics.METER]


@pytest.mark.parametrize("how", ["restart", "kill -9"])
def test_a_session_hears_again_after_the_broker_was_gone(
    own_broker: BrokerProcess, site: str, how: str
) -> None:
    session = make_session(own_broker, "logger", site, topics.METER.filter(site), is_durable=False)
    with running(session), running(make_session(own_broker, "station-bridge", site)) as bridge:
        bridge.publish(topics.METER, METER, station="before")
        receive_until(session, lambda m: "before" in m.topic)
        own_broker.stop() if how == "restart" else own_broker.kill()
        wait_until(lambda: not session.is_connected, "the loss is noticed")
        bridge.publish(topics.METER, METER, station="meanwhile")
        own_broker.start()
        wait_until(lambda: session.is_subscribed, "the session is back")
        bridge.publish(topics.METER, METER, station="after")
        heard = receive_until(session, lambda m: "after" in m.topic)

    assert session.connection > 1
    assert heard[-1].connection == session.connection


def test_a_durable_session_survives_a_restart_of_the_broker(
    own_broker: BrokerProcess, site: str
) -> None:
    with running(make_session(own_broker, "logger", site, topics.METER.filter(site))):
        pass
    with running(make_session(own_broker, "station-bridge", site)) as bridge:
        for number in range(3):
            bridge.publish(topics.METER, METER, station=f"car{number}")

    own_broker.restart()
    with running(make_session(own_broker, "logger", site, topics.METER.filter(site))) as session:
        heard = receive_all(session)

    assert [m.topic for m in heard] == [
        topics.METER.topic(site, station=f"car{n}") for n in range(3)
    ]


def test_a_process_with_the_same_client_id_is_noticed(broker: BrokerProcess, site: str) -> None:
    incumbent = make_session(broker, "scheduler", site)
    twin = make_session(broker, "scheduler", site)
    faults: dict[str, SessionDead] = {}

    def read(name: str, session: MqttSession, is_over: threading.Event) -> None:
        try:
            while not is_over.is_set():
                session.receive(0.1)
        except SessionDead as fault:
            faults[name] = fault
            session.stop()

    with running(incumbent):
        time.sleep(2.1)  # what a service has that has been at work before the twin came
        is_over = threading.Event()
        readers = [
            threading.Thread(target=read, args=("incumbent", incumbent, is_over)),
            threading.Thread(target=read, args=("twin", twin, is_over)),
        ]
        twin.start()
        for reader in readers:
            reader.start()
        wait_until(lambda: faults, "one of the two gives up", 30)
        wait_until(lambda: sum(s.is_connected for s in (incumbent, twin)) == 1, "one stays")
        time.sleep(1.0)  # in which the one that stays would be thrown out again
        alive = [name for name, s in (("incumbent", incumbent), ("twin", twin)) if s.is_connected]
        is_over.set()
        for reader in readers:
            reader.join()
    twin.stop()

    assert set(faults) == {"twin"}
    assert alive == ["incumbent"]
    message = str(faults["twin"])
    assert "client id scheduler" in message
    assert "WATTBUS_MQTT_CLIENT_ID" in message


def test_a_few_losses_are_no_twin(broker: BrokerProcess, site: str) -> None:
    settings = settings_for(broker, "scheduler", max_brief_connections=3)
    with running(make_session(broker, "scheduler", site, settings=settings)) as session:
        for _ in range(2):
            cut(session)
        assert session.receive(1.5) is None

        with pytest.raises(SessionDead, match="3 connections in a row"):  # noqa: PT012 - until it ends
            cut(session)
            session.receive(1.5)


def test_stop_does_not_hang_without_a_broker(own_broker: BrokerProcess, site: str) -> None:
    session = make_session(own_broker, "scheduler", site)
    with running(session):
        own_broker.kill()
        wait_until(lambda: not session.is_connected, "the loss is noticed")
        session.publish(topics.PLAN, examples.EXAMPLES[topics.PLAN])
        begun_s = time.monotonic()

    assert time.monotonic() - begun_s < 5


def test_a_message_that_its_reader_cannot_handle_comes_again(
    broker: BrokerProcess, site: str
) -> None:
    session = make_session(broker, "logger", site, topics.METER.filter(site))
    with running(session), running(make_session(broker, "station-bridge", site)) as bridge:
        bridge.publish(topics.METER, METER, station="car1")
        (first,) = receive_all(session, ack=False)  # whose handler then raised
        bridge.publish(topics.METER, METER, station="car2")
        second = receive_all(session, ack=False)
        cut(session)
        again = receive_all(session)

    assert len(second) == 1  # the session lives on
    assert [m.topic for m in again] == [first.topic, second[0].topic]


def test_a_late_confirmation_does_not_confirm_a_message_of_the_next_connection(
    own_broker: BrokerProcess, site: str
) -> None:
    session = make_session(own_broker, "logger", site, topics.METER.filter(site))
    with running(session), running(make_session(own_broker, "station-bridge", site)) as bridge:
        bridge.publish(topics.METER, METER, station="old")
        (old,) = receive_all(session, ack=False)
        own_broker.kill()  # which forgets the session, so that packet ids start again
        own_broker.start()
        wait_until(lambda: session.is_subscribed and bridge.is_connected, "both are back")
        bridge.publish(topics.METER, METER, station="new")
        (new,) = receive_all(session, ack=False)

        session.ack(old)
        settle(session)
        cut(session)
        again = receive_all(session)

    assert old.mid == new.mid
    assert [m.topic for m in again] == [new.topic]


CHILD = """
import sys, time
from wattbus_contract import housekeeping
from wattbus_contract.broker_settings import BrokerSettings, load
from wattbus_contract.service import Health
from wattbus_contract.session import MqttSession, SessionDead
housekeeping.GRACE_S = 0.5
session = MqttSession(load(BrokerSettings), user="scheduler", site=sys.argv[1], version="test")
session.start()
while not session.is_connected:
    session.receive(0.05)
print("connected", flush=True)
if sys.argv[2] != "healthy":
    def broken(*_):
        raise RuntimeError("a callback that raises")
    # What a fault in paho or in a callback of ours would do to its thread.
    session._connection._client.on_publish = broken
    session.set_health(Health.DEGRADED, "so that something is published")
try:
    while sys.argv[2] != "hanging":
        session.receive(0.1)
    time.sleep(60)
except SessionDead as fault:
    session.stop()
    sys.exit(f"ends: {fault}")
"""


def start_child(broker: BrokerProcess, site: str, kind: str, folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, site, kind],
        env={
            **os.environ,
            "WATTBUS_MQTT_HOST": broker.host,
            "WATTBUS_MQTT_PORT": str(broker.port),
            "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file("scheduler")),
            "WATTBUS_HEALTH_FILE": str(folder / "health"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    return process


def wait_for_the_end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit status and standard error of a child that ends by itself."""
    try:
        _, errors = process.communicate(timeout=15)
    finally:
        process.kill()
    return process.returncode, errors


def test_a_dead_network_thread_ends_the_process(
    broker: BrokerProcess, site: str, tmp_path: Path
) -> None:
    status, errors = wait_for_the_end(start_child(broker, site, "reading", tmp_path))

    assert status == 1
    assert errors.endswith("ends: the MQTT thread has died\n")


def test_a_dead_network_thread_ends_a_process_that_hangs(
    broker: BrokerProcess, site: str, tmp_path: Path
) -> None:
    status, errors = wait_for_the_end(start_child(broker, site, "hanging", tmp_path))

    assert status == 70
    assert "the MQTT thread has died; ending the process" in errors


def test_a_healthy_process_goes_on_and_a_killed_one_leaves_its_will(
    broker: BrokerProcess, mqtt_recorder: Callable[..., MqttRecorder], site: str, tmp_path: Path
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))
    process = start_child(broker, site, "healthy", tmp_path)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        wait_until((tmp_path / "health").exists, "the health file is written")
        assert (tmp_path / "health").read_text() == "ok"
        process.send_signal(signal.SIGKILL)
        will = recorder.wait_for(lambda m: m.json["status"] == "down")
    finally:
        process.kill()
        process.communicate()

    assert json.loads(will.payload)["detail"] == "connection lost"
