"""Reads the sessions of some days from as many files as they need, and from no more."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from wattbus_logger.digest import Digest, digest_of, follows
from wattbus_logger.reading import Problems, read_rows
from wattbus_logger.sessions import Course, Session, course_of, joined
from wattbus_logger.timeline import DAY, spans_of, timelines

LONGEST_VISIT_FILES = 60
"""How many more files are read, before and after, to find where a visit began and ended."""


def read_sessions(
    folder: Path,
    first: date,
    last: date,
    problems: Problems,
    stations: frozenset[str] | None = None,
) -> list[Session]:
    """Return the sessions that touch the site's local days `first` to `last`, by station and time.

    BadLog if nothing has been recorded at all; OSError.
    """
    return [
        session
        for station, course in sorted(read_courses(folder, first, last, problems).items())
        if stations is None or station in stations
        for session in course.sessions
        if session.began_at.date() <= last and session.ended_at.date() >= first
    ]


def read_courses(
    folder: Path, first: date, last: date, problems: Problems, without: Path | None = None
) -> dict[str, Course]:
    """Return what the files that the days need tell of each station; one file may be left out."""
    spans = {path: span for path, span in spans_of(folder).items() if path != without}
    digests = _digests(spans, first, last)
    for digest in digests.values():
        problems.add_all(digest.problems)
    courses: dict[str, Course] = {}
    for part in _in_order(digests):
        for station, course in part.items():
            known = courses.get(station)
            courses[station] = course if known is None else joined(known, course)
    return courses


def _digests(
    spans_by_path: dict[Path, tuple[date, date]], first: date, last: date
) -> dict[Path, Digest]:
    spans = list(spans_by_path.items())
    begin = first - DAY if first > date.min else first
    end = last + DAY if last < date.max else last
    # A file in which the clock went back may hold any day before its first.
    found = [
        number
        for number, (_, (earliest, latest)) in enumerate(spans)
        if latest < earliest or (latest >= begin and earliest <= end)
    ]
    digests = {number: digest_of(spans[number][0]) for number in found}
    if not found:
        return {}
    low, high = found[0], found[-1]
    for number in range(low - 1, max(-1, low - LONGEST_VISIT_FILES), -1):
        if not _begins_within(digests[number + 1], first):
            break
        digests[number] = digest_of(spans[number][0])
    for number in range(high + 1, min(len(spans), high + LONGEST_VISIT_FILES)):
        if not _ends_within(digests[number - 1], last):
            break
        digests[number] = digest_of(spans[number][0])
    return {spans[number][0]: digest for number, digest in sorted(digests.items())}


def _begins_within(digest: Digest, first: date) -> bool:
    """Tell whether a visit that touches the days asked for had begun before this file."""
    return any(
        course.first.is_plugged_in
        and (course.sessions[0].is_open or course.sessions[0].ended_at.date() >= first)
        for course in digest.courses.values()
    )


def _ends_within(digest: Digest, last: date) -> bool:
    """Tell whether a visit that touches the days asked for goes on after this file."""
    return any(
        course.last.is_plugged_in and course.sessions[-1].began_at.date() <= last
        for course in digest.courses.values()
    )


def _in_order(digests: dict[Path, Digest]) -> Iterator[dict[str, Course]]:
    """Yield the files' courses; files whose rows were sent in turns are put in order row by row."""
    group: dict[Path, Digest] = {}
    for path, digest in digests.items():
        if group and all(follows(one, digest) for one in group.values()):
            yield _courses(group)
            group = {}
        group[path] = digest
    if group:
        yield _courses(group)


def _courses(group: dict[Path, Digest]) -> dict[str, Course]:
    if len(group) == 1:
        (digest,) = group.values()
        return digest.courses
    rows = (row for path in group for row in read_rows(path, Problems()))
    return {station: course_of(kept) for station, kept in timelines(rows).items()}
