"""While a connection is made: nothing is sent too early or overtaken, strangers are told."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fixtures.availability import missing
from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import (
    cut,
    make_session,
    read_until_dead,
    receive_all,
    running,
    settings_for,
    wait_until,
)
from wattbus_contract import examples, topics
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.codec import decode
from wattbus_contract.session import MqttSession

OPENING_S = 0.2
METER = examples.EXAMPLES[topics.METER]
LEASE = examples.EXAMPLES[topics.LEASE_STATE]


def linger(client: mqtt.Client) -> None:
    """Make the client stay between the opened socket and CONNECT, where others can get in."""
    client.on_socket_open = lambda *_: time.sleep(OPENING_S)


@contextmanager
def repeating(action: Callable[[], object]) -> Iterator[None]:
    """Do something all the time from another thread."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.002):
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_what_is_published_while_connecting_does_not_cost_the_connection(
    broker: BrokerProcess, site: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = make_session(broker, "station-bridge", site)
    linger(session._connection._client)

    with repeating(lambda: session.publish(topics.LEASE_STATE, LEASE)), running(session):
        time.sleep(OPENING_S)  # in which the connection would be lost

    assert session.connection == 1
    assert "lost" not in caplog.text


def test_what_is_published_while_reconnecting_does_not_cost_the_connection(
    broker: BrokerProcess, site: str
) -> None:
    with running(make_session(broker, "station-bridge", site)) as session:
        linger(session._connection._client)
        with repeating(lambda: session.publish(topics.LEASE_STATE, LEASE)):
            cut(session)
            time.sleep(OPENING_S)  # as above

    assert session.connection == 2


def test_a_bare_client_loses_its_connection_that_way(broker: BrokerProcess, site: str) -> None:
    """The negative control: paho alone sends PUBLISH before CONNECT."""
    lost = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("station-bridge", broker.password("station-bridge"))
    client.on_disconnect = lambda *_: lost.set()
    linger(client)
    client.connect_async(broker.host, broker.port)

    with repeating(lambda: client.publish(topics.LEASE_STATE.topic(site), b"{}", 1)):
        client.loop_start()
        was_lost = lost.wait(10)
    client.disconnect()
    client.loop_stop()

    assert was_lost


def test_what_waits_for_the_broker_comes_first_and_in_order(
    broker: BrokerProcess, mqtt_recorder: Callable[..., MqttRecorder], site: str
) -> None:
    recorder = mqtt_recorder("viewer", topics.everything(site))
    session = make_session(broker, "station-bridge", site)
    for _ in range(100):
        session.publish(topics.LEASE_STATE, LEASE)
    linger(session._connection._client)

    with repeating(lambda: session.publish(topics.LEASE_STATE, LEASE)), running(session):
        recorder.wait_for(lambda m: m.json["seq"] > 150)

    seqs = [m.json["seq"] for m in recorder.messages]
    assert seqs == list(range(1, len(seqs) + 1))


def test_messages_of_an_outage_come_in_order_before_newer_ones(
    own_broker: BrokerProcess, site: str
) -> None:
    session = make_session(own_broker, "station-bridge", site)
    reader = make_session(own_broker, "logger", site, topics.LEASE_STATE.filter(site))
    sent: list[int] = []
    received: list[int] = []

    with running(reader), running(session):
        receive_all(reader, 0.3)
        with repeating(lambda: sent.append(session.publish(topics.LEASE_STATE, LEASE).seq)):
            wait_until(lambda: len(sent) > 5, "some are sent")
            own_broker.stop()
            before = len(sent)
            wait_until(lambda: len(sent) > before + 20, "more are said while nobody is there")
            own_broker.start()
            wait_until(lambda: session.is_subscribed, "the session is back")
            after = len(sent)
            wait_until(lambda: len(sent) > after + 5, "some are sent again")
        while not received or received[-1] != sent[-1]:
            incoming = reader.receive(10)
            assert incoming is not None
            envelope = decode(incoming.topic, incoming.payload).envelope
            assert envelope is not None
            # The last retained one comes with each subscription; it has been seen before.
            if not incoming.is_retained:
                received.append(envelope.seq)
            reader.ack(incoming)

    # None is missing or overtaken; those in flight when the broker went may come twice.
    assert list(dict.fromkeys(received)) == sent


def test_what_the_broker_did_not_confirm_is_sent_again_once(
    own_broker: BrokerProcess, site: str
) -> None:
    def reader() -> MqttSession:
        return make_session(own_broker, "logger", site, topics.METER.filter(site))

    with running(reader()) as listening:
        receive_all(listening, 0.3)
    own_broker.restart()  # which writes down the reader's subscription, so that it stands
    with running(make_session(own_broker, "station-bridge", site)) as session:
        own_broker.pause()
        for number in range(5):
            session.publish(topics.METER, METER, station=f"car{number}")
        time.sleep(0.2)  # so that they are on the wire, which nobody reads
        own_broker.kill()
        own_broker.start()
        wait_until(lambda: session.connection > 1 and session.is_connected, "it is back")
        assert session._connection.wait_until_sent(10)
    with running(reader()) as listening:
        heard = receive_all(listening)

    stations = [f"car{number}" for number in range(5)]
    assert [m.topic for m in heard] == [topics.METER.topic(site, station=s) for s in stations]


def test_what_has_expired_while_waiting_is_not_sent(own_broker: BrokerProcess, site: str) -> None:
    session = make_session(own_broker, "scheduler", site)
    request, limit = examples.EXAMPLES[topics.LEASE_REQUEST], examples.EXAMPLES[topics.SET_LIMIT]
    with MqttRecorder(
        own_broker.host, own_broker.port, "viewer", own_broker.password("viewer")
    ) as recorder:
        recorder.subscribe(topics.everything(site))
        session.publish(topics.LEASE_REQUEST, request, expiry_s=1)
        session.publish(topics.SET_LIMIT, limit, station="car1")
        time.sleep(2.0)  # longer than the request is valid

        with running(session):
            recorder.wait_for(lambda m: m.topic == session.status_topic)

    limits = [m for m in recorder.messages if m.topic.endswith("limit/set")]
    assert [m.expiry_s for m in limits] in ([57], [58])
    assert not [m for m in recorder.messages if m.topic.endswith("lease/request")]


def test_a_broker_that_comes_late_is_waited_for(
    own_broker: BrokerProcess, site: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = make_session(own_broker, "scheduler", site)
    own_broker.stop()
    session.start()

    try:
        wait_until(lambda: session.connection >= 2, "it has tried more than once")
        own_broker.start()
        wait_until(lambda: session.is_connected, "it is connected")
    finally:
        session.stop()

    told = [record.message for record in caplog.records if "no broker" in record.message]
    assert len(told) == 1  # the change once, not each attempt
    assert f"{own_broker.host}:{own_broker.port}" in told[0]
    assert "refused" in told[0]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for 127.0.0.1, its key, and one of somebody else."""
    if shutil.which("openssl") is None:
        missing("openssl is not installed", "sudo apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("broker", "stranger"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
    return folder


@pytest.fixture
def tls_broker(mosquitto: str, tmp_path: Path, certificates: Path) -> Iterator[BrokerProcess]:
    instead = {
        "certfile": str(certificates / "broker.pem"),
        "keyfile": str(certificates / "broker.key"),
    }
    process = BrokerProcess(tmp_path / "broker", mosquitto, instead)
    process.start()
    yield process
    process.stop()


def tls_session(broker: BrokerProcess, site: str, ca_file: Path | None) -> MqttSession:
    settings = settings_for(broker, "scheduler", ca_file=ca_file)
    return make_session(broker, "scheduler", site, settings=settings)


def test_a_session_speaks_tls_with_a_broker_it_trusts(
    tls_broker: BrokerProcess, site: str, certificates: Path
) -> None:
    with running(tls_session(tls_broker, site, certificates / "broker.pem")) as session:
        assert isinstance(session._connection._client.socket(), ssl.SSLSocket)


def test_a_certificate_of_a_stranger_ends_the_session_and_names_the_setting(
    tls_broker: BrokerProcess, site: str, certificates: Path
) -> None:
    session = tls_session(tls_broker, site, certificates / "stranger.pem")

    fault = read_until_dead(session)

    assert "WATTBUS_MQTT_CA_FILE" in fault
    assert session.connection > 1


@contextmanager
def server_that_hangs_up() -> Iterator[int]:
    """A port where every connection is closed at once."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            while not is_over.is_set():
                with suppress(TimeoutError):
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


def test_who_speaks_no_mqtt_is_told_once(site: str, caplog: pytest.LogCaptureFixture) -> None:
    with server_that_hangs_up() as port:
        settings = BrokerSettings(host="127.0.0.1", port=port)
        session = MqttSession(settings, user="scheduler", site=site, version="test")
        session.start()
        try:
            wait_until(lambda: session.connection >= 3, "it has tried several times")
        finally:
            session.stop()

    told = [record.message for record in caplog.records]
    assert told == [f"the broker at 127.0.0.1:{port} hung up before accepting us; trying on"]
