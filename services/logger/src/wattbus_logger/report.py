"""The report: sessions and days with energy, cost, cost at once, saving, hours and shortfall."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from wattbus_logger.append_file import write_atomically
from wattbus_logger.reading import Problems
from wattbus_logger.report_table import report_text
from wattbus_logger.sessions import Summary, sessions_of, summarise_days, summarise_session
from wattbus_logger.timeline import DAY, newest_day, read_days

TEXT_NAME = "report.txt"
CSV_NAME = "report.csv"


@dataclass(frozen=True, slots=True)
class Report:
    """Sessions that touch the days asked for, and those days for each station."""

    sessions: list[Summary]
    days: list[tuple[date, Summary]]
    problems: list[str]


def make_report(
    folder: Path,
    first: date | None = None,
    last: date | None = None,
    stations: frozenset[str] | None = None,
) -> Report:
    """Read the days asked for, by default the newest and the one before. Raises BadLog, OSError."""
    problems = Problems()
    sessions: list[Summary] = []
    days: list[tuple[date, Summary]] = []
    if first is None:
        first = newest_day(folder) - DAY if last is None else last
    last = date.max if last is None else last
    for rows in read_days(folder, first, last, problems, stations).values():
        for session in sessions_of(rows):
            if session.began_at.date() > last or session.ended_at.date() < first:
                continue
            sessions.append(summarise_session(session))
            days += [(day, share) for day, share in summarise_days(session) if first <= day <= last]
    days.sort(key=lambda entry: (entry[0], entry[1].station))
    return Report(sessions, days, problems.lines())


def write_report(folder: Path, report: Report) -> None:
    """Write `report.txt` and `report.csv`, each replaced as a whole."""
    write_atomically(folder / TEXT_NAME, report_text(report.sessions, report.days).encode())
    write_atomically(folder / CSV_NAME, _csv_text(report).encode())


def report_json(report: Report) -> str:
    """Return the report for programs."""
    document = {
        "sessions": [_entry("session", None, summary) for summary in report.sessions],
        "days": [_entry("day", day, summary) for day, summary in report.days],
        "problems": report.problems,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _csv_text(report: Report) -> str:
    entries = [_entry("session", None, summary) for summary in report.sessions]
    entries += [_entry("day", day, summary) for day, summary in report.days]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(_ENTRY_KEYS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    return out.getvalue()


_ENTRY_KEYS = (
    "kind", "day", "station", "began_at", "ended_at", "is_open", "energy_kwh", "cost",
    "uncontrolled_cost", "saving", "currency", "charging_hours", "soc_start_percent",
    "soc_end_percent", "target_soc_percent", "shortfall_kwh", "unpriced_kwh",
)  # fmt: skip


def _entry(kind: str, day: date | None, summary: Summary) -> dict[str, Any]:
    values: Iterable[Any] = (
        kind,
        day.isoformat() if day is not None else None,
        summary.station,
        summary.began_at.isoformat(sep=" ", timespec="seconds"),
        summary.ended_at.isoformat(sep=" ", timespec="seconds"),
        summary.is_open,
        round(summary.energy_wh / 1000, 3),
        round(summary.cost, 4),
        round(summary.uncontrolled_cost, 4),
        round(summary.saving, 4),
        summary.currency,
        round(summary.charging_s / 3600, 3),
        _rounded(summary.soc_start_percent),
        _rounded(summary.soc_end_percent),
        summary.target_soc_percent,
        None if summary.shortfall_wh is None else round(summary.shortfall_wh / 1000, 3),
        round(summary.unpriced_wh / 1000, 3),
    )
    return dict(zip(_ENTRY_KEYS, values, strict=True))


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)
