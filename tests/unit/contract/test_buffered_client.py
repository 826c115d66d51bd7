"""Reading ahead changes nothing about what is read, nor does writing at once about the order."""

import socket
import threading
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTProtocolVersion

from wattbus_contract.buffered_client import PIECE_BYTES, BufferedClient, BufferedSocket

PUBLISH_QOS_1 = MessageType.PUBLISH | 2
DEADLINE_S = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[BufferedSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield BufferedSocket(ours), theirs
    ours.close()
    theirs.close()


def test_bytes_come_in_their_order_and_in_the_sizes_asked_for(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"abcdef")

    assert ours.recv(1) == b"a"
    assert ours.pending() == 5
    theirs.sendall(b"gh")
    assert [ours.recv(3), ours.recv(10), ours.recv(10)] == [b"bcd", b"ef", b"gh"]
    assert ours.pending() == 0


def test_nothing_to_read_is_told_as_by_a_socket(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair

    with pytest.raises(BlockingIOError):
        ours.recv(1)
    theirs.close()
    assert ours.recv(1) == b""


def test_more_than_a_piece_arrives_whole(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    ours.setblocking(True)
    sent = bytes(range(256)) * 1024
    assert len(sent) > 2 * PIECE_BYTES
    sender = threading.Thread(target=theirs.sendall, args=(sent,), daemon=True)
    sender.start()
    read = b""
    while len(read) < len(sent):
        read += ours.recv(7000)

    assert read == sent


def test_a_closed_socket_has_nothing_left(pair: tuple[BufferedSocket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(b"abc")
    ours.recv(1)

    ours.close()

    assert (ours.pending(), ours.fileno()) == (0, -1)


def client_on(kind: type[Client], sock: object) -> Client:
    """A client whose MQTT thread is somebody else, who sleeps."""
    client = kind(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client._sock = sock  # type: ignore[assignment]
    client._thread = threading.Thread(target=str)
    return client


def publish(client: Client, packet: bytes) -> None:
    client._packet_queue(PUBLISH_QOS_1, packet, 1, 1)


def test_a_message_goes_out_without_the_mqtt_thread(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    client = client_on(BufferedClient, ours)

    publish(client, b"first")
    client._packet_queue(MessageType.PUBACK, b"second", 1, 1)

    assert not client.want_write()
    assert theirs.recv(100) == b"firstsecond"
    client._sock = None


@pytest.mark.parametrize("command", [MessageType.CONNECT, MessageType.DISCONNECT])
def test_what_changes_the_connection_is_left_to_the_mqtt_thread(
    pair: tuple[BufferedSocket, socket.socket], command: MessageType
) -> None:
    ours, theirs = pair
    theirs.setblocking(False)
    client = client_on(BufferedClient, ours)

    client._packet_queue(command, b"other", 0, 0)
    publish(client, b"message")

    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    assert [packet["packet"] for packet in client._out_packet] == [b"other", b"message"]
    client._sock = None


def test_confirmations_go_out_together_and_in_their_order(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.settimeout(DEADLINE_S)
    client = client_on(BufferedClient, ours)
    client.manual_ack_set(True)

    client.ack_all([7, 3, 500])

    assert theirs.recv(100) == bytes.fromhex("40020007 40020003 400201f4")
    client._sock = None


def test_what_paho_confirms_by_itself_is_not_confirmed_again(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.setblocking(False)
    client = client_on(BufferedClient, ours)
    client.manual_ack_set(False)

    client.ack_all([7])

    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    assert not client.want_write()
    client._sock = None


def test_a_lost_connection_is_left_to_the_mqtt_thread(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, _ = pair
    client = client_on(BufferedClient, ours)
    ours.close()

    publish(client, b"message")

    assert [packet["packet"] for packet in client._out_packet] == [b"message"]
    client._sock = None


def test_what_the_system_does_not_take_whole_is_finished_before_the_next(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.settimeout(DEADLINE_S)
    ours.raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client = client_on(BufferedClient, ours)
    large = bytes(range(256)) * 1024

    publish(client, large)
    publish(client, b"next")
    heard = b""
    while client.want_write() or len(heard) < len(large) + 4:
        heard += theirs.recv(65536)
        client.loop_write()

    assert heard == large + b"next"
    client._sock = None


def test_no_message_begins_in_the_middle_of_another(
    pair: tuple[BufferedSocket, socket.socket],
) -> None:
    ours, theirs = pair
    is_within, may_go_on = threading.Event(), threading.Event()

    class Halting(BufferedSocket):
        def send(self, buffer: bytes | bytearray) -> int:
            if is_within.is_set():
                return super().send(buffer)
            is_within.set()
            sent = super().send(buffer[:3])
            may_go_on.wait(DEADLINE_S)
            return sent

    client = client_on(BufferedClient, Halting(ours.raw))
    client._packet_queue(MessageType.SUBSCRIBE, b"abcdef", 1, 1)
    mqtt_thread = threading.Thread(target=client.loop_write, daemon=True)
    mqtt_thread.start()
    assert is_within.wait(DEADLINE_S)
    publish(client, b"message")
    may_go_on.set()
    mqtt_thread.join(DEADLINE_S)

    client.loop_write()
    assert theirs.recv(100) == b"abcdefmessage"
    client._sock = None
