"""Stands before every request and websocket: who may come in, and from which page."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from itsdangerous import TimestampSigner
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattbus_dashboard.password import is_valid_cookie
from wattbus_dashboard.settings import is_loopback

COOKIE = "wattbus-session"
LOGIN, ASSETS = "/login", "/assets/"
"""What a person needs before he is let in."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'; base-uri 'self'; form-action 'self'"),
)


class Guard:
    """ASGI middleware. Without a signer no password is set, and only this machine may ask.

    A page of somebody else's that makes a browser call us is told by the Origin header, which
    scripts cannot change; a foreign name that was made to point here (DNS rebinding) by the Host.
    """

    def __init__(self, app: ASGIApp, signer: TimestampSigner | None) -> None:
        self._app = app
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, _with_security_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, _with_security_headers(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        foreign = self._foreign(scope, headers)
        if foreign is not None:
            return PlainTextResponse(foreign, 403)
        if (
            self._signer is None
            or scope["path"] == LOGIN
            or scope["path"].startswith(ASSETS)
            or is_valid_cookie(self._signer, _cookie(headers))
        ):
            return None
        if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("log in first", 401)

    def _foreign(self, scope: Scope, headers: dict[str, str]) -> str | None:
        """Return why a request does not come from our own page, None if it may."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._signer is None and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return "no password is set: open the page as localhost"
        is_websocket = scope["type"] == "websocket"
        if not is_websocket and scope["method"] in SAFE_METHODS:
            return None
        if origin is None:
            # Every browser names the origin here; what does not is no page.
            return "which page are you from?" if is_websocket else None
        return None if urlsplit(origin).netloc == host else "a page of somebody else's asks"


def _cookie(headers: dict[str, str]) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *SECURITY_HEADERS]
        await send(message)

    return sending
