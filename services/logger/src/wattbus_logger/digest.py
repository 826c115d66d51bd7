"""What a file of rows comes to for reports, kept beside it: a row is read once, not each time.

A digest says up to which offset it has read, so of a file that has grown only what is new is read.
It saves time, not data: without it the rows are read again.
"""

import json
import logging
import os
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from wattbus_logger.append_file import write_atomically
from wattbus_logger.quarters import Quarter
from wattbus_logger.reading import Problems, RecordedRow, read_rows_after
from wattbus_logger.sessions import Course, Session, course_of, joined
from wattbus_logger.timeline import timelines

log = logging.getLogger(__name__)

FOLDER = ".report"
VERSION = 2
BLOCK_BYTES = 4 * 2**20
TAIL_BYTES = 200
"""Of what was read last: a file that was changed by somebody ends differently there."""


@dataclass(slots=True)
class Digest:
    """The condensed rows of one file. `sent` holds each station's first and last `sent_at`."""

    offset: int = 0
    line_count: int = 0
    courses: dict[str, Course] = field(default_factory=dict)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


def digest_of(path: Path) -> Digest:
    """Return a file's digest, and keep it if that is possible. BadLog, OSError."""
    kept = _load(path)
    digest = _read_on(path, kept or Digest())
    if digest is None:
        digest = Digest()
        _take(digest, _read(path, digest, -1))
    if kept is None or digest.offset != kept.offset:
        _save(path, digest)
    return digest


def follows(earlier: Digest, later: Digest) -> bool:
    """Tell whether all rows of `later` were sent after those of `earlier`, station by station."""
    return all(
        earlier.sent[station][1] <= sent[0]
        for station, sent in later.sent.items()
        if station in earlier.sent
    )


def _read_on(path: Path, digest: Digest) -> Digest | None:
    """Return the digest with what is not in it yet, block by block; None if all must be in order
    first, since rows were sent in turns.
    """
    size = path.stat().st_size
    left = size - digest.offset
    while left > 0:
        grown = Digest(digest.offset, digest.line_count, problems=digest.problems)
        _take(grown, _read(path, grown, BLOCK_BYTES))
        if not follows(digest, grown):
            return None
        for station, course in digest.courses.items():
            newer = grown.courses.get(station)
            grown.courses[station] = course if newer is None else joined(course, newer)
            first, last = digest.sent[station]
            grown.sent[station] = first, grown.sent.get(station, (first, last))[1]
        # A last line without end was read with its block: once is enough.
        left = size - grown.offset if left > BLOCK_BYTES else 0
        digest = grown
    return digest


def _read(path: Path, digest: Digest, most_bytes: int) -> list[RecordedRow]:
    rows, digest.offset, digest.line_count = read_rows_after(
        path, digest.offset, digest.line_count, digest.problems, most_bytes
    )
    return rows


def _take(digest: Digest, rows: list[RecordedRow]) -> None:
    for row in rows:
        first, last = digest.sent.get(row.station, (row.sent_at, row.sent_at))
        digest.sent[row.station] = min(first, row.sent_at), max(last, row.sent_at)
    digest.courses = {station: course_of(kept) for station, kept in timelines(rows).items()}


def _kept_path(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.json"


def _identity(path: Path, offset: int) -> list[Any]:
    with path.open("rb") as file:
        file.seek(max(0, offset - TAIL_BYTES))
        tail = file.read(min(offset, TAIL_BYTES)).decode(errors="replace")
        return [os.fstat(file.fileno()).st_ino, tail]


def _load(path: Path) -> Digest | None:
    try:
        document = json.loads(_kept_path(path).read_bytes())
        if document["version"] != VERSION or document["offset"] > path.stat().st_size:
            return None
        if document["identity"] != _identity(path, document["offset"]):
            return None
        return Digest(
            offset=document["offset"],
            line_count=document["line_count"],
            courses={station: read_course(kept) for station, kept in document["courses"].items()},
            sent={station: (first, last) for station, (first, last) in document["sent"].items()},
            problems=Problems(count=document["problems"][0], told=document["problems"][1]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("%s cannot be read; reads the rows instead: %s", _kept_path(path), error)
        return None


def _save(path: Path, digest: Digest) -> None:
    target = _kept_path(path)
    try:
        # A last line without end may still grow: what was read of it is not kept.
        if digest.offset != path.stat().st_size and not _ends_whole(path):
            return
        document = {
            "version": VERSION,
            "identity": _identity(path, digest.offset),
            "offset": digest.offset,
            "line_count": digest.line_count,
            "courses": {
                station: plain_course(course) for station, course in digest.courses.items()
            },
            "sent": digest.sent,
            "problems": [digest.problems.count, digest.problems.told],
        }
        target.parent.mkdir(exist_ok=True)
        write_atomically(target, json.dumps(document, separators=(",", ":")).encode())
    except OSError as error:
        log.debug("%s cannot be kept: %s", target, error)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def plain_course(course: Course) -> list[Any]:
    """Return a course as JSON knows it."""
    sessions = [
        [*_cells(session)[:-1], [_cells(quarter) for quarter in session.quarters]]
        for session in course.sessions
    ]
    return [_cells(course.first), _cells(course.last), sessions]


def read_course(document: list[Any]) -> Course:
    """Return what `plain_course` has written."""
    first, last, sessions = document
    return Course(_row(first), _row(last), [_session(cells) for cells in sessions])


def _session(cells: list[Any]) -> Session:
    station, at, began_at, ended_at, *more, quarters = cells
    read = datetime.fromisoformat
    values = [station, read(at), read(began_at), read(ended_at), *more, _quarters(quarters)]
    return Session(*values)


def _row(cells: list[Any]) -> RecordedRow:
    at, local_time, *more = cells
    return RecordedRow(datetime.fromisoformat(at), datetime.fromisoformat(local_time), *more)


def _quarters(document: list[list[Any]]) -> list[Quarter]:
    at = datetime.fromisoformat
    return [Quarter(at_s, at(began), at(ended), *more) for at_s, began, ended, *more in document]


def _cells(record: RecordedRow | Session | Quarter) -> list[Any]:
    values = (getattr(record, one.name) for one in fields(record))
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]
