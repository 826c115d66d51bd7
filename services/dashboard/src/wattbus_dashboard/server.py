"""The routes: the page in each language, the log-in, and what stands before all of them."""

import asyncio
import html
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import TimestampSigner
from nicegui import app, ui

from wattbus_dashboard.guard import COOKIE, Guard
from wattbus_dashboard.guesses import GuessLimit
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.languages import LANGUAGES, choose
from wattbus_dashboard.page import Page
from wattbus_dashboard.password import COOKIE_VALID_S, Password, new_cookie
from wattbus_dashboard.words import Words
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV

LANGUAGE_COOKIE = "wattbus-language"
LANGUAGE_KEPT_S = 365 * 86_400
ASSETS = Path(str(files("wattbus_dashboard").joinpath("assets")))
HEAD = '<link rel="stylesheet" href="/assets/style.css">'


def set_up(hub: Hub, password: Password) -> None:
    """Register every route and the guard with NiceGUI's application."""
    signer = password.cookie_signer() if password.is_set else None
    app.add_static_files("/assets", ASSETS)
    app.add_middleware(Guard, signer=signer)
    _serve_start()
    _serve_page(hub, EN, SV, "en-US", has_login=signer is not None)
    _serve_page(hub, SV, EN, "sv", has_login=signer is not None)
    if signer is not None:
        _serve_login(password, signer)


def _serve_start() -> None:
    @app.get("/")
    def start(request: Request, lang: str | None = None) -> Response:
        """Send to the page in the language of the person."""
        response = RedirectResponse(f"/{_words(request, lang).code}", 303)
        if lang in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, lang, max_age=LANGUAGE_KEPT_S, samesite="lax", httponly=True
            )
        return response


def _serve_page(hub: Hub, words: Words, other: Words, lang: str, *, has_login: bool) -> None:
    @ui.page(f"/{words.code}", language=lang)  # type: ignore[arg-type]
    def show() -> None:
        ui.add_head_html(HEAD)
        Page(hub, words, other, has_login=has_login)


def _serve_login(password: Password, signer: TimestampSigner) -> None:
    limit = GuessLimit()

    @app.get("/login")
    def form(request: Request) -> Response:
        """Show the form."""
        return _login_page(_words(request), "", 200)

    @app.post("/login")
    async def log_in(request: Request, guess: Annotated[str, Form(max_length=1000)]) -> Response:
        """Let in who knows the password."""
        words = _words(request)
        address = request.client.host if request.client is not None else ""
        wait_s = limit.wait_s(address, time.monotonic())
        if wait_s > 0:
            text = words.login_wait.format(seconds=f"{wait_s:.0f}")
            return _login_page(words, text, 429, {"Retry-After": f"{wait_s:.0f}"})
        # Counted before it is looked at, so that many at once are counted too.
        limit.note_wrong(address, time.monotonic())
        if not await asyncio.to_thread(password.is_right, guess):
            return _login_page(words, words.login_wrong, 403)
        limit.note_right(address)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, new_cookie(signer), max_age=COOKIE_VALID_S, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    @app.get("/logout")
    def log_out() -> Response:
        """Forget the person."""
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        return response


def _words(request: Request, wanted: str | None = None) -> Words:
    return choose(
        wanted or request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )


def _login_page(
    words: Words, problem: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Return plain HTML: who is not let in gets no script."""
    say = html.escape
    return HTMLResponse(
        f"""<!doctype html>
<html lang="{words.code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{say(words.login_title)}</title>
<link rel="icon" href="/assets/icon.svg">
{HEAD}
</head>
<body>
<main class="login">
<form class="card" method="post" action="/login">
<h1>{say(words.login_title)}</h1>
<label class="field"><span>{say(words.login_password)}</span>
<input name="guess" type="password" autocomplete="current-password" required autofocus></label>
<p class="wish small" data-tone="bad" role="alert">{say(problem)}</p>
<button class="main" type="submit">{say(words.login_button)}</button>
</form>
</main>
</body>
</html>
""",
        status,
        headers,
    )
