"""`wattbus demo --scenario solar-day`: a car that stays at home waits for the sun."""

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

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

FUSE_W = 11_000
DAY_S = 150.0


class Day(NamedTuple):
    """The day up to the target."""

    rows: list[dict[str, str]]
    session: dict[str, Any]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, mosquitto: str) -> Iterator[Day]:
    """The day at an hour a second, planned jointly, with its recording and report."""
    wattbus = RunningWattbus(
        tmp_path_factory.mktemp("solar"),
        *("demo", "--scenario", "solar-day", "--strategy", "optimal", "--seconds-per-hour", "1"),
    )
    try:
        assert wattbus.process.wait(DAY_S) == 0, wattbus.output
        with (wattbus.data_dir / "battery_log.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        report = subprocess.run(
            [
                *(Path(sys.executable).parent / "wattbus-logger", "report", "--json"),
                *("--by", "session", "--data", wattbus.data_dir),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        yield Day(rows, json.loads(report.stdout)["sessions"][0])
    finally:
        wattbus.end(signal.SIGKILL)


def test_the_car_has_its_target_mostly_from_the_roof(day: Day) -> None:
    assert day.session["soc_end_percent"] >= 80
    # Some is drawn before the first plan, and a whole step is not always the surplus.
    assert day.session["solar_kwh"] > 0.8 * day.session["energy_kwh"]


def test_it_costs_what_selling_would_have_brought(day: Day) -> None:
    feed_in = [float(row["feed_in_price_per_kwh"]) for row in day.rows if row["price_per_kwh"]]
    price = [float(row["price_per_kwh"]) for row in day.rows if row["price_per_kwh"]]

    assert max(feed_in) < min(price)
    assert day.session["cost"] < 0.6 * min(price) * day.session["energy_kwh"]


def test_house_and_car_stay_below_the_fuse_without_the_roof(day: Day) -> None:
    sunny = [row for row in day.rows if float(row["pv_power_w"]) > 5000]

    assert any(float(row["power_w"]) > 0 for row in sunny)
    for row in day.rows:
        load_w = float(row["site_load_w"])
        assert load_w == pytest.approx(float(row["house_load_w"]) + float(row["power_w"]))
        assert load_w <= FUSE_W
