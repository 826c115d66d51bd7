"""A disk that is full or read-only costs nothing but time: nothing acknowledged, nothing lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fixtures.availability import missing
from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.logger import course_day
from unit.logger.course_day import MIDNIGHT, Bridge, reading
from unit.logger.running_logger import (
    COMMAND,
    RunningLogger,
    confirmed_by,
    health_of,
    ids_in,
)
from wattbus_contract import topics

Connect = Callable[..., MqttRecorder]
SMALL_BYTES = 96 * 1024
LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
    "from wattbus_logger.main import main; sys.exit(main())"
)


@pytest.fixture(autouse=True)
def own_site(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All messages of a test belong to its own site."""
    monkeypatch.setattr(course_day, "SITE", site)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 kB, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount", path=f"{os.environ['PATH']}:/usr/bin:/bin:/sbin")
    if mount is None or os.geteuid() != 0:
        missing("a small disk cannot be mounted", "run the tests as root")
    command = [mount, "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        missing(f"a small disk cannot be mounted ({done.stderr.strip()})", "allow it to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def feed(client: MqttRecorder, bridge: Bridge, count: int) -> None:
    for _ in range(count):
        at = MIDNIGHT + timedelta(seconds=10 * bridge.seq)
        client.publish(*bridge.say(topics.METER, reading(at), station="car1"))


def assert_all_is_there(logger: RunningLogger, client: MqttRecorder, bridge: Bridge) -> None:
    everything = [(bridge.boot_id, seq) for seq in range(1, bridge.seq + 1)]
    logger.wait_for_rows(bridge.seq, timeout_s=40)
    wait_until(lambda: confirmed_by(client.messages) >= set(everything), "all is confirmed")
    assert sorted(ids_in(logger.rows)) == everything


def assert_nothing_is_torn(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix in {".csv", ".jsonl", ".txt"} and path.stat().st_size:
            assert path.read_bytes().endswith(b"\n"), path


def test_a_full_disk_stops_confirming_and_resumes_by_itself(
    broker: BrokerProcess, mqtt_recorder: Connect, small_disk: Path, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    data = small_disk / "data"
    with RunningLogger(broker, data, site) as logger:
        wait_until(lambda: logger.is_connected, "the logger connects", 60)
        feed(client, bridge, 20)
        logger.wait_for_rows(20)
        ballast = small_disk / "ballast"
        fill(ballast)

        feed(client, bridge, 80)

        wait_until(lambda: health_of(client).get("health") == "degraded", "degraded health")
        assert "No space left on device" in health_of(client)["detail"]
        assert "No space left on device" in logger.log
        on_disk = set(ids_in(logger.rows))
        assert len(on_disk) < 100
        assert confirmed_by(client.messages) <= on_disk
        assert_nothing_is_torn(data)
        ballast.unlink()
        assert_all_is_there(logger, client, bridge)
        wait_until(lambda: health_of(client)["health"] == "ok", "good health again")
        assert_nothing_is_torn(data)


def fill(ballast: Path) -> None:
    """Leave no byte free."""
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_a_logger_that_is_killed_while_the_disk_is_full_loses_nothing(
    broker: BrokerProcess, mqtt_recorder: Connect, small_disk: Path, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    data = small_disk / "data"
    ballast = small_disk / "ballast"
    with RunningLogger(broker, data, site) as logger:
        wait_until(lambda: logger.is_connected, "the logger connects", 60)
        feed(client, bridge, 10)
        logger.wait_for_rows(10)
        fill(ballast)
        feed(client, bridge, 50)
        wait_until(lambda: health_of(client).get("health") == "degraded", "degraded health")
        logger.kill()
    ballast.unlink()

    with RunningLogger(broker, data, site) as logger:
        assert_all_is_there(logger, client, bridge)


def test_a_limit_on_the_size_of_files_is_no_crash(
    broker: BrokerProcess, mqtt_recorder: Connect, tmp_path: Path, site: str
) -> None:
    client, bridge = mqtt_recorder("station-bridge", "wattbus/#"), Bridge()
    data = tmp_path / "data"
    with RunningLogger(broker, data, site, [sys.executable, "-c", LIMITED]) as logger:
        wait_until(lambda: logger.is_connected, "the logger connects", 60)
        feed(client, bridge, 200)
        wait_until(lambda: "File too large" in logger.log, "the limit is told", 60)
        wait_until(lambda: health_of(client).get("health") == "degraded", "degraded health", 60)
        assert confirmed_by(client.messages) <= set(ids_in(logger.rows))
        assert_nothing_is_torn(data)

    with RunningLogger(broker, data, site, COMMAND) as logger:
        assert_all_is_there(logger, client, bridge)
