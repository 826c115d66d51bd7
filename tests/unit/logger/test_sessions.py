"""What a session cost, to the öre, and what it would have cost without control."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.logger.course_day import CHEAPEST, FULL_W, MIDNIGHT, reading
from unit.logger.rows_of import course_rows, row_of, rows_from
from wattbus_logger.costs import energy_before_wh, pieces_of
from wattbus_logger.counterfactual import uncontrolled
from wattbus_logger.figures import summarise_days, summarise_session
from wattbus_logger.quarters import FullPower
from wattbus_logger.reading import RecordedRow
from wattbus_logger.sessions import sessions_of
from wattbus_logger.timeline import timelines

AT_ONCE = 7.4 * (0.8528 + 0.7086 + 0.6801 + 0.754054 * 0.6795)


@pytest.mark.parametrize("poll_h", [0.01, 0.07, 0.1, 0.23])
def test_the_courses_day_costs_13_73_kr_however_seldom_it_is_polled(poll_h: float) -> None:
    (session,) = sessions_of(course_rows(poll_h=poll_h))

    summary = summarise_session(session)

    assert summary.figures.cost == pytest.approx(13.7287, abs=0.001)
    assert summary.figures.energy_wh == pytest.approx(27_780, abs=0.1)
    assert summary.figures.charging_s / 3600 == pytest.approx(3.754, abs=0.001)
    assert summary.figures.reference_cost == pytest.approx(AT_ONCE, abs=0.001)
    assert summary.figures.saving == pytest.approx(6.65, abs=0.01)
    assert summary.shortfall_wh == pytest.approx(0, abs=0.1)
    assert (summary.soc_start_percent, summary.soc_end_percent) == pytest.approx((20, 80))


def test_a_goal_that_was_missed_is_stated() -> None:
    (session,) = sessions_of(course_rows(((22.0, 24.0),)))

    summary = summarise_session(session)

    assert summary.figures.cost == pytest.approx(7.4 * (0.32 + 0.3429), abs=0.001)
    assert summary.shortfall_wh == pytest.approx(12_980, abs=0.1)


def test_charging_at_once_saves_nothing() -> None:
    (session,) = sessions_of(course_rows(((0.0, 3.754054),)))

    summary = summarise_session(session)

    assert summary.figures.saving == pytest.approx(0, abs=0.001)


def test_without_control_the_fuse_is_kept_too() -> None:
    """House 3.85 kW at 5 o'clock leaves no 7.4 kW under 11 kW: the car waits until 7."""
    rows = [row for row in course_rows() if row.local_time.hour >= 5 or row.local_time.day == 16]
    (session,) = sessions_of(rows)

    at_once = uncontrolled(session.quarters, 7400)

    first_fit = next(row for row in rows if (row.house_load_w or 0) <= 3600)
    assert first_fit.local_time.hour == 14
    assert at_once.cost == pytest.approx(7.4 * first_fit.price_per_kwh, abs=0.02)  # type: ignore[operator]  # the course's day has prices


def test_a_station_that_can_be_steered_takes_what_the_fuse_leaves() -> None:
    power = FullPower(1380, 7400, 11_000)

    assert power.beside(2000) == 7400
    assert power.beside(6000) == 5000
    assert power.beside(10_000) == 0
    assert power.beside(None) == 7400


def test_a_night_is_one_session_and_two_days() -> None:
    evening = course_rows(((22.0, 24.0),))
    night = course_rows(((2.0, 4.0),), start_at=MIDNIGHT + timedelta(days=1))
    offset_wh = evening[-1].energy_register_wh
    later = [
        replace(
            row, energy_register_wh=row.energy_register_wh + offset_wh, sent_at=f"9{row.sent_at}"
        )
        for row in night
    ]
    rows = timelines([*evening, *later])["car1"]

    (session,) = sessions_of(rows)
    shares = {share.first_day: share.figures for share in summarise_days(session)}

    assert summarise_session(session).figures.energy_wh == pytest.approx(29_600, abs=0.1)
    assert shares[date(2025, 1, 15)].energy_wh == pytest.approx(14_800, abs=0.1)
    assert shares[date(2025, 1, 16)].cost == pytest.approx(7.4 * (0.6801 + 0.6795), abs=0.001)
    assert sum(share.cost for share in shares.values()) == pytest.approx(
        summarise_session(session).figures.cost
    )


def test_unplugging_ends_a_session_and_plugging_in_begins_the_next() -> None:
    rows = [replace(row, is_plugged_in=not 8 <= row.local_time.hour < 18) for row in course_rows()]

    sessions = sessions_of(rows)

    assert [session.is_open for session in sessions] == [False, True]
    assert sessions[1].began_at.hour == 18
    energies_wh = [summarise_session(session).figures.energy_wh for session in sessions]
    assert energies_wh == pytest.approx([FULL_W * (4 - CHEAPEST[0][0]), 14_800], abs=0.1)


def test_prices_below_zero_earn_money() -> None:
    rows = [replace(row, price_per_kwh=-0.10) for row in course_rows()]

    summary = summarise_session(sessions_of(rows)[0])

    assert summary.figures.cost == pytest.approx(-2.778, abs=0.001)
    assert summary.figures.saving == pytest.approx(0, abs=0.001)


def test_energy_without_a_known_price_is_told_apart() -> None:
    rows = [
        replace(row, price_per_kwh=None) if row.local_time.hour < 12 and row.local_time.day == 15
        else row
        for row in course_rows()
    ]  # fmt: skip

    summary = summarise_session(sessions_of(rows)[0])

    assert summary.figures.unpriced_wh == pytest.approx(12_980, abs=0.1)
    assert summary.figures.cost == pytest.approx(7.4 * (0.32 + 0.3429), abs=0.001)


def test_a_simulation_begun_anew_supersedes_what_it_repeats() -> None:
    first = course_rows(((0.0, 3.754054),))
    again = [replace(row, sent_at=f"9{row.sent_at}") for row in course_rows()]

    rows = timelines([*first, *again])["car1"]

    assert summarise_session(sessions_of(rows)[-1]).figures.cost == pytest.approx(
        13.7287, abs=0.001
    )
    assert len(rows) == len(again)


def test_rows_that_the_bridge_sent_late_find_their_place() -> None:
    rows = course_rows()
    shuffled = [*rows[:100], *rows[150:], *rows[100:150]]

    assert timelines(shuffled)["car1"] == rows


@pytest.mark.parametrize(
    ("midnight", "hours"), [("2025-03-29T23:00Z", 23), ("2025-10-25T22:00Z", 25)]
)
def test_days_of_23_and_25_hours_count_every_hour_once(midnight: str, hours: int) -> None:
    start_at = datetime.fromisoformat(midnight)
    values = [
        reading(
            start_at + timedelta(minutes=10 * number),
            6000.0,
            energy_active_import_register_wh=1000.0 * number,
            price_per_kwh=0.50,
        )
        for number in range(hours * 6 + 1)
    ]

    (session,) = sessions_of(rows_from(values))
    (share,) = summarise_days(session)

    assert share.figures.charging_s == pytest.approx(hours * 3600)
    assert share.figures.cost == pytest.approx(hours * 3.0)
    assert share.first_day == (start_at + timedelta(hours=12)).date()


def test_a_gap_in_the_record_loses_no_energy() -> None:
    rows = [row for row in course_rows() if not 1 <= row.local_time.hour < 23]

    summary = summarise_session(sessions_of(rows)[0])

    assert summary.figures.energy_wh == pytest.approx(27_780, abs=0.1)


@given(
    st.floats(0, 11_000), st.floats(0, 11_000), st.floats(0, 1), st.floats(0.01, 0.99),
)  # fmt: skip
def test_an_interval_is_divided_where_the_power_changed(
    first_w: float, second_w: float, switch: float, boundary: float
) -> None:
    """One change of power within an hour: the energy itself tells when it was."""
    energy_wh = first_w * switch + second_w * (1 - switch)

    before_wh = energy_before_wh(first_w, second_w, 3600, energy_wh, boundary * 3600)

    exact_wh = first_w * min(switch, boundary) + second_w * max(0.0, boundary - switch)
    if abs(first_w - second_w) > 1:
        assert before_wh == pytest.approx(exact_wh, abs=0.02)
    assert 0 <= before_wh <= energy_wh + 1e-9


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 3000)), min_size=2, max_size=30))
def test_pieces_hold_all_energy_and_all_time(steps: list[tuple[int, int]]) -> None:
    rows: list[RecordedRow] = []
    at, register_wh = MIDNIGHT, 0.0
    for number, (seconds, energy_wh) in enumerate(steps):
        price = 0.5 + at.hour / 10
        rows.append(
            row_of(
                reading(at, energy_active_import_register_wh=register_wh, price_per_kwh=price),
                number,
            )
        )
        at, register_wh = at + timedelta(seconds=seconds), register_wh + energy_wh

    pieces = pieces_of(rows)

    assert sum(p.energy_wh for p in pieces) == pytest.approx(rows[-1].energy_register_wh)
    assert sum(p.duration_s for p in pieces) == pytest.approx(
        (rows[-1].at - rows[0].at).total_seconds()
    )
