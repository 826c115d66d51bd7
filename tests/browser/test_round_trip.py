"""A wish made in the browser reaches the station behind the real bridge, and is seen to."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from browser.looks import OpenPage, card
from fixtures.broker_process import ROOT, BrokerProcess, free_port
from fixtures.dashboard_process import DashboardProcess
from fixtures.sessions import wait_until

PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def station_url(module_broker: BrokerProcess, tmp_path: Path) -> Iterator[str]:
    """A simulated car behind the real station-bridge, an hour in a minute."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    mqtt = {
        "WATTBUS_MQTT_HOST": module_broker.host,
        "WATTBUS_MQTT_PORT": str(module_broker.port),
        "WATTBUS_MQTT_USERNAME": "station-bridge",
        "WATTBUS_MQTT_PASSWORD_FILE": str(module_broker.password_file("station-bridge")),
        "WATTBUS_SITE_FILE": str(ROOT / "sites" / "demo.toml"),
        "WATTBUS_STATE_DIR": str(tmp_path / "bridge"),
        "WATTBUS_BRIDGE__STATION__CAR1__URL": url,
    }
    pace = {
        "WATTBUS_SIMULATOR_HOST": "127.0.0.1",
        "WATTBUS_SIMULATOR_PORT": str(port),
        "WATTBUS_SIMULATOR_SCENARIO": "course-day",
        "WATTBUS_SIMULATOR_SECONDS_PER_HOUR": "60",
    }
    with ExitStack() as stack:
        for name, settings in (("simulator", pace), ("station-bridge", mqtt)):
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [PROGRAMS / f"wattbus-{name}"],
                env={
                    **os.environ, "WATTBUS_HEALTH_FILE": str(tmp_path / f"{name}.health"),
                    **settings,
                },
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        yield url


def info_of(station_url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{station_url}/info", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except OSError:
        return {}


def test_mode_and_goal_reach_the_station_and_come_back_to_the_page(
    module_broker: BrokerProcess, station_url: str, tmp_path: Path, open_page: OpenPage
) -> None:
    with DashboardProcess(module_broker, "home", tmp_path / "dashboard") as dashboard:
        page = open_page(dashboard.url)
        car = card(page, "car1")

        car.get_by_role("button", name="Now").click()

        expect(car.get_by_role("status")).to_contain_text("Done")
        expect(car.get_by_role("button", name="Now")).to_have_attribute("aria-pressed", "true")
        expect(car).to_have_attribute("data-tone", "charging")
        wait_until(
            lambda: info_of(station_url).get("ev_battery_charge_start_stopp") is True,
            "the station charges", timeout_s=60,
        )  # fmt: skip

        car.get_by_role("button", name="Off").click()
        wait_until(
            lambda: info_of(station_url).get("ev_battery_charge_start_stopp") is False,
            "the station stops", timeout_s=60,
        )  # fmt: skip
        expect(car).to_have_attribute("data-tone", "waiting")

        car.get_by_role("button", name="Change goal").click()
        page.get_by_label("Target state of charge").fill("65")
        page.get_by_role("button", name="Save").click()
        expect(car).to_contain_text("Target 65 %")
