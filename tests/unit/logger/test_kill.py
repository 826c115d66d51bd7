"""The logger is killed again and again while it writes: nothing is missing, nothing twice."""

import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, running, wait_until
from unit.logger.course_day import MIDNIGHT, reading
from unit.logger.running_logger import COMMAND, RunningLogger, ids_in
from wattbus_contract import topics
from wattbus_contract.session import MqttSession

PACE_S = 0.005
LOST_AFTER_S = 8.0
"""What has not come by then after a quiet start has been acknowledged and lost."""

ACKNOWLEDGES_AT_ONCE = [sys.executable, "-m", "unit.logger.acknowledges_at_once"]
TESTS = Path(__file__).parents[2]


class Publisher(threading.Thread):
    """Publishes meter values at a steady pace until it is told to stop."""

    def __init__(self, session: MqttSession) -> None:
        super().__init__(daemon=True)
        self.published: list[tuple[str, int]] = []
        self._session = session
        self._must_stop = threading.Event()

    def run(self) -> None:
        """Publish on and on."""
        while not self._must_stop.wait(PACE_S):
            at = MIDNIGHT + timedelta(seconds=len(self.published))
            sent = self._session.publish(topics.METER, reading(at), station="car1")
            self.published.append((sent.boot_id, sent.seq))

    def stop(self) -> None:
        """Stop, and wait until the broker has all of it."""
        self._must_stop.set()
        self.join(timeout=10)
        assert self._session._connection.wait_until_sent(20)


def ids_after_kills(
    broker: BrokerProcess, folder: Path, session: MqttSession, program: list[str], kills: int
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return what was published and what the rows hold, after several kills and a quiet end."""
    site, draw = session.site, random.Random(7)
    publisher = Publisher(session)

    def start() -> RunningLogger:
        return RunningLogger(broker, folder, site, program, PYTHONPATH=str(TESTS))

    logger = start()
    wait_until(lambda: logger.is_connected, "the first one connects")
    publisher.start()
    try:
        for _ in range(kills):
            logger.wait_for_rows(len(logger.rows) + 20)
            time.sleep(draw.uniform(0.0, 0.05))  # so that it is hit at any point of its work
            logger.kill()
            assert logger.process.returncode == -signal.SIGKILL
            logger = start()
        publisher.stop()
        # Those that are lost in a negative control would be waited for in vain.
        with suppress(AssertionError):
            wait_until(
                lambda: len(logger.rows) >= len(publisher.published), "all rows", LOST_AFTER_S
            )
    finally:
        logger.stop()
    return sorted(publisher.published), ids_in(logger.rows)


@pytest.fixture
def session(broker: BrokerProcess, site: str) -> Iterator[MqttSession]:
    """A bridge's session."""
    with running(make_session(broker, "station-bridge", site, client_id=f"b-{site}")) as bridge:
        yield bridge


def test_no_row_is_lost_or_doubled_by_kills(
    broker: BrokerProcess, session: MqttSession, tmp_path: Path
) -> None:
    published, recorded = ids_after_kills(broker, tmp_path / "data", session, COMMAND, kills=6)

    assert len(published) > 120
    assert sorted(recorded) == published
    for path in (tmp_path / "data").glob("*.jsonl"):
        assert path.read_bytes().endswith(b"\n") or not path.stat().st_size


def test_a_logger_that_acknowledges_before_it_writes_does_lose_rows(
    broker: BrokerProcess, session: MqttSession, tmp_path: Path
) -> None:
    """The negative control: the same kills, acknowledged on receipt."""
    published, recorded = ids_after_kills(
        broker, tmp_path / "data", session, ACKNOWLEDGES_AT_ONCE, kills=2
    )

    assert set(published) - set(recorded), "the test would not notice a loss"
