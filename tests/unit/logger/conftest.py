"""What the logger's tests share: a folder with a recovered store, and the course's day in it."""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest

from unit.logger.course_day import Bridge, day_messages
from wattbus_logger.recovery import recover
from wattbus_logger.writer import Writer, Written

TODAY = date(2026, 11, 21)
RECEIVED_MS = 1_795_240_800_000
"""2026-11-21T06:00:00Z, a moment of TODAY in every zone of Europe."""

Record = Callable[..., Written]


def record(
    folder: Path, messages: Iterable[tuple[str, bytes]], *, is_retained: bool = False
) -> Written:
    """Take messages into a folder as one process does from its start to its end."""
    store, intake = recover(folder, TODAY)
    writer = Writer(store, intake)
    writer.take([(RECEIVED_MS, topic, payload, is_retained) for topic, payload in messages])
    written = writer.commit()
    assert written is not None
    writer.close()
    return written


@pytest.fixture
def course_folder(tmp_path: Path) -> Path:
    """A folder in which the course's day is recorded, charged in the cheapest hours."""
    record(tmp_path, day_messages(Bridge()))
    return tmp_path
