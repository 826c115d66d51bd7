"""The report: sessions, and days, months or years, with energy, cost, cost at once and saving."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from wattbus_logger.figures import By, Summary, gather, summarise_days, summarise_session
from wattbus_logger.history import read_sessions
from wattbus_logger.reading import Problems
from wattbus_logger.sessions import Session
from wattbus_logger.timeline import DAY, newest_day, oldest_day


@dataclass(frozen=True, slots=True)
class Report:
    """Sessions that touch the days `first` to `last`, and what was charged in these days.

    `visits` are the sessions with their quarters, for pictures. `co2_g_per_kwh` is given by people.
    """

    first: date
    last: date
    sessions: list[Summary]
    days: list[Summary]
    visits: list[Session]
    problems: list[str]
    co2_g_per_kwh: float | None = None

    def periods(self, by: By) -> list[Summary]:
        """Return each user's or station's days, months or years; sessions for `By.SESSION`."""
        return self.sessions if by is By.SESSION else gather(self.days, by)

    @property
    def currency(self) -> str:
        """The site's currency, or nothing where it is not known."""
        return next((one.currency for one in reversed(self.sessions) if one.currency), "")

    @property
    def stations(self) -> list[str]:
        """The stations that have sessions."""
        return sorted({summary.station for summary in self.sessions})

    @property
    def people(self) -> list[str]:
        """Whose sessions these are: users, and stations that are nobody's."""
        return sorted({summary.who for summary in self.sessions})

    @property
    def whose(self) -> str:
        """What lines are told apart by: `user` where one is known, else `station`."""
        return "user" if any(summary.user for summary in self.sessions) else "station"


def make_report(
    folder: Path,
    first: date | None = None,
    last: date | None = None,
    stations: frozenset[str] | None = None,
    by: By | None = None,
    *,
    co2_g_per_kwh: float | None = None,
    users: Mapping[str, str] | None = None,
) -> Report:
    """Read the days asked for; `users` says whose each station is. Raises BadLog, OSError.

    Without any these are the newest and the one before; by day or session its month, by month its
    year, by year all.
    """
    problems = Problems()
    newest = newest_day(folder)
    if first is None:
        first = _first_day(folder, newest, by) if last is None else last
    last = newest if last is None else last
    sessions = read_sessions(folder, first, max(first, last), problems, stations)
    sessions.sort(key=lambda session: (session.at, session.station))
    whose = users or {}
    shares = [
        replace(share, user=whose.get(share.station, ""))
        for session in sessions
        for share in summarise_days(session)
        if share.first_day is not None and first <= share.first_day <= last
    ]
    return Report(
        first=first,
        last=last,
        sessions=[
            replace(summarise_session(session), user=whose.get(session.station, ""))
            for session in sessions
        ],
        days=shares,
        visits=sessions,
        problems=problems.lines(),
        co2_g_per_kwh=co2_g_per_kwh,
    )


def _first_day(folder: Path, newest: date, by: By | None) -> date:
    match by:
        case None:
            return newest - DAY
        case By.MONTH:
            return newest.replace(month=1, day=1)
        case By.YEAR:
            return oldest_day(folder)
        case _:
            return newest.replace(day=1)
