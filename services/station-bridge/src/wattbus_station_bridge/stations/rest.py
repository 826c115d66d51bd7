"""REST with bounds: one pooled session, a deadline for the whole answer, a bound on its size."""

import http.client
import json
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wattbus_station_bridge.stations.exchange import Answer, AnswerTooLarge, exchange
from wattbus_station_bridge.stations.reading import InvalidAnswer, StationUnreachable

MOST_HOSTS = 10_000
"""Beyond it the connections to a host would be forgotten, and made anew for each limit."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire, and the connections to its host."""

    method: str
    url: str
    wire: bytes
    pool: "_HttpPool"

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class RestClient:
    """One `requests.Session` for all stations, safe to use from many threads.

    Environment proxies, redirects, cookies and compression play no part: a station is a device
    on the local network. A request is prepared once and sent again and again.
    """

    def __init__(self, connections_per_host: int = 10) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._adapter = _PooledAdapter(
            pool_connections=MOST_HOSTS, pool_maxsize=connections_per_host
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def prepare(self, method: str, url: str, body: object | None = None) -> Request:
        """Return a request that can be sent again and again; ValueError for a bad URL."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body)
        prepared = self._session.prepare_request(
            requests.Request(method, url, headers=headers, data=data)
        )
        return Request(method, url, _wire(prepared), self._adapter.pool_of(prepared))

    def send(self, request: Request, timeout_s: float) -> Answer:
        """Return the answer; StationUnreachable or, when it is too large, InvalidAnswer.

        `timeout_s` bounds the whole answer, however slowly it drips.
        """
        try:
            return request.pool.exchange(request.method, request.wire, timeout_s)
        except AnswerTooLarge as error:
            raise InvalidAnswer(f"{request}: {error}") from error
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise StationUnreachable(f"{request}: {_cause(error)}") from error

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _wire(request: requests.PreparedRequest) -> bytes:
    """Return the bytes of a whole request."""
    host = urlsplit(request.url or "").netloc.rpartition("@")[2]
    lines = [f"{request.method} {request.path_url} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    body = request.body or b""
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + (body.encode() if isinstance(body, str) else body)


def _cause(error: BaseException) -> str:
    """Return the innermost reason, which is the one that helps."""
    for _ in range(6):
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            break
        error = inner
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _HttpPool(HTTPConnectionPool):
    def exchange(self, method: str, wire: bytes, timeout_s: float) -> Answer:
        """Send a request over a connection that is free, or a new one."""
        connection = cast(HTTPConnection, self._get_conn())
        try:
            return exchange(connection, method, wire, timeout_s)
        finally:
            self._put_conn(connection)


class _HttpsPool(_HttpPool, HTTPSConnectionPool):
    pass


class _PooledAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self._pools: set[_HttpPool] = set()

    def pool_of(self, request: requests.PreparedRequest) -> _HttpPool:
        """Return the connections to a request's host; certificates are verified."""
        pool = self.get_connection_with_tls_context(request, verify=True)
        self.cert_verify(pool, request.url, verify=True, cert=None)  # type: ignore[no-untyped-call]  # types-requests leaves it untyped
        self._pools.add(cast(_HttpPool, pool))
        return cast(_HttpPool, pool)

    def close(self) -> None:
        """Close all connections, also those that a prepared request still knows."""
        for pool in self._pools:
            pool.close()
        super().close()
