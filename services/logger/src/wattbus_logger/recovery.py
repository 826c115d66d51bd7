"""Brings the folder into order at start: rotation completed, other headers set aside, rows told.

`events.jsonl` is written first, so a process that ended between two files has left rows or lines of
text untold. They are told now, from the events since the last checkpoint.
"""

import logging
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from wattbus_contract.base import MessageId
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.facts import MeterReading
from wattbus_logger.append_file import REAL_DISK, DiskCalls
from wattbus_logger.checkpoint import Checkpoint, load_checkpoint
from wattbus_logger.intake import Batch, Intake
from wattbus_logger.league import ShadowLeague
from wattbus_logger.recording import BadLine, read_event_line
from wattbus_logger.rotation import EVENTS, ROWS, carry_out, set_aside
from wattbus_logger.rows import HEADER
from wattbus_logger.store import Store
from wattbus_logger.text_log import Narrative

log = logging.getLogger(__name__)

Id = tuple[str, str, int]


def recover(folder: Path, today: date, disk: DiskCalls = REAL_DISK) -> tuple[Store, Intake]:
    """Open a folder that this process has locked; returns what to append to, and the memory.

    Raises OSError if the folder cannot be written.
    """
    checkpoint = load_checkpoint(folder)
    if checkpoint.renames:
        log.warning("completes a rotation that was interrupted")
        carry_out(folder, checkpoint.renames)
        checkpoint = _after_rotation(checkpoint)
    aside = _set_aside_other_version(folder, today)
    store = Store(folder, checkpoint.day or _day_of(folder / EVENTS) or today, disk)
    store.dropped_by_broker = checkpoint.dropped_by_broker
    if not _fits(checkpoint, store):
        # Other files than the checkpoint speaks of: it still knows what was seen.
        checkpoint = checkpoint.model_copy(
            update={"events_bytes": 0, "rows_bytes": 0, "text_bytes": -1}
        )
    intake = _memory(checkpoint)
    known_rows = set(_row_ids(store.rows.path, checkpoint.rows_bytes))
    if aside is not None:
        known_rows |= set(_row_ids(aside, checkpoint.rows_bytes))
    untold = _read_on(store.events.path, checkpoint.events_bytes, intake, known_rows)
    _complete(store, untold, checkpoint.text_bytes)
    store.save_checkpoint(intake)
    return store, intake


def _after_rotation(checkpoint: Checkpoint) -> Checkpoint:
    return checkpoint.model_copy(
        update={
            "day": None,
            "events_inode": 0,
            "events_bytes": 0,
            "rows_bytes": 0,
            "text_bytes": 0,
            "renames": [],
        }
    )


def _set_aside_other_version(folder: Path, today: date) -> Path | None:
    path = folder / ROWS
    try:
        with path.open("rb") as file:
            header = file.readline()
    except FileNotFoundError:
        return None
    # A torn header is cut when the file is opened.
    if not header.endswith(b"\n") or header.rstrip(b"\r\n") == HEADER.encode():
        return None
    aside = set_aside(folder, ROWS, today)
    log.warning("%s has the header of another version: it is now %s", path, aside.name)
    return aside


def _day_of(events: Path) -> date | None:
    """Return the day at which a recording without a checkpoint began."""
    try:
        with events.open("rb") as file:
            return datetime.fromisoformat(read_event_line(file.readline()).received_at).date()
    except (FileNotFoundError, BadLine, ValueError):
        return None


def _fits(checkpoint: Checkpoint, store: Store) -> bool:
    if not checkpoint.events_inode:
        return not checkpoint.events_bytes
    return (
        checkpoint.events_inode == store.events.inode
        and checkpoint.events_bytes <= store.events.size
    )


def _memory(checkpoint: Checkpoint) -> Intake:
    intake = Intake(
        narrative=Narrative(checkpoint.narrative), league=ShadowLeague(checkpoint.league)
    )
    for sender in checkpoint.seen:
        intake.seen.add_intervals((sender.source, sender.boot_id), sender.intervals)
    for topic, payload in checkpoint.latest.items():
        try:
            intake.remember(topic, payload.encode())
        except InvalidMessage as error:
            log.info("forgets what another version has noted: %s", error)
    return intake


def _row_ids(path: Path, offset: int) -> Iterator[Id]:
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            cells = line.decode(errors="replace").rstrip("\r\n").rsplit(",", 3)
            if len(cells) == 4 and cells[3].isdecimal():
                yield cells[1], cells[2], int(cells[3])


def _read_on(path: Path, offset: int, intake: Intake, known_rows: set[Id]) -> Batch:
    """Take the recorded messages from an offset on into memory; returns what they are worth."""
    batch = Batch()
    unreadable = 0
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            try:
                event = read_event_line(line)
                message = decode(event.topic, event.payload)
            except (BadLine, InvalidMessage):
                unreadable += 1
                continue
            intake.mark_seen(message)
            rows_before = len(batch.rows)
            intake.follow(message, event.topic, event.payload, batch)
            if len(batch.rows) > rows_before and _id_of(message) in known_rows:
                batch.rows.pop()
    if unreadable:
        log.warning("%d lines of %s cannot be read and were left out", unreadable, path)
    return batch


def _id_of(message: Decoded) -> Id | None:
    if message.envelope is None or not isinstance(message.body, MeterReading):
        return None
    message_id: MessageId = message.message_id
    return message_id.source, message_id.boot_id, message_id.seq


def _complete(store: Store, untold: Batch, text_offset: int) -> None:
    if untold.rows:
        log.warning("completes %d rows from the recording", len(untold.rows))
    untold.text = _missing_text(store.text.path, text_offset, untold.text)
    store.commit(untold)


def _missing_text(path: Path, offset: int, lines: list[str]) -> list[str]:
    """Return the lines that should follow; none if the file does not say what was expected."""
    if offset < 0:
        return []
    with path.open("rb") as file:
        file.seek(offset)
        there = file.read().decode(errors="replace").split("\n")[:-1]
    return lines[len(there) :] if lines[: len(there)] == there else []
