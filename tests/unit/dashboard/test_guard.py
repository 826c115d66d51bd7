"""Who may come in: passwords, guesses, cookies, origins, and settings that stop the start."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from wattbus_contract.broker_settings import BadSetting
from wattbus_dashboard.guard import COOKIE, Guard
from wattbus_dashboard.guesses import FREE_GUESSES, FREE_GUESSES_OF_EVERYBODY, GuessLimit
from wattbus_dashboard.password import Password, is_valid_cookie, new_cookie
from wattbus_dashboard.settings import DashboardSettings, check_guarded, host_of, is_loopback

PASSWORD = "correct-horse-battery"
OWN = {"host": "wattbus.example:8080", "origin": "http://wattbus.example:8080"}


@pytest.fixture
def password(tmp_path: Path) -> Password:
    found = Password(tmp_path / "state")
    found.set(PASSWORD)
    return found


def status_of(
    signer: Any, headers: dict[str, str], *, kind: str = "http", method: str = "GET",
    path: str = "/en",
) -> int:  # fmt: skip
    """What the guard answers; 200 where it lets through."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind, "method": method, "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(Guard(app, signer)(scope, receive, send))
    return 403 if sent[0]["type"] == "websocket.close" else int(sent[0]["status"])


def test_the_password_is_kept_as_a_hash_that_only_its_owner_may_read(
    password: Password, tmp_path: Path
) -> None:
    file = tmp_path / "state" / "password.hash"

    assert file.read_text().startswith("$argon2id$")
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    again = Password(tmp_path / "state")
    assert again.is_set
    assert again.is_right(PASSWORD)
    assert not again.is_right("wrong-horse-battery")


def test_without_a_password_nothing_is_right(tmp_path: Path) -> None:
    nobody = Password(tmp_path)

    assert not nobody.is_set
    assert not nobody.is_right("")


def test_a_cookie_lasts_over_a_restart_but_not_over_a_new_password(
    password: Password, tmp_path: Path
) -> None:
    cookie = new_cookie(password.cookie_signer())

    assert is_valid_cookie(Password(tmp_path / "state").cookie_signer(), cookie)
    password.set("another-horse-battery")
    assert not is_valid_cookie(password.cookie_signer(), cookie)


@pytest.mark.parametrize("cookie", [None, "", "nonsense", "a.b.c"])
def test_an_invented_cookie_is_worth_nothing(password: Password, cookie: str | None) -> None:
    assert not is_valid_cookie(password.cookie_signer(), cookie)


def test_only_the_log_in_is_open_to_everybody(password: Password) -> None:
    signer = password.cookie_signer()
    page = {**OWN, "accept": "text/html"}
    known = {**page, "cookie": f"x=1; {COOKIE}={new_cookie(signer)}"}

    assert status_of(signer, page) == 303
    assert status_of(signer, OWN) == 401
    assert status_of(signer, page, path="/login") == 200
    assert status_of(signer, page, path="/login-elsewhere") != 200
    assert status_of(signer, known) == 200
    assert status_of(signer, OWN, kind="websocket") == 403
    assert status_of(signer, known, kind="websocket") == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://wattbus.example", "null", "http://wattbus.example:80"]
)
def test_a_page_of_somebody_else_changes_nothing(password: Password, origin: str) -> None:
    signer = password.cookie_signer()
    foreign = {**OWN, "origin": origin, "cookie": f"{COOKIE}={new_cookie(signer)}"}

    assert status_of(signer, foreign, kind="websocket") == 403
    assert status_of(signer, foreign, method="POST", path="/login") == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("", 403),
        ("evil.example:8080", 403), ("localhost.evil.example", 403), ("192.168.1.5", 403),
    ],
)  # fmt: skip
def test_without_a_password_only_this_machine_is_answered(host: str, status: int) -> None:
    assert status_of(None, {"host": host}) == status


def test_guessing_gets_slower_and_slower_and_is_forgotten_after_an_hour() -> None:
    limit, address = GuessLimit(), "10.0.0.1"

    for _ in range(FREE_GUESSES):
        assert limit.wait_s(address, 0.0) == 0
        limit.note_wrong(address, 0.0)

    assert limit.wait_s(address, 0.0) == 15
    assert limit.wait_s("10.0.0.2", 0.0) == 0
    limit.note_wrong(address, 15.0)
    assert limit.wait_s(address, 15.0) == 30
    limit.note_wrong(address, 4000.0)
    assert limit.wait_s(address, 4000.0) == 0


def test_many_addresses_together_have_to_wait_too_and_use_up_no_memory() -> None:
    limit = GuessLimit()

    for number in range(3000):
        limit.note_wrong(f"address {number}", 0.0)

    assert limit.wait_s("a new one", 0.0) > 0
    assert len(limit.records) <= 1001
    assert FREE_GUESSES_OF_EVERYBODY < 3000


def test_who_knows_the_password_starts_afresh() -> None:
    limit = GuessLimit()
    for _ in range(FREE_GUESSES):
        limit.note_wrong("10.0.0.1", 0.0)

    limit.note_right("10.0.0.1")

    assert limit.wait_s("10.0.0.1", 0.0) == 0


@pytest.mark.parametrize(
    ("settings", "is_local"),
    [
        ({}, True),
        ({"host": "localhost"}, True),
        ({"host": "::1"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "192.168.1.5"}, False),
        ({"host": "0.0.0.0", "published_at": "127.0.0.1:8080"}, True),
        ({"host": "0.0.0.0", "published_at": "[::1]:8080"}, True),
        ({"host": "0.0.0.0", "published_at": "0.0.0.0:8080"}, False),
        ({"host": "0.0.0.0", "published_at": "8080"}, False),
    ],
)
def test_others_are_let_in_only_with_a_password(settings: dict[str, str], is_local: bool) -> None:
    found = DashboardSettings(**settings)

    assert found.is_local is is_local
    check_guarded(found, has_password=True)
    if is_local:
        check_guarded(found, has_password=False)
    else:
        with pytest.raises(BadSetting, match="set-password"):
            check_guarded(found, has_password=False)


def test_hosts_are_read_from_addresses() -> None:
    assert host_of("127.0.0.1:80") == "127.0.0.1"
    assert host_of("[::1]:80") == "::1"
    assert not is_loopback("localhost.example")
