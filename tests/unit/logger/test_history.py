"""Months of files are read once: what they come to is kept, and never believed blindly."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from unit.logger.rows_of import append_rows
from unit.logger.test_figures import weeks
from wattbus_logger import digest
from wattbus_logger.digest import FOLDER, digest_of
from wattbus_logger.figures import summarise_session, total
from wattbus_logger.history import read_sessions
from wattbus_logger.reading import Problems, RecordedRow, read_rows_after
from wattbus_logger.sessions import sessions_of

ROWS = weeks(6)
ALWAYS = date(2025, 1, 1), date(2025, 12, 31)


def write_days(folder: Path, rows: Sequence[RecordedRow]) -> None:
    """A file a day, the newest with its plain name."""
    days = [list(group) for _, group in groupby(rows, key=lambda row: row.local_time.date())]
    for day in days[:-1]:
        append_rows(folder / f"battery_log.{day[0].local_time:%Y-%m-%d}.csv", day)
    append_rows(folder / "battery_log.csv", days[-1])


def sums_of(folder: Path) -> tuple[int, float, float, float]:
    """Sessions, energy, cost and cost at once of all that is recorded."""
    sessions = read_sessions(folder, *ALWAYS, Problems())
    sums = total(summarise_session(session) for session in sessions)
    return (
        len(sessions),
        round(sums.energy_wh, 6),
        round(sums.cost, 9),
        round(sums.reference_cost, 9),
    )


def expected(rows: Sequence[RecordedRow]) -> tuple[int, float, float, float]:
    """The same, from rows that were never in files."""
    sessions = sessions_of(rows)
    sums = total(summarise_session(session) for session in sessions)
    return (
        len(sessions),
        round(sums.energy_wh, 6),
        round(sums.cost, 9),
        round(sums.reference_cost, 9),
    )


@pytest.fixture
def offsets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From where rows were read, read by read."""
    found: list[int] = []

    def read(path: Path, offset: int, *more: Any) -> Any:
        found.append(offset)
        return read_rows_after(path, offset, *more)

    monkeypatch.setattr(digest, "read_rows_after", read)
    return found


def test_files_of_many_days_come_to_the_same_as_their_rows(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS)

    assert sums_of(tmp_path) == expected(ROWS)
    assert sums_of(tmp_path) == expected(ROWS)


def test_a_row_is_read_once(tmp_path: Path, offsets: list[int]) -> None:
    write_days(tmp_path, ROWS[:-20])
    sums_of(tmp_path)
    offsets.clear()

    sums_of(tmp_path)
    assert offsets == []

    append_rows(tmp_path / "battery_log.csv", ROWS[-20:])
    assert sums_of(tmp_path) == expected(ROWS)
    assert len(offsets) == 1
    assert offsets[0] > 0


def test_a_large_file_is_read_in_blocks(
    tmp_path: Path, offsets: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "BLOCK_BYTES", 5000)
    append_rows(tmp_path / "battery_log.csv", ROWS)
    with (tmp_path / "battery_log.csv").open("a") as file:
        file.write("half a row")

    problems = Problems()
    sessions = read_sessions(tmp_path, *ALWAYS, problems)

    sums = total(summarise_session(session) for session in sessions)
    assert (len(sessions), round(sums.energy_wh, 6)) == expected(ROWS)[:2]
    assert len(offsets) > 5
    assert problems.count == 1


def test_only_the_files_of_the_days_asked_for_are_read(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS)

    read_sessions(tmp_path, date(2025, 1, 20), date(2025, 1, 20), Problems())

    kept = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert "battery_log.2025-01-15.csv.json" not in kept
    assert "battery_log.csv.json" in kept


def test_a_session_is_whole_though_it_began_long_before(tmp_path: Path) -> None:
    rows = [replace(row, is_plugged_in=True) for row in ROWS]
    write_days(tmp_path, rows)

    (session,) = read_sessions(tmp_path, date(2025, 1, 20), date(2025, 1, 20), Problems())

    assert session.began_at == rows[0].local_time


def test_rows_that_came_late_find_their_place_across_files(tmp_path: Path) -> None:
    late = [row for row in ROWS if row.local_time.day == 16 and row.local_time.hour >= 22]
    others = [row for row in ROWS if row not in late]
    write_days(tmp_path, others)
    append_rows(tmp_path / "battery_log.2025-01-17.csv", late)

    assert sums_of(tmp_path) == expected(ROWS)


def test_a_file_that_somebody_changed_is_read_again(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS)
    sums_of(tmp_path)
    path = tmp_path / "battery_log.csv"
    shorter = path.read_text().splitlines(keepends=True)[:-8]

    path.write_text("".join(shorter))

    assert sums_of(tmp_path) == expected(ROWS[:-8])


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"version":1,"offset":5}', "\0\0"])
def test_a_broken_memory_is_no_harm(tmp_path: Path, content: str) -> None:
    write_days(tmp_path, ROWS)
    sums_of(tmp_path)
    for path in (tmp_path / FOLDER).iterdir():
        path.write_text(content)

    assert sums_of(tmp_path) == expected(ROWS)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(tmp_path, ROWS)
    (tmp_path / FOLDER).write_text("a file where the folder should be")

    assert sums_of(tmp_path) == expected(ROWS)


def test_a_last_line_without_end_is_not_remembered(tmp_path: Path) -> None:
    write_days(tmp_path, ROWS)
    path = tmp_path / "battery_log.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    digest_of(path)

    path.write_bytes(whole)

    assert sums_of(tmp_path) == expected(ROWS)


def test_rows_that_were_left_out_are_told_each_time(tmp_path: Path) -> None:
    append_rows(tmp_path / "battery_log.csv", ROWS[:50])
    with (tmp_path / "battery_log.csv").open("a") as file:
        file.write("half a row\n")
    append_rows(tmp_path / "battery_log.csv", ROWS[50:])

    for _ in range(2):
        problems = Problems()
        read_sessions(tmp_path, *ALWAYS, problems)
        assert problems.lines() == ["battery_log.csv row 52 left out: 1 cells instead of 23"]


def test_a_year_of_days_needs_little_room(tmp_path: Path) -> None:
    """96 quarters a day at most, however often it was polled."""
    rows = weeks(1, poll_h=0.01)
    append_rows(tmp_path / "battery_log.csv", [replace(r, is_plugged_in=True) for r in rows])

    sessions = read_sessions(tmp_path, *ALWAYS, Problems())

    assert sum(len(session.quarters) for session in sessions) <= 97
    assert timedelta(0) < sessions[0].ended_at - sessions[0].began_at
