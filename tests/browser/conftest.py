"""Fixtures of the tests in a real browser: Chromium, and pages that may not complain."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser.looks import OpenPage
from fixtures.availability import missing
from fixtures.broker_process import BrokerProcess
from fixtures.dashboard_process import find_chromium

PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def module_broker(
    mosquitto: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    """A Mosquitto for the tests of one file, which speak as every service."""
    process = BrokerProcess(tmp_path_factory.mktemp("broker"), mosquitto)
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    path = find_chromium()
    if path is None:
        missing("Chromium is not installed", "sudo apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            # Its sandbox wants rights that containers lack; it opens nothing but our own page.
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu"],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """A function `open(url, **context)`; fails on an error in the console, or a foreign address."""
    complaints: list[str] = []
    contexts = []

    def open_(url: str, *, expects_trouble: bool = False, **context: Any) -> Page:
        made = chromium.new_context(**{"locale": "en-GB", **context})
        contexts.append(made)
        page = made.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if not expects_trouble:
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            page.on(
                "console",
                lambda said: (
                    complaints.append(f"{said.type}: {said.text}")
                    if said.type in {"error", "warning"}
                    else None
                ),
            )
        page.on(
            "request",
            lambda asked: (
                complaints.append(f"asks elsewhere: {asked.url}")
                if urlsplit(asked.url).hostname not in {"localhost", None}
                else None
            ),
        )
        page.goto(url)
        return page

    yield open_
    for made in contexts:
        made.close()
    assert complaints == []
