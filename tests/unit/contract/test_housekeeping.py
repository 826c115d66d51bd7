"""The watch over a session: what it announces, what it ends, and the sign of life it leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.waiting import wait_until
from wattbus_contract import healthcheck, housekeeping
from wattbus_contract.housekeeping import Housekeeper
from wattbus_contract.service import Health


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(housekeeping, "CHECK_EVERY_S", 0.02)
    monkeypatch.setattr(housekeeping, "WRITE_HEALTH_EVERY_S", 0.02)
    monkeypatch.setenv("WATTBUS_HEALTH_FILE", str(tmp_path / "health"))


class Watched:
    """A housekeeper at work, what it has announced, and the exit that it asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.announced: list[tuple[Health, str]] = []
        self.fault: str | None = None
        self.exits: list[int] = []
        self.turns = 0
        self.keeper = Housekeeper(self._announce, self._find_fault)
        monkeypatch.setattr(os, "_exit", self.exits.append)

    def turn(self) -> None:
        """Wait until it has looked at everything once more."""
        turns = self.turns
        wait_until(lambda: self.turns >= turns + 2)

    def _find_fault(self) -> str | None:
        self.turns += 1
        return self.fault

    def _announce(self) -> None:
        self.announced.append((self.keeper.health, self.keeper.detail))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    watched = Watched(monkeypatch)
    watched.keeper.start()
    yield watched
    watched.keeper.stop()


def test_each_connection_is_announced(watched: Watched) -> None:
    watched.keeper.connected()
    wait_until(lambda: watched.announced)
    watched.turn()
    assert len(watched.announced) == 1

    watched.keeper.disconnected()
    watched.keeper.connected()
    wait_until(lambda: len(watched.announced) > 1)
    watched.turn()

    assert watched.announced == [(Health.OK, "")] * 2


def test_health_is_announced_when_it_changes_and_only_then(watched: Watched) -> None:
    watched.keeper.connected()
    wait_until(lambda: watched.announced)
    watched.keeper.set_health(Health.DEGRADED, "no prices")
    wait_until(lambda: len(watched.announced) == 2)
    watched.keeper.set_health(Health.DEGRADED, "no prices")
    watched.keeper.set_health(Health.OK, "")
    wait_until(lambda: len(watched.announced) == 3)
    watched.turn()

    assert watched.announced[1:] == [(Health.DEGRADED, "no prices"), (Health.OK, "")]


def test_a_change_of_health_while_away_is_announced_later(watched: Watched) -> None:
    watched.keeper.set_health(Health.DEGRADED, "no prices")
    watched.turn()
    assert watched.announced == []

    watched.keeper.connected()

    wait_until(lambda: watched.announced)
    assert watched.announced[-1] == (Health.DEGRADED, "no prices")


def test_a_service_that_feels_well_does_not_hide_a_problem_of_the_session(
    watched: Watched,
) -> None:
    watched.keeper.report("denied a", "the broker refuses a")
    watched.keeper.set_health(Health.OK, "")
    during = (watched.keeper.health, watched.keeper.detail)
    watched.keeper.report("denied a", None)

    assert during == (Health.DEGRADED, "the broker refuses a")
    assert (watched.keeper.health, watched.keeper.detail) == (Health.OK, "")


def test_what_is_wrong_is_never_longer_than_a_message_takes(watched: Watched) -> None:
    for number in range(100):
        watched.keeper.report(str(number), "x" * 100)

    assert len(watched.keeper.detail) == 2000


def test_a_fault_ends_a_process_that_does_not_end_by_itself(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "GRACE_S", 0.1)

    watched.fault = "the MQTT thread has died"

    wait_until(lambda: watched.exits)
    assert watched.exits == [housekeeping.EXIT_CODE]
    assert watched.keeper.fault == "the MQTT thread has died"


def test_a_process_that_ends_by_itself_is_let(watched: Watched) -> None:
    watched.keeper.fail("refused")
    wait_until(lambda: watched.keeper.fault)

    watched.keeper.stop()

    assert watched.exits == []


def test_a_main_loop_that_hangs_is_a_fault(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "STALLED_AFTER_S", 0.3)
    for _ in range(50):
        watched.keeper.beat()
        time.sleep(0.01)  # longer in all than a loop may be silent
    assert watched.keeper.fault is None

    wait_until(lambda: watched.keeper.fault)

    assert "main loop" in str(watched.keeper.fault)


def test_a_watch_that_fails_itself_is_a_fault(watched: Watched) -> None:
    def broken() -> str | None:
        raise LookupError("a mistake of ours")

    watched.keeper._find_fault = broken

    wait_until(lambda: watched.keeper.fault)
    assert "a mistake of ours" in str(watched.keeper.fault)


def test_the_health_file_tells_whether_the_session_is_connected(watched: Watched) -> None:
    wait_until(lambda: healthcheck.check() == "not connected to the broker")
    watched.keeper.connected()
    wait_until(lambda: healthcheck.check() is None)

    watched.keeper.stop()

    assert not healthcheck.health_file().exists()


def test_an_old_or_missing_sign_of_life_is_none() -> None:
    assert "no sign of life" in str(healthcheck.check())

    healthcheck.write("ok")
    assert healthcheck.check() is None
    long_ago_s = time.time() - healthcheck.FRESH_FOR_S - 1
    os.utime(healthcheck.health_file(), (long_ago_s, long_ago_s))

    assert "last sign of life" in str(healthcheck.check())


@pytest.mark.parametrize(("text", "status"), [("ok", 0), ("not connected to the broker", 1)])
def test_the_check_of_the_container_follows_the_file(text: str, status: int) -> None:
    healthcheck.write(text)

    done = subprocess.run(
        [sys.executable, "-m", "wattbus_contract.healthcheck"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == status
    assert done.stderr.strip() == ("" if status == 0 else text)


def test_a_folder_that_cannot_be_written_does_not_end_the_watch(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    write = healthcheck.write
    monkeypatch.setattr(healthcheck, "write", lambda text: (tried.append(text), write(text)))
    monkeypatch.setenv("WATTBUS_HEALTH_FILE", "/no/such/folder/health")
    wait_until(lambda: len(tried) > 2)

    watched.keeper.connected()

    wait_until(lambda: watched.announced)
    assert watched.keeper.fault is None


def test_a_health_file_that_is_no_regular_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "health"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setenv("WATTBUS_HEALTH_FILE", str(pipe))

    healthcheck.write("ok")

    assert pipe.is_fifo()
    assert os.read(reader, 100) == b"ok"
    os.close(reader)
