"""Puts recorded rows into the order of the site's time, each station on its own."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from wattbus_logger.reading import BadLog, Problems, RecordedRow, read_rows
from wattbus_logger.rotation import ROWS, dated_files

DAY = timedelta(days=1)
CLOCK_STEP = timedelta(seconds=1)


def timelines(rows: Iterable[RecordedRow]) -> dict[str, list[RecordedRow]]:
    """Return each station's rows by rising `at`.

    Rows are taken in the order in which they were sent, so one that the bridge had to send again
    finds its place. When the site's clock goes back (a simulation begun anew), what was recorded
    of that time before is superseded.
    """
    by_station: dict[str, list[RecordedRow]] = {}
    for row in rows:
        by_station.setdefault(row.station, []).append(row)
    for station, recorded in by_station.items():
        recorded.sort(key=lambda row: row.sent_at)
        by_station[station] = _superseded(recorded)
    return dict(sorted(by_station.items()))


def _superseded(recorded: list[RecordedRow]) -> list[RecordedRow]:
    kept: list[RecordedRow] = []
    for row in recorded:
        if kept and row.at < kept[-1].at - CLOCK_STEP:
            while kept and kept[-1].at >= row.at:
                kept.pop()
        if not kept or row.at >= kept[-1].at:
            kept.append(row)
    return kept


def read_days(
    folder: Path,
    first: date,
    last: date,
    problems: Problems,
    stations: frozenset[str] | None = None,
) -> dict[str, list[RecordedRow]]:
    """Return the timelines of the site's local days `first` to `last` and of one day around them.

    The days around show where a visit began and ended. Files of other days are not read. BadLog if
    nothing has been recorded at all.
    """
    begin = first - DAY if first > date.min else first
    end = last + DAY if last < date.max else last
    return timelines(_rows_of_days(spans_of(folder), begin, end, problems, stations))


def newest_day(folder: Path) -> date:
    """Return the local day of the last row; BadLog if nothing has been recorded."""
    return list(spans_of(folder).values())[-1][1]


def oldest_day(folder: Path) -> date:
    """Return the local day with which the record begins; BadLog if nothing has been recorded."""
    return min(min(span) for span in spans_of(folder).values())


def spans_of(folder: Path) -> dict[Path, tuple[date, date]]:
    """Return the local days of each file's first and last row, oldest file first. BadLog if none.

    Where the clock went back within a file, the second is before the first.
    """
    paths = [file.path for file in dated_files(folder, ROWS)]
    if (folder / ROWS).exists():
        paths.append(folder / ROWS)
    spans = {path: span for path in paths if (span := _span(path)) is not None}
    if not spans:
        raise BadLog(f"{folder / ROWS}: nothing has been recorded yet")
    return spans


def _rows_of_days(
    spans: dict[Path, tuple[date, date]],
    first: date,
    last: date,
    problems: Problems,
    stations: frozenset[str] | None,
) -> Iterator[RecordedRow]:
    for path, (earliest, latest) in spans.items():
        # A file in which the clock went back may hold any day before its first.
        if latest >= earliest and (latest < first or earliest > last):
            continue
        for row in read_rows(path, problems, stations):
            if first <= row.local_time.date() <= last:
                yield row


def _span(path: Path) -> tuple[date, date] | None:
    """Return the local days of a file's first and last readable row, without reading the rest."""
    first = next(read_rows(path, Problems()), None) if path.stat().st_size else None
    if first is None:
        return None
    with path.open("rb") as file:
        header = file.readline()
        file.seek(max(len(header), path.stat().st_size - 65_536))
        tail = file.read().splitlines()
    index = header.decode(errors="replace").rstrip().split(",").index("local_time")
    for line in reversed(tail):
        try:
            return first.local_time.date(), date.fromisoformat(
                line.decode(errors="replace").split(",")[index][:10]
            )
        except (ValueError, IndexError):
            continue
    return first.local_time.date(), first.local_time.date()
