"""Bridge and broker are killed while they work: the logger's rows are complete all the same."""

import csv
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import wait_until
from unit.logger.running_logger import RunningLogger
from unit.station_bridge.course_station import Answer, serving
from unit.station_bridge.running_bridge import RunningBridge, bridge_on
from unit.station_bridge.station_park import StationPark
from wattbus_contract import topics

NAMES = ("car1", "car2")
SPOOLED_WITHIN_S = 1.0
"""What was told right before a kill may not have come as far as the disk of a busy machine."""
ROWS_WITHIN_S = 90.0
MORE_ROWS = 100
"""Two seconds of both stations."""

Reading = tuple[str, str]
"""Station, and its clock to the millisecond."""


@dataclass
class WatchedPark:
    """Stations that remember what they have told; `break_off` is to be called at each kill."""

    park: StationPark = field(default_factory=lambda: StationPark(*NAMES))
    certain: list[Reading] = field(default_factory=list)
    _told: list[tuple[float, Reading]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer as a station, and note what was told."""
        status, kind, text = self.park.answer(method, path, body)
        parts = path.strip("/").split("/")
        if method == "GET" and parts[0] == "stations":
            reading = (parts[1], json.loads(text)["at"][:23])
            self._told.append((time.monotonic(), reading))
        return status, kind, text

    def break_off(self, at_s: float | None = None) -> None:
        """Count what was told until then, or now, as certain, but for the last second."""
        until_s = (time.monotonic() if at_s is None else at_s) - SPOOLED_WITHIN_S
        self.certain += [reading for told_s, reading in self._told if told_s < until_s]
        self._told.clear()


@dataclass
class Scene:
    """Everything that runs."""

    stations: WatchedPark
    broker: BrokerProcess
    bridge: RunningBridge
    start_logger: Callable[[], RunningLogger]
    logger: RunningLogger

    def readings(self) -> list[Reading]:
        """Return what the rows hold."""
        found: list[Reading] = []
        for path in self.logger.folder.glob("battery_log*.csv"):
            with path.open() as file:
                found += [(row["station"], row["at"][:23]) for row in csv.DictReader(file)]
        return found

    def missing(self) -> set[Reading]:
        """Return what was certainly told and is in no row."""
        return set(self.stations.certain) - set(self.readings())

    def go_on(self, rows: int = MORE_ROWS) -> None:
        """Wait for more rows."""
        enough = len(self.logger.rows) + rows
        self.logger.wait_for_rows(enough, timeout_s=ROWS_WITHIN_S)

    def kill_bridge(self) -> None:
        """Kill the bridge in the middle of its work."""
        killed_s = time.monotonic()
        assert self.bridge.end(is_kill=True) == -signal.SIGKILL
        self.stations.break_off(killed_s)


@pytest.fixture
def stations() -> WatchedPark:
    return WatchedPark()


@pytest.fixture
def scene(
    own_broker: BrokerProcess, site: str, tmp_path: Path, stations: WatchedPark
) -> Iterator[Scene]:
    """A system whose logger runs and whose bridge does not yet."""
    with (
        serving(stations.answer) as url,
        bridge_on(own_broker, site, tmp_path) as bridge,
        ExitStack() as loggers,
    ):

        def start_logger() -> RunningLogger:
            return loggers.enter_context(RunningLogger(own_broker, tmp_path / "data", site))

        bridge.configure(url, *NAMES)
        logger = start_logger()
        wait_until(lambda: logger.is_connected, "the logger connects")
        yield Scene(stations, own_broker, bridge, start_logger, logger)


def test_nothing_is_missing_or_double_after_kills_of_bridge_and_broker(scene: Scene) -> None:
    scene.bridge.start()
    scene.go_on()

    scene.broker.kill()
    time.sleep(0.7)  # of readings that no broker takes
    scene.broker.start()
    scene.go_on()
    scene.kill_bridge()
    scene.bridge.start()
    scene.go_on()
    scene.broker.kill()
    # Long enough that readings wait on the disk only when the bridge dies.
    time.sleep(2 * SPOOLED_WITHIN_S)
    scene.kill_bridge()
    scene.broker.start()
    scene.bridge.start()
    scene.go_on()
    scene.bridge.end()
    scene.stations.break_off()

    assert len(scene.stations.certain) > 100
    told_while_away = scene.missing()
    scene.bridge.start()
    wait_until(lambda: not scene.missing(), f"{len(told_while_away)} more rows", ROWS_WITHIN_S)
    readings = scene.readings()
    assert len(readings) == len(set(readings))


def lose_what_the_logger_has_not_read(scene: Scene) -> None:
    """Kill the broker with messages that are in its memory only, and end the bridge later."""
    scene.bridge.start()
    scene.go_on()
    scene.logger.kill()
    time.sleep(1)  # of readings that nobody takes
    scene.broker.kill()
    scene.broker.start()
    scene.logger = scene.start_logger()
    scene.go_on()


def test_what_dies_with_the_broker_is_sent_again(scene: Scene) -> None:
    lose_what_the_logger_has_not_read(scene)
    scene.stations.break_off()

    wait_until(lambda: not scene.missing(), "the rest comes", ROWS_WITHIN_S)
    readings = scene.readings()
    assert len(readings) == len(set(readings))


def test_without_a_spool_a_killed_broker_takes_rows_with_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setenv("WATTBUS_BRIDGE__SITE__SPOOL_MAX_MB", "0")
    lose_what_the_logger_has_not_read(scene)
    scene.stations.break_off()

    scene.go_on(100)
    assert scene.missing(), "the test would not notice a loss"


def test_a_spool_that_cannot_be_written_keeps_nobody_from_work(scene: Scene) -> None:
    (scene.bridge.folder / "state").mkdir()
    in_the_way = scene.bridge.folder / "state" / "spool"
    in_the_way.touch()
    status = topics.SERVICE_STATUS.topic(
        scene.bridge.site, user="station-bridge", client=f"bridge-{scene.bridge.site}"[:32]
    )

    def is_told(health: str, since: int) -> bool:
        told = [m.json for m in scene.bridge.hears.messages[since:] if m.topic == status]
        return bool(told) and told[-1]["health"] == health

    scene.bridge.start()
    scene.go_on()
    wait_until(lambda: is_told("degraded", 0), "the bridge tells of its spool")
    assert "the spool cannot be written" in scene.bridge.log()

    mark = scene.bridge.mark
    in_the_way.unlink()
    wait_until(lambda: is_told("ok", mark), "the bridge resumes by itself")
    assert list(in_the_way.glob("*.spool"))
