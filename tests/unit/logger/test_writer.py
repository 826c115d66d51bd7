"""The writer commits all of a batch or goes on with it later; problems are told and pass."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unit.logger.conftest import RECEIVED_MS, TODAY
from unit.logger.course_day import Bridge, day_messages
from wattbus_logger.append_file import DiskCalls
from wattbus_logger.broker_watch import DROPPED_TOPIC
from wattbus_logger.recovery import recover
from wattbus_logger.writer import Arrived, Writer

Sync = Callable[[int], None]


def arrived(messages: list[tuple[str, bytes]]) -> list[Arrived]:
    return [(RECEIVED_MS, topic, payload, False) for topic, payload in messages]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("refused", [1, 2, 3])
def test_a_batch_goes_on_where_the_disk_refused_it(tmp_path: Path, code: int, refused: int) -> None:
    """Whichever of the files it was, none gets anything twice."""
    calls = [0]

    def sync(fd: int) -> None:
        calls[0] += 1
        if refused <= calls[0] < refused + 3:
            raise OSError(code, os.strerror(code))
        os.fsync(fd)

    store, intake = recover(tmp_path, TODAY)
    writer = Writer(store, intake)
    for file in (store.events, store.rows, store.text):
        file._disk = DiskCalls(sync=sync)
    messages = list(day_messages(Bridge()))
    writer.take(arrived(messages))

    outcomes = [writer.commit() for _ in range(3)]
    assert outcomes == [None, None, None]
    assert os.strerror(code) in writer.problem
    written = writer.commit()

    assert written is not None
    assert written.problem == ""
    assert (tmp_path / "events.jsonl").read_bytes().count(b"\n") == len(messages)
    meters = sum(topic.endswith("/meter") for topic, _ in messages)
    assert (tmp_path / "battery_log.csv").read_bytes().count(b"\n") == meters + 1
    text = (tmp_path / "charging_log.txt").read_text()
    assert text.count("Charging ON") == 2
    writer.close()


def test_what_the_broker_has_dropped_is_told_and_remembered_over_restarts(tmp_path: Path) -> None:
    store, intake = recover(tmp_path, TODAY)
    now_s = [0.0]
    writer = Writer(store, intake, monotonic_s=lambda: now_s[0])
    problems = []
    for figure in (b"5", b"5", b"12", b"nonsense"):
        writer.take([(RECEIVED_MS, DROPPED_TOPIC, figure, False)])
        written = writer.commit()
        assert written is not None
        problems.append(written.problem)
    now_s[0] = 1e6

    assert problems[:2] == ["", ""]
    assert "7 messages" in problems[2]
    assert writer.problem == ""
    writer.close()
    again = Writer(*recover(tmp_path, TODAY), monotonic_s=lambda: 0.0)
    again.take([(RECEIVED_MS, DROPPED_TOPIC, b"13", True)])
    assert "dropped 1 messages" in again.problem
    again.take([(RECEIVED_MS, DROPPED_TOPIC, b"0", True)])
    assert "dropped 1 messages" in again.problem
    again.close()


def test_a_new_day_is_a_milestone_and_puts_the_files_away(tmp_path: Path) -> None:
    store, intake = recover(tmp_path, TODAY)
    clock = [datetime(2026, 11, 21, 22, 59, tzinfo=UTC)]
    writer = Writer(store, intake, now=lambda: clock[0])
    messages = arrived(list(day_messages(Bridge())))
    writer.take(messages[:50])
    writer.commit()
    writer.keep_folder()
    assert not list(tmp_path.glob("*2026-11-21*"))

    # An hour before midnight in UTC is midnight where the site is.
    clock[0] = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    writer.keep_folder()
    writer.take(messages[50:])
    written = writer.commit()

    assert written is not None
    assert written.has_milestone
    names = {path.name for path in tmp_path.glob("*2026-11-21*")}
    assert {f"battery_log.{TODAY}.csv", f"events.{TODAY}.jsonl"} <= names
    writer.close()


def test_a_rotation_that_the_disk_refuses_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, intake = recover(tmp_path, TODAY)
    writer = Writer(store, intake, now=lambda: datetime(2026, 11, 22, 6, tzinfo=UTC))
    messages = arrived(list(day_messages(Bridge())))
    writer.take(messages[:50])
    writer.commit()

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        writer.keep_folder()
        assert "Read-only" in writer.problem
        writer.take(messages[50:60])
        assert writer.commit() is not None
    writer.keep_folder()

    assert writer.problem == ""
    dated = (tmp_path / f"events.{TODAY}.jsonl").read_bytes()
    assert dated.count(b"\n") == 60
    writer.close()
