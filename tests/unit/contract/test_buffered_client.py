"""Reading ahead changes nothing about what is read."""

import socket
import threading
from collections.abc import Iterator

import pytest

from wattbus_contract.buffered_client import PIECE_BYTES, BufferedSocket


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
