"""Bridge and broker are killed while they work: the logger's rows are complete all the same."""

import csv
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import wait_until
from unit.logger.running_logger import RunningLogger
from unit.station_bridge.course_station import Answer, serving
from unit.station_bridge.running_bridge import RunningBridge, bridge_on
from unit.station_bridge.station_park import StationPark
from wattbus_contract import topics
from wattbus_contract.codec import decode
from wattbus_contract.facts import HouseholdMeter, MeterReading
from wattbus_station_bridge.spool.frame import to_record

NAMES = ("car1", "car2")
AWAY_S = 2.0
"""Long enough that readings wait on the disk only."""
SPOOLED_WITHIN_S = 60.0
ROWS_WITHIN_S = 90.0
MORE_ROWS = 100
"""Two seconds of both stations."""

Reading = tuple[str, str]
"""Station, and its clock to the millisecond."""


@dataclass
class WatchedPark:
    """Stations that remember what they have told since they were last asked."""

    park: StationPark = field(default_factory=lambda: StationPark(*NAMES))
    told: list[Reading] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer as a station, and note what was told."""
        status, kind, text = self.park.answer(method, path, body)
        parts = path.strip("/").split("/")
        if method == "GET" and parts[0] == "stations":
            self.told.append((parts[1], to_the_millisecond(json.loads(text)["at"])))
        return status, kind, text


def to_the_millisecond(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass
class Scene:
    """Everything that runs."""

    stations: WatchedPark
    broker: BrokerProcess
    bridge: RunningBridge
    start_logger: Callable[[], RunningLogger]
    logger: RunningLogger
    certain: set[Reading] = field(default_factory=set)

    def readings(self) -> list[Reading]:
        """Return what the rows hold."""
        found: list[Reading] = []
        for path in self.logger.folder.glob("battery_log*.csv"):
            with path.open() as file:
                found += [
                    (row["station"], to_the_millisecond(row["at"])) for row in csv.DictReader(file)
                ]
        return found

    def missing(self) -> set[Reading]:
        """Return what was certainly told and is in no row."""
        return self.certain - set(self.readings())

    def spooled(self) -> set[Reading]:
        """Return what waits on the bridge's disk."""
        found = set()
        for path in (self.bridge.folder / "state" / "spool").glob("*.spool"):
            with suppress(FileNotFoundError):  # all of it was confirmed meanwhile
                for line in path.read_bytes().splitlines(keepends=True):
                    record = to_record(line)
                    if record is not None and record.topic.endswith("/meter"):
                        message = decode(record.topic, record.payload)
                        assert isinstance(message.body, MeterReading | HouseholdMeter)
                        at = to_the_millisecond(message.body.at.isoformat())
                        found.add((message.topic.ids.get("station", ""), at))
        return found

    def take_down(self) -> None:
        """Count what was told until now as certain, once it is on the disk of the bridge or, if it
        was confirmed already, of the logger.
        """
        told = set(self.stations.told)
        # The spool first: what leaves it in between is in the rows.
        wait_until(
            lambda: not told - self.spooled() - set(self.readings()),
            "what was told gets to a disk",
            SPOOLED_WITHIN_S,
        )
        self.certain |= told
        self.stations.told.clear()

    def go_on(self, rows: int = MORE_ROWS) -> None:
        """Wait for more rows."""
        enough = len(self.logger.rows) + rows
        self.logger.wait_for_rows(enough, timeout_s=ROWS_WITHIN_S)

    def kill_bridge(self) -> None:
        """Kill the bridge in the middle of its work."""
        self.take_down()
        assert self.bridge.end(is_kill=True) == -signal.SIGKILL
        self.stations.told.clear()


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
    time.sleep(AWAY_S)
    scene.kill_bridge()
    scene.broker.start()
    scene.bridge.start()
    scene.go_on()
    scene.take_down()
    scene.bridge.end()

    assert len(scene.certain) > 100
    told_while_away = scene.missing()
    scene.bridge.start()
    wait_until(lambda: not scene.missing(), f"{len(told_while_away)} more rows", ROWS_WITHIN_S)
    readings = scene.readings()
    assert len(readings) == len(set(readings))


def lose_what_the_logger_has_not_read(scene: Scene) -> set[Reading]:
    """Kill the broker with messages that are in its memory only; returns what was told by then."""
    scene.bridge.start()
    scene.go_on()
    scene.logger.kill()
    time.sleep(1)  # of readings that nobody takes
    told = set(scene.stations.told)
    scene.broker.kill()
    scene.broker.start()
    scene.logger = scene.start_logger()
    scene.go_on()
    return told


def test_what_dies_with_the_broker_is_sent_again(scene: Scene) -> None:
    lose_what_the_logger_has_not_read(scene)
    scene.take_down()

    wait_until(lambda: not scene.missing(), "the rest comes", ROWS_WITHIN_S)
    readings = scene.readings()
    assert len(readings) == len(set(readings))


def test_without_a_spool_a_killed_broker_takes_rows_with_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setenv("WATTBUS_BRIDGE__SITE__SPOOL_MAX_MB", "0")
    told = lose_what_the_logger_has_not_read(scene)

    # All of it is older than what comes now.
    scene.go_on()
    assert told - set(scene.readings()), "the test would not notice a loss"


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
