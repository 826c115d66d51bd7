"""REST with bounds: one pooled session, a deadline for the whole answer, a bound on its size."""

import http.client
import io
import json
import socket
import time
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wattbus_station_bridge.stations.reading import InvalidAnswer, StationUnreachable

MAX_ANSWER_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its whole body."""

    status: int
    body: bytes


class RestClient:
    """One `requests.Session` for all stations, safe to use from many threads.

    Environment proxies, redirects, cookies and compression play no part: a station is a device
    on the local network, and a request that is prepared once costs half as much to send.
    """

    def __init__(self, connections_per_host: int = 10) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._adapter = _BoundedAdapter(
            pool_connections=connections_per_host, pool_maxsize=connections_per_host
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def prepare(
        self, method: str, url: str, body: object | None = None
    ) -> requests.PreparedRequest:
        """Return a request that can be sent again and again; ValueError for a bad URL."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body)
        request = requests.Request(method, url, headers=headers, data=data)
        return self._session.prepare_request(request)

    def send(self, request: requests.PreparedRequest, timeout_s: float) -> Answer:
        """Return the answer; StationUnreachable or, above `MAX_ANSWER_BYTES`, InvalidAnswer.

        `timeout_s` bounds the whole answer, however slowly it drips.
        """
        try:
            # The session's own `send` would look for cookies and redirections after each answer.
            response = self._adapter.send(
                request, timeout=(min(CONNECT_TIMEOUT_S, timeout_s), timeout_s), stream=True
            )
            with response:
                body = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=False)
                missing = response.raw.length_remaining
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
        ) as error:
            raise StationUnreachable(f"{request.method} {request.url}: {_cause(error)}") from error
        if len(body) > MAX_ANSWER_BYTES:
            raise InvalidAnswer(
                f"{request.method} {request.url}: answers more than {MAX_ANSWER_BYTES} bytes"
            )
        if missing:
            raise StationUnreachable(f"{request.method} {request.url}: broke off in its answer")
        return Answer(response.status_code, body)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _cause(error: BaseException) -> str:
    """Return the innermost reason, which is the one that helps: requests wraps it thrice."""
    for _ in range(6):
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            break
        error = inner
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _TimedReader(io.RawIOBase):
    """Reads a socket until a deadline; the timeout of a socket alone begins anew at each byte."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline_s: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline_s = deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # the buffer protocol has no name in 3.11
        remaining_s = self._deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(remaining_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline_s = time.monotonic() + (sock.gettimeout() or CONNECT_TIMEOUT_S)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(raw, sock, deadline_s))


class _HttpConnection(HTTPConnection):
    response_class = _BoundedResponse


class _HttpsConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _BoundedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
