"""Recorded rows of one station become charging sessions, from plug-in to unplugging.

What is recorded of a station can be condensed file by file and joined: the result is the same as
from all rows at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattbus_logger.quarters import Quarter, newest, put_together, quarters_of
from wattbus_logger.reading import RecordedRow

LONGEST_GAP = timedelta(days=1)
"""After a longer silence nobody knows whether it is the same visit of the car."""


@dataclass(slots=True)
class Session:
    """One visit of a car. `began_at` and `ended_at` are local, `at` is the begin in UTC.

    `shortfall_wh` is what the goal still lacked at the end, from the grid; None without a goal.
    """

    station: str
    at: datetime
    began_at: datetime
    ended_at: datetime
    is_open: bool
    currency: str
    soc_start_percent: float | None
    soc_end_percent: float | None
    target_soc_percent: float | None
    shortfall_wh: float | None
    quarters: list[Quarter]


@dataclass(slots=True)
class Course:
    """What is known of a station from its first to its last row. The last session may be open."""

    first: RecordedRow
    last: RecordedRow
    sessions: list[Session]


def sessions_of(rows: Sequence[RecordedRow]) -> list[Session]:
    """Divide a station's timeline where the car is unplugged or the energy register starts anew."""
    return course_of(rows).sessions if rows else []


def course_of(rows: Sequence[RecordedRow]) -> Course:
    """Condense a station's timeline, which has at least one row."""
    sessions: list[Session] = []
    current: list[RecordedRow] = []
    for row in rows:
        if current and _begins_anew(current[-1], row):
            sessions.append(_session(current, is_open=False))
            current = []
        if row.is_plugged_in:
            current.append(row)
        elif current:
            # The register of the first row without car tells the last energy of the visit.
            sessions.append(_session([*current, row], is_open=False))
            current = []
    if current:
        sessions.append(_session(current, is_open=True))
    return Course(rows[0], rows[-1], sessions)


def joined(earlier: Course, later: Course) -> Course:
    """Return both as one; `later` was sent later. Where it repeats a time, it supersedes it."""
    if later.first.at < earlier.last.at:
        return Course(earlier.first, later.last, _until(earlier, later.first) + later.sessions)
    if not (earlier.sessions and earlier.sessions[-1].is_open):
        return Course(earlier.first, later.last, earlier.sessions + later.sessions)
    *before, visit = earlier.sessions
    if _begins_anew(earlier.last, later.first):
        visit = replace(visit, is_open=False)
        return Course(earlier.first, later.last, [*before, visit, *later.sessions])
    if later.first.is_plugged_in:
        between = _session([earlier.last, later.first], is_open=True)
        visit = _one_visit(_one_visit(visit, between), later.sessions[0])
        return Course(earlier.first, later.last, [*before, visit, *later.sessions[1:]])
    ending = _session([earlier.last, later.first], is_open=False)
    return Course(earlier.first, later.last, [*before, _one_visit(visit, ending), *later.sessions])


def _begins_anew(before: RecordedRow, row: RecordedRow) -> bool:
    return (
        row.energy_register_wh < before.energy_register_wh - 1 or row.at - before.at > LONGEST_GAP
    )


def _session(rows: Sequence[RecordedRow], *, is_open: bool) -> Session:
    socs = [row.soc_percent for row in rows if row.soc_percent is not None]
    targets = (row.target_soc_percent for row in reversed(rows))
    return Session(
        station=rows[0].station,
        at=rows[0].at,
        began_at=rows[0].local_time,
        ended_at=rows[-1].local_time,
        is_open=is_open,
        currency=next((row.currency for row in reversed(rows) if row.currency), ""),
        soc_start_percent=socs[0] if socs else None,
        soc_end_percent=socs[-1] if socs else None,
        target_soc_percent=next((target for target in targets if target is not None), None),
        shortfall_wh=_shortfall_wh(rows),
        quarters=quarters_of(rows),
    )


def _one_visit(begin: Session, end: Session) -> Session:
    return Session(
        station=begin.station,
        at=begin.at,
        began_at=begin.began_at,
        ended_at=end.ended_at,
        is_open=end.is_open,
        currency=end.currency or begin.currency,
        soc_start_percent=newest(begin.soc_start_percent, end.soc_start_percent),
        soc_end_percent=newest(end.soc_end_percent, begin.soc_end_percent),
        target_soc_percent=newest(end.target_soc_percent, begin.target_soc_percent),
        shortfall_wh=newest(end.shortfall_wh, begin.shortfall_wh),
        quarters=put_together([*begin.quarters, *end.quarters]),
    )


def _until(course: Course, row: RecordedRow) -> list[Session]:
    """Return the sessions before a row, the last one cut off where the row begins."""
    at_s = row.at.timestamp()
    kept = []
    for session in course.sessions:
        if session.at >= row.at:
            continue
        quarters = [quarter for quarter in session.quarters if quarter.at_s < at_s]
        ended_at = session.ended_at
        if len(quarters) < len(session.quarters):
            ended_at = quarters[-1].ended_at if quarters else session.began_at
        kept.append(replace(session, is_open=False, ended_at=ended_at, quarters=quarters))
    return kept


def _shortfall_wh(rows: Sequence[RecordedRow]) -> float | None:
    for row in reversed(rows):
        if row.soc_percent is None or row.target_soc_percent is None:
            continue
        if row.battery_capacity_wh is None:
            return None
        missing = max(0.0, row.target_soc_percent - row.soc_percent) / 100
        return missing * row.battery_capacity_wh / (row.charging_efficiency or 1.0)
    return None
