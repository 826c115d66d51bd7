"""The installed command starts, serves, refuses bad settings by name and ends on SIGTERM."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from fixtures.waiting import wait_until

COMMAND = str(Path(sys.executable).with_name("wattbus-simulator"))


@pytest.fixture
def running(tmp_path):
    """A simulator on a free port; yields its process and its address."""
    environment = {**os.environ, "WATTBUS_SIMULATOR_PORT": "0"}
    output = tmp_path / "output"
    with output.open("w") as sink:
        process = subprocess.Popen([COMMAND], env=environment, stdout=sink, stderr=sink)
    try:
        address = re.compile(r"http://[\d.:]+")
        wait_until(
            lambda: address.search(output.read_text()) or process.poll() is not None,
            "the simulator says where it is",
        )
        found = address.search(output.read_text())
        assert found is not None, output.read_text()
        yield process, found.group()
    finally:
        process.kill()
        process.wait()


def test_the_command_serves_and_ends_cleanly_on_sigterm(running):
    process, address = running
    session = requests.Session()
    assert session.get(f"{address}/health", timeout=5).json()["status"] == "ok"
    session.put(f"{address}/stations/car1/limit", json={"limit_w": 7400}, timeout=5)

    first = session.get(f"{address}/stations/car1", timeout=5).json()
    memory_mb = psutil.Process(process.pid).memory_info().rss / 1e6
    process.send_signal(signal.SIGTERM)

    assert first["power_w"] == 7400
    assert memory_mb < 60
    assert process.wait(timeout=3) == 0


def test_an_idle_simulator_uses_next_to_no_processor_time(running):
    process, address = running
    requests.get(f"{address}/health", timeout=5)
    watched = psutil.Process(process.pid)
    before_s = sum(watched.cpu_times()[:2])

    time.sleep(2)  # idleness can only be measured by letting time pass

    assert sum(watched.cpu_times()[:2]) - before_s < 0.04


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "http", "WATTBUS_SIMULATOR_PORT"),
        ("PORT", "70000", "WATTBUS_SIMULATOR_PORT"),
        ("SCENARIO", "no-such-day", "WATTBUS_SIMULATOR_SCENARIO"),
        ("SECONDS_PER_HOUR", "fast", "WATTBUS_SIMULATOR_SECONDS_PER_HOUR"),
        ("SECONDS_PER_HOUR", "0", "WATTBUS_SIMULATOR_SECONDS_PER_HOUR"),
        ("SECONDS_PER_HOUR", "nan", "WATTBUS_SIMULATOR_SECONDS_PER_HOUR"),
        ("START_AT", "tomorrow", "WATTBUS_SIMULATOR_START_AT"),
        ("START_AT", "2025-01-15T00:00:00Z", "WATTBUS_SIMULATOR_START_AT"),
    ],
)
def test_a_bad_setting_stops_the_start_and_is_named(name, value, complaint):
    environment = {**os.environ, f"WATTBUS_SIMULATOR_{name}": value}

    ended = subprocess.run(
        [COMMAND], env=environment, capture_output=True, text=True, timeout=20, check=False
    )

    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert value in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_module_runs_as_the_command_does():
    environment = {**os.environ, "WATTBUS_SIMULATOR_PORT": "http"}

    ended = subprocess.run(
        [sys.executable, "-m", "wattbus_simulator.main"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 2
    assert "WATTBUS_SIMULATOR_PORT" in ended.stderr
