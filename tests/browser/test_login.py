"""The password: wanted before others reach the page, hard to guess, and nobody gets around it."""

import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.looks import OpenPage, serious_findings
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import PROGRAM, DashboardProcess

PASSWORD = "correct-horse-battery"
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def dashboard(
    module_broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DashboardProcess]:
    """A dashboard with a password, open to others; the last test uses up its guesses."""
    folder = tmp_path_factory.mktemp("dashboard")
    process = DashboardProcess(module_broker, "home", folder, WATTBUS_DASHBOARD_HOST="0.0.0.0")
    assert process.set_password(PASSWORD).returncode == 0
    with process:
        yield process


def status_of(
    dashboard: DashboardProcess, path: str, headers: dict[str, str], body: bytes | None = None
) -> int:
    """Ask without a browser; return the status of the answer."""
    connection = HTTPConnection("localhost", dashboard.port, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def log_in(page: Page, password: str) -> None:
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WATTBUS_DASHBOARD_HOST", "0.0.0.0"),
        ("WATTBUS_DASHBOARD_PUBLISHED_AT", "0.0.0.0:8080"),
        ("WATTBUS_DASHBOARD_PUBLISHED_AT", "8080"),
    ],
)
def test_it_does_not_start_for_others_without_a_password(
    module_broker: BrokerProcess, tmp_path: Path, name: str, value: str
) -> None:
    process = DashboardProcess(module_broker, "home", tmp_path, **{name: value})

    done = subprocess.run(
        [PROGRAM], env=process.environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert f"{name} = '{value}'" in done.stderr
    assert "set-password" in done.stderr


def test_a_password_that_is_too_short_is_refused(
    module_broker: BrokerProcess, tmp_path: Path
) -> None:
    done = DashboardProcess(module_broker, "home", tmp_path).set_password("short")

    assert done.returncode == 1
    assert "at least 8 characters" in done.stderr


def test_who_knows_the_password_gets_in_and_out(
    dashboard: DashboardProcess, open_page: OpenPage
) -> None:
    page = open_page(f"{dashboard.url}/en", expects_trouble=True)
    expect(page.get_by_role("heading", name="Log in to Wattbus")).to_be_visible()
    assert serious_findings(page) == []

    log_in(page, "wrong-horse-battery")
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    log_in(page, PASSWORD)

    expect(page.get_by_role("heading", name="Cars")).to_be_visible()
    (cookie,) = [c for c in page.context.cookies() if c["name"] == "wattbus-session"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"

    page.get_by_role("link", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(dashboard.url)
    expect(page.get_by_label("Password")).to_be_visible()


def test_nothing_is_given_to_who_has_not_logged_in_or_comes_from_elsewhere(
    dashboard: DashboardProcess,
) -> None:
    own = {"Origin": dashboard.url}
    foreign = {"Origin": "http://evil.example"}

    assert status_of(dashboard, "/en", {}) == 401
    assert status_of(dashboard, "/_nicegui/auto", {}) == 401
    assert status_of(dashboard, SOCKET, {**UPGRADE, **own}) == 403
    assert status_of(dashboard, SOCKET, {**UPGRADE, **foreign}) == 403
    guess = f"guess={PASSWORD}".encode()
    assert status_of(dashboard, "/login", foreign, guess) == 403


def test_without_a_password_a_foreign_name_or_page_gets_nothing(
    module_broker: BrokerProcess, tmp_path: Path
) -> None:
    with DashboardProcess(module_broker, "home", tmp_path) as dashboard:
        own = {"Origin": dashboard.url}

        assert status_of(dashboard, "/en", {"Host": "evil.example"}) == 403
        assert status_of(dashboard, SOCKET, UPGRADE) == 403
        assert status_of(dashboard, SOCKET, {**UPGRADE, "Origin": "http://evil.example"}) == 403
        # The negative control: the page itself gets its websocket.
        assert status_of(dashboard, SOCKET, {**UPGRADE, **own}) == 101


def test_guessing_soon_has_to_wait_even_with_the_right_password(
    dashboard: DashboardProcess, open_page: OpenPage
) -> None:
    page = open_page(dashboard.url, expects_trouble=True)

    for _ in range(5):
        log_in(page, "wrong-horse-battery")
        expect(page.get_by_role("alert")).not_to_be_empty()
    log_in(page, PASSWORD)

    expect(page.get_by_role("alert")).to_contain_text("Too many wrong guesses")
