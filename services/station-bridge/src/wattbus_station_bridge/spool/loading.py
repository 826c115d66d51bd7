"""Reads a spool folder at start: torn tails are cut, damaged lines left out and counted."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from wattbus_contract.base import Envelope
from wattbus_contract.service import ConfirmedRange
from wattbus_station_bridge.spool.frame import BEGIN, CONFIRMED, Record, to_record
from wattbus_station_bridge.spool.segment import WAITING, Segment, Sender

log = logging.getLogger(__name__)

SUFFIX = ".spool"
LONG_AGO_S = float("-inf")


def path_of(folder: Path, number: int) -> Path:
    """Return the file of a number; names sort as numbers do."""
    return folder / f"{number:012d}{SUFFIX}"


def number_of(path: Path) -> int:
    """Return a file's number; ValueError for one that is not ours."""
    return int(path.name.removesuffix(SUFFIX))


def load(folder: Path) -> list[Segment]:
    """Return what earlier processes left unconfirmed, oldest first. Raises OSError.

    Files that hold nothing of the kind are deleted.
    """
    segments, confirmed = [], []
    for path in _files(folder):
        segment, spans = _load_file(path)
        confirmed += spans
        if segment is not None:
            segments.append(segment)
    for span in confirmed:
        for segment in segments:
            if segment.sender == (span.source, span.boot_id):
                segment.confirm(span.first_seq, span.last_seq)
    left = [segment for segment in segments if segment.unconfirmed]
    for segment in segments:
        if not segment.unconfirmed:
            segment.path.unlink()
    return left


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            number_of(path)
        except ValueError:
            log.warning("%s is no file of the spool; left alone", path)
        else:
            yield path


def _load_file(path: Path) -> tuple[Segment | None, list[ConfirmedRange]]:
    segment: Segment | None = None
    spans: list[ConfirmedRange] = []
    offset = damaged = 0
    with path.open("rb") as file:
        for line in file:
            begin, offset = offset, offset + len(line)
            record = to_record(line)
            if not line.endswith(b"\n"):
                offset = begin
            elif record is None:
                damaged += 1
            elif record.topic == BEGIN:
                source, _, boot_id = record.payload.decode().partition(" ")
                segment = Segment(path, Sender(source, boot_id))
            elif record.topic == CONFIRMED:
                spans += _spans(record.payload)
            else:
                if segment is None:
                    segment = _segment_of(path, record)
                if segment is None or not segment.note(record.seq, begin, LONG_AGO_S, WAITING):
                    damaged += 1
    if segment is not None:
        segment.size = offset
    if offset < path.stat().st_size:
        log.warning("%s: cut %d bytes of a torn line", path, path.stat().st_size - offset)
        os.truncate(path, offset)
    if damaged:
        log.error("%s: %d lines are damaged; those messages are lost", path, damaged)
    if segment is None:
        path.unlink()
    return segment, spans


def _segment_of(path: Path, record: Record) -> Segment | None:
    """Return the segment that a message belongs to, for a file whose first line is damaged."""
    try:
        envelope = Envelope.model_validate_json(record.payload)
    except ValidationError:
        return None
    return Segment(path, Sender(envelope.source, envelope.boot_id))


def _spans(payload: bytes) -> list[ConfirmedRange]:
    try:
        return [ConfirmedRange.model_validate_json(payload)]
    except ValidationError:
        log.warning("ignored what was confirmed: %r", payload[:200])
        return []
