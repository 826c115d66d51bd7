"""One request and its answer over a connection, bounded in time and size, and nothing besides.

What requests and urllib3 add to each request (cookies, redirections, retries, objects of their
own) takes two thirds of a poll. So they make the connections, and `http.client` reads the answer.
"""

import io
import socket
import time
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, cast

from urllib3.connection import HTTPConnection

MAX_ANSWER_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its whole body."""

    status: int
    body: bytes


class BrokenOff(OSError):  # noqa: N818 - says what happened
    """The connection ended before the answer did."""


class AnswerTooLarge(ValueError):  # noqa: N818 - says what happened
    """The answer has more than `MAX_ANSWER_BYTES`."""


def exchange(connection: HTTPConnection, method: str, request: bytes, timeout_s: float) -> Answer:
    """Send a whole request and return the answer; `timeout_s` bounds it, however slowly it drips.

    The connection is left open where another request may follow, else closed. Raises OSError,
    HTTPException and urllib3's HTTPError.
    """
    is_reusable = False
    try:
        sock = _open(connection, timeout_s)
        sock.sendall(request)
        with HTTPResponse(
            cast("socket.socket", _Answering(sock, timeout_s)), method=method
        ) as answer:
            answer.begin()
            body = answer.read(MAX_ANSWER_BYTES + 1)
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerTooLarge(f"answers more than {MAX_ANSWER_BYTES} bytes")
            if answer.length:
                raise BrokenOff("broke off in its answer")
            is_reusable = answer.isclosed() and not answer.will_close
            return Answer(answer.status, body)
    finally:
        if not is_reusable:
            connection.close()


def _open(connection: HTTPConnection, timeout_s: float) -> socket.socket:
    """Return the connection's socket with this timeout; connect if it has none."""
    if connection.sock is None:
        connection.timeout = min(CONNECT_TIMEOUT_S, timeout_s)
        connection.connect()
    sock = cast("socket.socket", connection.sock)
    # Setting it is a call of the system, at which Python lets another thread run.
    if sock.gettimeout() != timeout_s:
        sock.settimeout(timeout_s)
    return sock


class _Answering:
    """Stands for the socket where the answer is read."""

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        self._reader = _TimedReader(sock, time.monotonic() + timeout_s)

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the file that the answer is read from."""
        return io.BufferedReader(self._reader)


class _TimedReader(io.RawIOBase):
    """Reads a socket until a deadline; the timeout of a socket alone begins anew at each byte."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._deadline_s = deadline_s
        self._has_read = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # the buffer protocol has no name in 3.11
        if self._has_read:
            remaining_s = self._deadline_s - time.monotonic()
            if remaining_s <= 0:
                raise TimeoutError("the answer takes too long")
            self._sock.settimeout(remaining_s)
        self._has_read = True
        return self._sock.recv_into(buffer)
