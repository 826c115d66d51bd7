"""Days add up to months, months to years, all of them to the sessions, over midnights and DST."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.logger.course_day import MIDNIGHT
from unit.logger.rows_of import course_rows
from wattbus_logger.columns import row_of
from wattbus_logger.figures import By, gather, summarise_days, summarise_session, total
from wattbus_logger.reading import RecordedRow
from wattbus_logger.sessions import course_of, joined, sessions_of

EVENING, NIGHT = ((22.0, 24.0),), ((2.0, 4.0),)


def weeks(days: int, poll_h: float = 0.5) -> list[RecordedRow]:
    """A car that comes at 18 and goes at 8, charged late in the evening and at night."""
    rows: list[RecordedRow] = []
    for number in range(days):
        begin_at = MIDNIGHT + timedelta(days=number)
        day = course_rows((*NIGHT, *EVENING), poll_h, begin_at)
        rows += [
            replace(
                row,
                energy_register_wh=number * 29_600 + row.energy_register_wh,
                is_plugged_in=not 8 <= row.local_time.hour < 18,
                sent_at=f"{number:03}{row.sent_at}",
            )
            for row in day
            if row.at < begin_at + timedelta(days=1)
        ]
    return rows


def test_days_add_up_to_the_sessions_and_to_months_and_years() -> None:
    sessions = sessions_of(weeks(40))
    shares = [share for session in sessions for share in summarise_days(session)]

    whole = total(summarise_session(session) for session in sessions)

    for by in (By.DAY, By.MONTH, By.YEAR):
        sums = total(gather(shares, by))
        assert sums.energy_wh == pytest.approx(whole.energy_wh)
        assert sums.cost == pytest.approx(whole.cost)
        assert sums.reference_cost == pytest.approx(whole.reference_cost)
    assert [one.first_day for one in gather(shares, By.MONTH)] == [
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]
    assert [one.session_count for one in gather(shares, By.YEAR)] == [len(sessions)]


def test_what_is_saved_by_waiting_for_the_night_belongs_to_the_night() -> None:
    """Plugged in at 18, charged at 2: at once would have been the evening before."""
    rows = [row for row in weeks(2) if row.local_time.day == 15 or row.local_time.hour < 8]
    evening = [row for row in rows if row.local_time.day == 15 and row.local_time.hour >= 18]
    charged_at_night = [
        replace(row, energy_register_wh=evening[0].energy_register_wh, power_w=0.0)
        for row in evening
    ] + [
        replace(
            row,
            energy_register_wh=row.energy_register_wh - 14_800,
        )
        for row in rows
        if row.local_time.day == 16
    ]

    (session,) = sessions_of(charged_at_night)
    before, after = summarise_days(session)

    assert before.figures.reference_cost == 0
    assert after.figures.cost == pytest.approx(7.4 * (0.6801 + 0.6795), abs=0.01)
    # The fuse leaves 7.4 kW beside the house from 21 on.
    assert after.figures.reference_cost == pytest.approx(7.4 * (0.7648 + 0.3200), abs=0.01)


def test_the_peak_of_a_period_is_its_highest() -> None:
    (period,) = gather(summarise_days(sessions_of(course_rows())[0]), By.YEAR)

    assert period.figures.peak_w == 7400
    assert period.figures.site_peak_w is not None
    assert period.figures.site_peak_w <= 11_000


def test_what_is_shown_has_no_minus_before_a_zero() -> None:
    (session,) = sessions_of(course_rows())
    summary = summarise_session(session)
    nearly = replace(summary.figures, reference_cost=summary.figures.cost - 1e-9)

    cells = row_of(replace(summary, figures=nearly), By.SESSION)

    assert str(cells["saving"]) == "0.0"
    assert str(cells["saving_percent"]) == "0.0"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 95), max_size=6, unique=True).map(sorted))
def test_rows_may_be_condensed_in_any_pieces(cuts: list[int]) -> None:
    rows = weeks(2)
    parts = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]

    course = course_of(parts[0])
    for part in parts[1:]:
        course = joined(course, course_of(part))

    expected = course_of(rows)
    assert len(course.sessions) == len(expected.sessions)
    for one, other in zip(course.sessions, expected.sessions, strict=True):
        mine, theirs = summarise_session(one), summarise_session(other)
        assert (mine.began_at, mine.ended_at, mine.is_open) == (
            theirs.began_at,
            theirs.ended_at,
            theirs.is_open,
        )
        assert mine.figures.cost == pytest.approx(theirs.figures.cost)
        assert mine.figures.reference_cost == pytest.approx(theirs.figures.reference_cost)
        assert mine.figures.energy_wh == pytest.approx(theirs.figures.energy_wh)
        assert mine.shortfall_wh == theirs.shortfall_wh


def test_a_simulation_begun_anew_in_a_later_file_supersedes_what_it_repeats() -> None:
    rows = weeks(2)
    again = [replace(row, sent_at=f"9{row.sent_at}") for row in course_rows()]

    course = joined(course_of(rows), course_of(again))

    assert sum(summarise_session(one).figures.energy_wh for one in course.sessions) == (
        pytest.approx(27_780, abs=0.1)
    )
