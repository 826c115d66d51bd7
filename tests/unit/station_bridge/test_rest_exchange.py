"""What goes over the wire to a station, and when a connection is made anew."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests.adapters

from fixtures.availability import missing
from wattbus_station_bridge.stations.reading import StationUnreachable
from wattbus_station_bridge.stations.rest import RestClient

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DEADLINE_S = 30.0


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection after the other; gives host and port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(DEADLINE_S)
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone does not wake a thread that waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(DEADLINE_S)


def test_a_request_goes_out_whole_with_its_body_and_who_asks() -> None:
    heard = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    client = RestClient()
    with listening(serve) as host:
        url = f"http://ann:secret@{host}/limit?of=car%201"
        answer = client.send(client.prepare("PUT", url, {"limit_w": 11000}), DEADLINE_S)
        client.close()

    head, _, body = heard[0].partition(b"\r\n\r\n")
    request, *fields = head.decode().split("\r\n")
    assert (answer.status, answer.body) == (200, b"{}")
    assert request == "PUT /limit?of=car%201 HTTP/1.1"
    assert f"Host: {host}" in fields
    assert "Authorization: Basic YW5uOnNlY3JldA==" in fields
    assert "Content-Type: application/json" in fields
    assert f"Content-Length: {len(body)}" in fields
    assert body == b'{"limit_w": 11000}'


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    ],
    ids=["HTTP/1.0", "says that it closes", "closes without a word", "chunked"],
)
def test_a_station_that_closes_after_each_answer_is_connected_to_again(answer: bytes) -> None:
    closed = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.close()
        closed.release()

    client = RestClient()
    with listening(serve) as host:
        request = client.prepare("GET", f"http://{host}/")
        for _ in range(3):
            assert client.send(request, DEADLINE_S).body == b"{}"
            assert closed.acquire(timeout=DEADLINE_S)
        client.close()


def test_what_was_left_of_a_late_answer_is_not_taken_for_the_next_one() -> None:
    may_answer = threading.Event()
    count = 0

    def serve(connection: socket.socket) -> None:
        nonlocal count
        count += 1
        number = b"%d" % count
        while connection.recv(65536):
            if count == 1:
                may_answer.wait(DEADLINE_S)
            connection.sendall(HEAD + b"Content-Length: 1\r\n\r\n" + number)

    client = RestClient()
    with listening(serve) as host:
        request = client.prepare("GET", f"http://{host}/")
        with pytest.raises(StationUnreachable):
            client.send(request, 0.2)
        may_answer.set()
        assert client.send(request, DEADLINE_S).body == b"2"
        client.close()


def test_a_limit_goes_over_the_connection_of_the_polls_whatever_the_number_of_hosts() -> None:
    def serve(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    client = RestClient(1)
    with listening(serve) as one, listening(serve) as two, listening(serve) as three:
        polls = [client.prepare("GET", f"http://{host}/") for host in (one, two, three)]
        for poll in polls:
            client.send(poll, DEADLINE_S)
        # A second connection would wait for the end of the first.
        for host in (one, two, three):
            limit = client.prepare("PUT", f"http://{host}/limit", {"limit_w": 0})
            assert client.send(limit, DEADLINE_S).body == b"{}"
        client.close()


def test_a_certificate_counts_only_if_somebody_vouches_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "station.crt", tmp_path / "station.key"
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl is not installed", "sudo apt-get install openssl")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=station", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with listening(serve) as host:
        stranger = RestClient()
        with pytest.raises(StationUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.send(stranger.prepare("GET", f"https://{host}/"), DEADLINE_S)
        stranger.close()
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
        friend = RestClient()
        answer = friend.send(friend.prepare("GET", f"https://{host}/"), DEADLINE_S)
        friend.close()

    assert answer.body == b"{}"
