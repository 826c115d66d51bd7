"""`wattbus up` on the real Mosquitto: it starts, heals, answers, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.running_wattbus import WATTBUS, RunningWattbus
from fixtures.mqtt_recorder import MqttRecorder

pytestmark = pytest.mark.slow
SERVICES = ("simulator", "logger", "scheduler", "station-bridge", "dashboard")


@pytest.fixture
def up(tmp_path: Path, mosquitto: str) -> Iterator[RunningWattbus]:
    wattbus = RunningWattbus(tmp_path, "up")
    yield wattbus
    wattbus.end(signal.SIGKILL)


def viewer(wattbus: RunningWattbus) -> MqttRecorder:
    facts = wattbus.facts()
    password = (wattbus.run_dir / "secrets" / "viewer" / "password").read_text()
    return MqttRecorder(facts["host"], facts["port"], "viewer", password)


def ask(wattbus: RunningWattbus, *arguments: str) -> subprocess.CompletedProcess[str]:
    facts = wattbus.facts()
    password_file = wattbus.run_dir / "secrets" / "console" / "password"
    place = ("--host", facts["host"], "--port", str(facts["port"]))
    return subprocess.run(
        [WATTBUS, *arguments, *place, "--password-file", password_file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_all_services_run_and_the_way_to_watch_is_told(up: RunningWattbus) -> None:
    up.facts()

    commands = list(up.services().values())

    for program in ("/mosquitto -c", *(f"wattbus-{service}" for service in SERVICES)):
        assert any(program in command for command in commands), program
    up.wait_until(lambda: "Ctrl-C" in up.output, "it says what to do")
    (url,) = re.findall(r"open it +(http\S+)", up.output)
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert "Wattbus" in answer.read().decode()
    assert "mosquitto_sub -h 127.0.0.1" in up.output
    assert f'-u viewer -P "$(cat {up.run_dir}/secrets/viewer/password)"' in up.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(up: RunningWattbus, how: signal.Signals) -> None:
    up.facts()

    status = up.end(how)

    assert status == 0
    assert up.services() == {}
    assert "all services have ended" in up.output


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_nothing_outlives_a_killed_console(up: RunningWattbus) -> None:
    up.facts()
    assert len(up.services()) > len(SERVICES)

    up.end(signal.SIGKILL)

    up.wait_until(lambda: not up.services(), "all services have ended", timeout_s=30)


def test_a_signal_during_the_start_ends_everything(up: RunningWattbus) -> None:
    up.wait_until(up.services, "the first service runs")

    up.end(signal.SIGINT)

    assert up.services() == {}


def test_a_crashed_scheduler_is_started_again_and_commands(up: RunningWattbus) -> None:
    with viewer(up) as bus:
        bus.subscribe("wattbus/v1/home/service/scheduler/scheduler/status", "wattbus/v1/home/plan")
        first = bus.wait_for(lambda m: m.topic.endswith("/status") and m.json["status"] == "up")
        crashed = up.service("scheduler")
        seen = len(bus.messages)

        os.kill(crashed, signal.SIGKILL)

        again = bus.wait_for(
            lambda m: m.topic.endswith("/status") and m.json["boot_id"] != first.json["boot_id"],
            timeout_s=60,
            since=seen,
        )
        bus.wait_for(
            lambda m: m.topic.endswith("/plan") and m.json["boot_id"] == again.json["boot_id"],
            timeout_s=60,
            since=seen,
        )
    assert up.service("scheduler") != crashed
    assert "scheduler was ended by signal 9; it is started again" in up.output


def test_wishes_are_answered_and_take_effect(up: RunningWattbus) -> None:
    with viewer(up) as bus:
        bus.subscribe("wattbus/v1/home/station/car1/goal", "wattbus/v1/home/station/car1/meter")
        bus.wait_for(lambda m: m.topic.endswith("/meter"))

        now = ask(up, "mode", "car1", "now")
        bus.wait_for(lambda m: m.topic.endswith("/meter") and m.json["power_active_import_w"] > 0)
        seen = len(bus.messages)
        goal = ask(up, "goal", "car1", "--target", "60", "--departure", "07:00")
        changed = bus.wait_for(lambda m: m.topic.endswith("/goal"), since=seen)

    assert (now.returncode, now.stdout.split(":")[0]) == (0, "accepted")
    assert (goal.returncode, goal.stdout.split(":")[0]) == (0, "accepted")
    assert changed.json["target_soc_percent"] == 60


def test_the_doctor_finds_the_running_system_well(up: RunningWattbus) -> None:
    with viewer(up) as bus:
        bus.subscribe("wattbus/v1/home/plan")
        bus.wait_for(lambda m: m.topic.endswith("/plan"))

    done = ask(up, "doctor", "--json", "--wait", "30")

    found = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    needed = {"broker", "access list", "station-bridge", "scheduler", "logger", "car1", "command"}
    assert done.returncode == 0, done.stdout
    assert needed <= set(found)
    assert {found[subject]["verdict"] for subject in needed} == {"ok"}, done.stdout


def test_an_unknown_station_is_told_with_the_known_ones(up: RunningWattbus) -> None:
    with viewer(up) as bus:
        bus.subscribe("wattbus/v1/home/station/car1/meter")
        bus.wait_for(lambda _: True)

    done = ask(up, "mode", "car9", "now")

    assert done.returncode != 0
    assert "car9" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_in_the_same_folder_is_refused(up: RunningWattbus, tmp_path: Path) -> None:
    up.facts()

    second = RunningWattbus(tmp_path, "up")

    assert second.process.wait(60) == 2
    assert "in use by process" in second.output
    assert up.process.poll() is None
