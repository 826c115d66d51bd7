"""`wattbus demo --scenario se3-week`: real prices and a real house, through the real system."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from demo.running_wattbus import RunningWattbus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FUSE_W = 11_000
DEPARTURES = 6
"""Monday to Saturday; a week that begins late may see the next Monday's, too."""
WEEK_S = 240.0


class Week(NamedTuple):
    """A week that is over."""

    rows: list[dict[str, str]]
    sessions: list[dict[str, Any]]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, mosquitto: str) -> Iterator[Week]:
    """The week at twice the demo's pace, with its recording and report."""
    wattbus = RunningWattbus(
        tmp_path_factory.mktemp("week"),
        *("demo", "--scenario", "se3-week", "--strategy", "cheapest", "--seconds-per-hour", "0.5"),
    )
    try:
        assert wattbus.process.wait(WEEK_S) == 0, wattbus.output
        with (wattbus.data_dir / "battery_log.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        report = subprocess.run(
            [
                *(Path(sys.executable).parent / "wattbus-logger", "report", "--json"),
                *("--data", wattbus.data_dir, "--from", "2024-12-02"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        yield Week(rows, json.loads(report.stdout)["sessions"])
    finally:
        wattbus.end(signal.SIGKILL)


def test_no_reading_is_above_the_fuse(week: Week) -> None:
    charging = [row for row in week.rows if float(row["power_w"]) > 0]

    assert len(charging) > 50
    assert max(float(row["site_load_w"]) for row in week.rows) <= FUSE_W


def test_the_car_leaves_with_its_target_every_morning(week: Week) -> None:
    stays = [session for session in week.sessions if not session["is_open"]]

    assert len(stays) >= DEPARTURES
    for stay in stays:
        assert stay["soc_end_percent"] >= stay["target_soc_percent"], stay


def test_the_week_costs_less_than_charging_on_arrival(week: Week) -> None:
    cost = sum(session["cost"] for session in week.sessions)
    at_once = sum(session["reference_cost"] for session in week.sessions)

    assert cost < 0.75 * at_once
