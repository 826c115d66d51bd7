"""Reads along between bridge and stations: each poll's answer, each limit, the power after it."""

import json
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.evidence import Evidence, LimitCall, Poll

_POLL = re.compile(r"/stations/(?P<station>[a-z0-9-]+)")
_LIMIT = re.compile(r"/stations/(?P<station>[a-z0-9-]+)/limit")


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request or an answer: its first line and its body."""

    first_line: str
    body: bytes


@dataclass(slots=True)
class _Connection:
    requests: bytearray = field(default_factory=bytearray)
    answers: bytearray = field(default_factory=bytearray)
    asked: deque[tuple[str, str, LimitCall | None]] = field(default_factory=deque)


class StationTap:
    """Writes polls and limit calls into the evidence.

    `life` tells the bridge's name and the number of its process, `journal` is the file in which it
    notes (epoch, seq) of a limit before it is sent, `look` samples the power behind its back.
    """

    def __init__(
        self,
        evidence: Evidence,
        life: Callable[[], tuple[str, int]],
        journal: Path,
        look: Callable[[], Awaitable[None]],
    ) -> None:
        self._evidence = evidence
        self._life = life
        self._journal = journal
        self._look = look
        self._connections: dict[int, _Connection] = {}
        self._last_poll: dict[tuple[int, str], Poll] = {}
        self._last_on: dict[int, Poll] = {}

    def client_sent(self, connection: int, data: bytes) -> None:
        """Take what the bridge asks."""
        known = self._connections.setdefault(connection, _Connection())
        known.requests += data
        while (request := take_message(known.requests)) is not None:
            method, path, _ = request.first_line.split(" ", 2)
            if before := self._last_on.pop(connection, None):
                before.is_connection_used_again = True
            known.asked.append((method, path, self._note_request(method, path, request.body)))

    async def server_sent(self, connection: int, data: bytes) -> None:
        """Take what the stations answer."""
        known = self._connections.setdefault(connection, _Connection())
        known.answers += data
        while known.asked and (answer := take_message(known.answers)) is not None:
            method, path, call = known.asked.popleft()
            status = int(answer.first_line.split(" ", 2)[1])
            if call is not None:
                call.status = status
                await self._look()
            elif method == "GET" and status == 200 and (match := _POLL.fullmatch(path)):
                self._note_poll(connection, match["station"], answer.body)

    def _note_request(self, method: str, path: str, body: bytes) -> LimitCall | None:
        if method == "GET" and (match := _POLL.fullmatch(path)):
            if before := self._last_poll.pop((self._life()[1], match["station"]), None):
                before.is_asked_again = True
        elif method == "PUT" and (match := _LIMIT.fullmatch(path)):
            station = match["station"]
            call = LimitCall(
                *self._life(),
                station,
                json.loads(body)["limit_w"],
                journalled(self._journal, station),
                time.monotonic(),
            )
            self._evidence.calls.append(call)
            return call
        return None

    def _note_poll(self, connection: int, station: str, body: bytes) -> None:
        bridge, life = self._life()
        poll = Poll(bridge, life, station, json.loads(body)["at"], connection, time.monotonic())
        self._last_poll[life, station] = poll
        self._last_on[connection] = poll
        self._evidence.polls.append(poll)


def take_message(stream: bytearray) -> HttpMessage | None:
    """Take one whole message with Content-Length (or no body) out of a stream, if it is there."""
    end = stream.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = bytes(stream[:end]).decode("latin-1").split("\r\n")
    size = 0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length":
            size = int(value)
    begin = end + 4
    if len(stream) < begin + size:
        return None
    body = bytes(stream[begin : begin + size])
    del stream[: begin + size]
    return HttpMessage(lines[0], body)


def journalled(path: Path, station: str) -> tuple[int, int] | None:
    """Return (epoch, seq) of the newest limit that the bridge has noted for a station."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        name, *numbers = line.split()
        if name == station and len(numbers) == 2:
            return int(numbers[0]), int(numbers[1])
    return None
