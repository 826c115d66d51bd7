"""The proxies and taps of the chaos tests do to connections what they say."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from chaos.evidence import Sighting
from chaos.mqtt_tap import MqttTap, packets, parse_publish
from chaos.network import HOST, Link, Network
from chaos.station_tap import take_message
from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until

PATIENCE_S = 0.3


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as running:
        yield running


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that says everything back."""
    with socket.create_server((HOST, 0)) as server:
        threading.Thread(target=serve_echo, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def serve_echo(server: socket.socket) -> None:
    def echo(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(4096):
                connection.sendall(data)

    with suppress(OSError):
        while True:
            threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()


@contextmanager
def client_of(link: Link) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, link.port), timeout=5) as client:
        yield client


def hears(client: socket.socket, timeout_s: float) -> bytes | None:
    client.settimeout(timeout_s)
    try:
        return client.recv(100)
    except TimeoutError:
        return None


def test_a_link_passes_everything_on(network: Network, echo_port: int) -> None:
    with client_of(network.link(echo_port)) as client:
        client.sendall(b"hello")
        assert hears(client, 5) == b"hello"


def test_a_held_link_delivers_when_it_is_healed(network: Network, echo_port: int) -> None:
    link = network.link(echo_port)
    with client_of(link) as client:
        client.sendall(b"one")
        assert hears(client, 5) == b"one"
        link.hold()

        client.sendall(b"two")

        assert hears(client, PATIENCE_S) is None
        assert link.held_bytes == 3
        link.heal()
        assert hears(client, 5) == b"two"


def test_a_held_link_answers_no_new_client(network: Network, echo_port: int) -> None:
    link = network.link(echo_port)
    link.hold()
    with client_of(link) as client:
        client.sendall(b"hello")
        assert hears(client, PATIENCE_S) is None
        link.heal()
        assert hears(client, 5) == b"hello"


def test_a_torn_link_swallows_everything_and_tells_nobody(network: Network, echo_port: int) -> None:
    link = network.link(echo_port)
    with client_of(link) as client, client_of(link) as other:
        other.sendall(b"x")
        assert hears(other, 5) == b"x"
        client.sendall(b"one")
        assert hears(client, 5) == b"one"
        assert link.tear() == 2

        client.sendall(b"two")

        assert hears(client, PATIENCE_S) is None
        wait_until(lambda: link.swallowed_bytes == 3, "the bytes are swallowed")
    with client_of(link) as client:
        client.sendall(b"three")
        assert hears(client, 5) == b"three"


def test_a_slow_link_is_late_in_both_directions(network: Network, echo_port: int) -> None:
    link = network.link(echo_port)
    with client_of(link) as client:
        link.delay(0.2)
        client.sendall(b"hello")
        assert hears(client, 0.35) is None
        assert hears(client, 5) == b"hello"


def test_a_link_that_refuses_lets_nobody_in(network: Network, echo_port: int) -> None:
    link = network.link(echo_port)
    link.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, link.port), timeout=5)
    link.accept()
    with client_of(link) as client:
        client.sendall(b"hello")
        assert hears(client, 5) == b"hello"


def test_the_tap_sees_what_is_published_and_received(
    network: Network, broker: BrokerProcess, site: str
) -> None:
    seen: list[Sighting] = []
    link = network.link(broker.port, MqttTap("console", seen.append, hears_inward=True))
    topic = f"wattbus/v1/{site}/request/station/car1/mode"
    with MqttRecorder(HOST, link.port, "console", broker.password("console")) as client:
        client.subscribe(topic)

        client.publish(topic, {"mode": "now", "text": "x" * 5000})

        client.wait_for(lambda m: m.topic == topic)
    found = [(s.is_outward, s.topic, s.body["mode"]) for s in seen]
    assert found == [(True, topic, "now"), (False, topic, "now")]


def test_packets_are_taken_whole_however_they_come() -> None:
    publish = b"\x32\x0c\x00\x03a/b\x00\x07\x00hiya"
    stream = bytearray()
    found = []
    for number in range(2 * len(publish)):
        stream += (publish + publish)[number : number + 1]
        found += list(packets(stream))
    assert [parse_publish(flags, body) for _, flags, body in found] == [("a/b", b"hiya")] * 2


def test_http_messages_are_taken_whole_however_they_come() -> None:
    request = b"PUT /stations/car1/limit HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    stream = bytearray(request[:-1])
    assert take_message(stream) is None
    stream += request[-1:] + b"GET"
    message = take_message(stream)
    assert message is not None
    assert (message.first_line[:3], message.body, bytes(stream)) == ("PUT", b"{}", b"GET")
