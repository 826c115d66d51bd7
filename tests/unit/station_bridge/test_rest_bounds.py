import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from unit.station_bridge.course_station import serving
from wattbus_station_bridge.stations.exchange import MAX_ANSWER_BYTES
from wattbus_station_bridge.stations.reading import InvalidAnswer, StationUnreachable
from wattbus_station_bridge.stations.rest import RestClient

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Accept connections and let `behave` do what it likes with each; gives the URL."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                behave(connection, ended)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/info"
    finally:
        ended.set()
        # Closing alone does not wake a thread that waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _drip(connection: socket.socket, ended: threading.Event, text: bytes) -> None:
    for byte in text:
        if ended.wait(0.05):
            return
        connection.sendall(bytes([byte]))


def drip_body(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    _drip(connection, ended, b" " * 1000)


def drip_head(connection: socket.socket, ended: threading.Event) -> None:
    _drip(connection, ended, HEAD * 50)


def never_answer(_: socket.socket, ended: threading.Event) -> None:
    ended.wait(30)


def close_at_once(_: socket.socket, __: threading.Event) -> None:
    return


def break_off(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")


def speak_no_http(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"\x00\x01\x02SSH-2.0-nonsense\r\n\r\n")


@pytest.mark.parametrize(
    "behave", [drip_body, drip_head, never_answer, close_at_once, break_off, speak_no_http]
)
def test_a_station_that_does_not_answer_properly_is_unreachable_in_bounded_time(
    behave: Callable[[socket.socket, threading.Event], None],
) -> None:
    client = RestClient()

    with raw_server(behave) as url:
        started_s = time.monotonic()
        with pytest.raises(StationUnreachable):
            client.send(client.prepare("GET", url), 0.4)
        elapsed_s = time.monotonic() - started_s

    # Without the deadline the drips take 50 s and 170 s.
    assert elapsed_s < 10


def test_a_megabyte_is_refused() -> None:
    client = RestClient()
    body = b" " * 2**20

    with (
        serving(lambda *_: (200, "application/json", body)) as url,
        pytest.raises(InvalidAnswer, match=str(MAX_ANSWER_BYTES)),
    ):
        client.send(client.prepare("GET", url), 5)


def test_an_endless_answer_is_refused() -> None:
    def pour(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")

    client = RestClient()

    with raw_server(pour) as url, pytest.raises(InvalidAnswer):
        client.send(client.prepare("GET", url), 5)


def test_nobody_listening_is_unreachable_and_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = RestClient()

    with pytest.raises(StationUnreachable, match="refused"):
        client.send(client.prepare("GET", f"http://127.0.0.1:{port}/"), 1)


def test_connections_are_kept_open_between_polls() -> None:
    connections = []

    def count(connection: socket.socket, _: threading.Event) -> None:
        connections.append(connection)
        while True:
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            if not connection.recv(65536):
                return

    client = RestClient()
    with raw_server(count) as url:
        request = client.prepare("GET", url)
        for _ in range(20):
            assert client.send(request, 2).body == b"{}"

    assert len(connections) == 1
    client.close()


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    client = RestClient()

    with serving(lambda *_: (200, "application/json", b"{}")) as url:
        assert client.send(client.prepare("GET", url), 2).status == 200
