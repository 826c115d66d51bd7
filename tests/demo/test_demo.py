"""`wattbus demo`: the default day through the real system, from the start to the report."""

import csv
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from demo.running_wattbus import RunningWattbus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
BEST_COST = 13.73
"""22, 23, 3 whole and 0.754 h at 68.01 öre: worked out by hand."""
FULL_POWER_W = 7400
DAY_S = 300.0
"""The longest that a demo of a day of 96 s may take, start and report included."""
PROGRAMS = Path(sys.executable).parent


class Sample(NamedTuple):
    """What the simulator itself says."""

    at: datetime
    register_wh: float
    power_w: float


class Demo(NamedTuple):
    """A demo that has ended."""

    wattbus: RunningWattbus
    status: int
    samples: list[Sample]
    report: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.wattbus.data_dir / "battery_log.csv").open(newline="") as file:
            return list(csv.DictReader(file))


def _watch_simulator(url: str, samples: list[Sample], must_stop: threading.Event) -> None:
    while not must_stop.wait(0.25):
        try:
            with urllib.request.urlopen(f"{url}/stations/car1", timeout=2) as answer:
                seen = json.load(answer)
        except OSError:
            return
        at = datetime.fromisoformat(seen["at"])
        samples.append(Sample(at, seen["energy_register_wh"], seen["power_w"]))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, mosquitto: str) -> Iterator[Demo]:
    """The default demo, run to its end, with the simulator watched from outside."""
    wattbus = RunningWattbus(tmp_path_factory.mktemp("demo"), "demo", "--strategy", "cheapest")
    samples: list[Sample] = []
    must_stop = threading.Event()
    try:
        url = wattbus.facts()["simulator_url"]
        watcher = threading.Thread(target=_watch_simulator, args=(url, samples, must_stop))
        watcher.start()
        status = wattbus.process.wait(DAY_S)
        must_stop.set()
        watcher.join()
        report = subprocess.run(
            [PROGRAMS / "wattbus-logger", "report", "--data", wattbus.data_dir, "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        yield Demo(wattbus, status, samples, json.loads(report.stdout))
    finally:
        wattbus.end(signal.SIGKILL)


def test_it_ends_by_itself_with_the_target_reached(demo: Demo) -> None:
    assert demo.status == 0, demo.wattbus.output
    assert "the target is reached" in demo.wattbus.output


def test_it_leaves_no_process_behind(demo: Demo) -> None:
    assert demo.wattbus.services() == {}


def test_the_plan_with_its_reasons_is_shown_before_the_course(demo: Demo) -> None:
    output = demo.wattbus.output

    assert "The plan for car1, strategy cheapest" in output
    assert output.index("The plan for car1") < output.index("car1 charging 7.40 kW")
    assert "under the 11 kW fuse" in output


def test_the_running_system_finds_the_cheapest_hours(demo: Demo) -> None:
    used_h: Counter[str] = Counter()
    for before, after in pairwise(demo.rows):
        drawn_wh = float(after["energy_register_wh"]) - float(before["energy_register_wh"])
        used_h[before["local_time"][11:13]] += drawn_wh / FULL_POWER_W

    for hour in ("22", "23", "03"):
        assert used_h.pop(hour) == pytest.approx(1, abs=0.06)
    # 2 and 4 o'clock cost the same, so that the rest may lie in either or in both.
    assert used_h.pop("02", 0) + used_h.pop("04", 0) == pytest.approx(0.754, abs=0.06)
    # A switch is only seen at the next poll.
    assert sum(used_h.values()) == pytest.approx(0, abs=0.1)


def test_the_report_states_the_expected_cost_within_a_hundredth(demo: Demo) -> None:
    (session,) = demo.report["sessions"]

    assert session["cost"] == pytest.approx(BEST_COST, rel=0.01)
    assert session["shortfall_kwh"] == 0
    assert "Charging sessions" in demo.wattbus.output
    assert f"{session['cost']:.2f} kr" in demo.wattbus.output


def test_the_csv_agrees_with_the_simulators_energy_register(demo: Demo) -> None:
    rows = [
        (datetime.fromisoformat(row["at"]), float(row["energy_register_wh"])) for row in demo.rows
    ]
    instants = [at for at, _ in rows]
    checked = 0

    for sample in demo.samples:
        before, after = bisect_right(instants, sample.at) - 1, bisect_left(instants, sample.at)
        if before < 0 or after >= len(rows):
            continue
        assert rows[before][1] - 0.5 <= sample.register_wh <= rows[after][1] + 0.5, sample
        checked += 1

    assert checked > 100
    assert demo.samples[-1].power_w == 0
    assert rows[-1][1] == pytest.approx(demo.samples[-1].register_wh, abs=0.5)


def test_the_fuse_is_never_exceeded(demo: Demo) -> None:
    loads_w = [float(row["house_load_w"]) + float(row["power_w"]) for row in demo.rows]

    assert max(loads_w) <= 11_000


def test_all_files_are_there_and_named(demo: Demo) -> None:
    for name in ("battery_log.csv", "charging_log.txt", "events.jsonl", "battery_plot.png"):
        file = demo.wattbus.data_dir / name
        assert file.stat().st_size > 0
        assert str(file) in demo.wattbus.output
    assert (demo.wattbus.data_dir / "battery_plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_recording_replays_to_identical_decisions(demo: Demo) -> None:
    done = subprocess.run(
        [PROGRAMS / "wattbus", "replay", demo.wattbus.data_dir / "events.jsonl"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert " 0 different" in done.stdout
    assert int(done.stdout.split(": ")[1].split()[0]) > 10


def test_ctrl_c_in_the_middle_ends_it_without_a_trace(tmp_path: Path, mosquitto: str) -> None:
    wattbus = RunningWattbus(tmp_path, "demo")
    wattbus.facts()

    status = wattbus.end(signal.SIGINT)

    assert status == 130
    assert wattbus.services() == {}
    assert "no process is left behind" in wattbus.output


def test_files_of_an_earlier_run_are_moved_aside(tmp_path: Path, mosquitto: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "battery_log.csv").write_text("earlier\n")

    wattbus = RunningWattbus(tmp_path, "demo")
    wattbus.facts()
    wattbus.end(signal.SIGINT)

    (moved,) = (tmp_path / "data" / "earlier").glob("*/battery_log.csv")
    assert moved.read_text() == "earlier\n"
    assert "earlier" not in (tmp_path / "data" / "battery_log.csv").read_text()


def test_what_cannot_be_had_in_the_time_given_is_stated(tmp_path: Path, mosquitto: str) -> None:
    wattbus = RunningWattbus(tmp_path, "demo", "--hours", "2", "--seconds-per-hour", "2")

    status = wattbus.process.wait(60)

    assert status == 0, wattbus.output
    stated = r"after 2 simulated hours car1 stands at 2\d\.\d % and is 2\d\.\d\d kWh short of 80 %"
    assert re.search(stated, wattbus.output), wattbus.output
    assert "Charging sessions" in wattbus.output


def test_the_first_row_knows_the_site_already(demo: Demo) -> None:
    first = demo.rows[0]

    assert first["fuse_power_w"] == "11000"
    assert first["local_time"].startswith("2025-01-15 00:")
