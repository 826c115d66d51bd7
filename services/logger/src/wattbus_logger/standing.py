"""What each station's newest session, its day, month and year have cost: a process of its own.

`python -m wattbus_logger.standing DIR ZONE` prints JSON. It loads no more than it needs, and reads
only rows that are new: older files are kept as sums of days, the present one as its digest.
"""

import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wattbus_logger.append_file import write_atomically
from wattbus_logger.digest import FOLDER, Digest, digest_of, plain_course, read_course
from wattbus_logger.figures import By, Figures, begin_of, summarise_days, summarise_session
from wattbus_logger.history import read_courses
from wattbus_logger.reading import BadLog, Problems
from wattbus_logger.rotation import ROWS, dated_files
from wattbus_logger.sessions import Course, Session, joined

log = logging.getLogger(__name__)

FILE_NAME = "standing.json"
VERSION = 2
NICENESS = 10
Sums = tuple[float, float, float]
"""Energy in Wh, cost, and cost at once in the site's currency."""
NOTHING: Sums = (0.0, 0.0, 0.0)


@dataclass(slots=True)
class Account:
    """A station: sums of its days by closed sessions, the newest of these, and what goes on."""

    course: Course
    days: dict[date, Sums] = field(default_factory=dict)
    newest: tuple[datetime, Sums] | None = None
    currency: str = ""
    last_sent: str = ""


def standing(folder: Path, zone: ZoneInfo) -> dict[str, Any] | None:
    """Return the fields of `charging-report/1`; None before there is a price. BadLog, OSError."""
    live = digest_of(folder / ROWS) if _has_rows(folder / ROWS) else Digest()
    accounts = _accounts(folder, live)
    if not accounts:
        return None
    at = max(account.course.last.at for account in accounts.values())
    today = max(account.course.last.local_time for account in accounts.values()).date()
    currency = next((one.currency for one in accounts.values() if one.currency), "")
    if not currency:
        return None
    return {
        "at": _text(at),
        "currency": currency,
        "stations": [
            _station(station, account, today, zone) for station, account in accounts.items()
        ],
    }


def _accounts(folder: Path, live: Digest) -> dict[str, Account]:
    """Return all stations' accounts, with what the present file tells."""
    settled = _settled(folder)
    for station, course in live.courses.items():
        known = settled.get(station)
        if known is None:
            settled[station] = known = Account(course)
        elif known.last_sent <= live.sent[station][0] and course.first.at >= known.course.last.at:
            known.course = joined(known.course, course)
        else:
            # Rows that came late, or a clock that went back: all has to be put in order anew.
            return _read_all(folder)
        known.last_sent = live.sent[station][1]
    for account in settled.values():
        _count(account, account.course.sessions)
    return dict(sorted(settled.items()))


def _read_all(folder: Path) -> dict[str, Account]:
    accounts = {
        station: Account(course)
        for station, course in read_courses(folder, date.min, date.max, Problems()).items()
    }
    for account in accounts.values():
        _count(account, account.course.sessions)
    return accounts


def _count(account: Account, sessions: Iterable[Session]) -> None:
    """Add sessions to the sums."""
    for session in sessions:
        for share in summarise_days(session):
            day = share.began_at.date()
            account.days[day] = _added(account.days.get(day, NOTHING), share.figures)
        account.newest = session.at, _added(NOTHING, summarise_session(session).figures)
        account.currency = session.currency or account.currency


def _settled(folder: Path) -> dict[str, Account]:
    """Return what the files of past days come to: as it was kept, if they are still the same."""
    files = [[file.path.name, file.path.stat().st_size] for file in dated_files(folder, ROWS)]
    kept = _load(folder, files)
    if kept is not None:
        return kept
    accounts: dict[str, Account] = {}
    if files:
        digests = [
            digest_of(file.path) for file in dated_files(folder, ROWS) if _has_rows(file.path)
        ]
        courses = read_courses(folder, date.min, date.max, Problems(), without=folder / ROWS)
        for station, course in courses.items():
            account = accounts[station] = Account(course)
            account.last_sent = max(
                digest.sent[station][1] for digest in digests if station in digest.sent
            )
            _count(account, (session for session in course.sessions if not session.is_open))
            course.sessions = [session for session in course.sessions if session.is_open]
    _save(folder, files, accounts)
    return accounts


def _load(folder: Path, files: list[list[Any]]) -> dict[str, Account] | None:
    try:
        document = json.loads((folder / FOLDER / FILE_NAME).read_bytes())
        if document["version"] != VERSION or document["files"] != files:
            return None
        return {station: _account(cells) for station, cells in document["accounts"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("reads the files of past days: %s", error)
        return None


def _account(cells: dict[str, Any]) -> Account:
    newest = cells["newest"]
    return Account(
        course=read_course(cells["course"]),
        days={date.fromisoformat(day): (a, b, c) for day, (a, b, c) in cells["days"].items()},
        newest=None if newest is None else (datetime.fromisoformat(newest[0]), tuple(newest[1])),
        currency=cells["currency"],
        last_sent=cells["last_sent"],
    )


def _save(folder: Path, files: list[list[Any]], accounts: dict[str, Account]) -> None:
    document = {
        "version": VERSION,
        "files": files,
        "accounts": {
            station: {
                "course": plain_course(account.course),
                "days": {day.isoformat(): sums for day, sums in account.days.items()},
                "newest": account.newest and [account.newest[0].isoformat(), account.newest[1]],
                "currency": account.currency,
                "last_sent": account.last_sent,
            }
            for station, account in accounts.items()
        },
    }
    try:
        (folder / FOLDER).mkdir(exist_ok=True)
        write_atomically(folder / FOLDER / FILE_NAME, json.dumps(document).encode())
    except OSError as error:
        log.debug("cannot be kept: %s", error)


def _station(station: str, account: Account, today: date, zone: ZoneInfo) -> dict[str, Any]:
    entry: dict[str, Any] = {"station": station}
    if account.newest is not None:
        began_at, sums = account.newest
        entry["session"] = _period(began_at, sums)
    for by in (By.DAY, By.MONTH, By.YEAR):
        first = begin_of(today, by)
        parts = [sums for day, sums in account.days.items() if begin_of(day, by) == first]
        energy_wh, cost, reference = (sum(part[n] for part in parts) for n in range(3))
        begin_at = datetime.combine(first, time.min, zone)
        entry[by.value] = _period(begin_at, (energy_wh, cost, reference))
    return entry


def _period(from_at: datetime, sums: Sums) -> dict[str, Any]:
    energy_wh, cost, reference_cost = sums
    return {
        "from_at": _text(from_at),
        "energy_wh": round(energy_wh, 3),
        "cost": round(cost, 6) + 0.0,
        "reference_cost": round(reference_cost, 6) + 0.0,
        "saving": round(reference_cost - cost, 6) + 0.0,
    }


def _added(sums: Sums, figures: Figures) -> Sums:
    energy_wh, cost, reference_cost = sums
    return (
        energy_wh + figures.energy_wh,
        cost + figures.cost,
        reference_cost + figures.reference_cost,
    )


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _has_rows(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(file.readline()) and bool(file.readline())
    except FileNotFoundError:
        return False


def main(arguments: Sequence[str]) -> int:
    """Print the figures of a folder; nothing before there are any."""
    folder, zone = arguments
    os.nice(NICENESS)
    try:
        found = standing(Path(folder), ZoneInfo(zone))
    except (BadLog, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if found is not None:
        sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
