from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattbus_station_bridge.clock import UnwrappedClock, first_sight, unwrap

ZONE = ZoneInfo("Europe/Stockholm")
QUARTER = timedelta(minutes=15)


def shown_at(instant: datetime) -> time:
    local = instant.astimezone(ZONE)
    return time(local.hour, local.minute // 15 * 15)


def start(shown: time) -> UnwrappedClock:
    return first_sight(shown, date(2025, 1, 15), ZONE)


def test_the_first_sight_is_on_the_configured_date() -> None:
    assert start(time(6, 30)).at == datetime(2025, 1, 15, 5, 30, tzinfo=UTC)


def test_midnight_goes_on_to_the_next_day() -> None:
    clock = unwrap(start(time(23, 45)), time(0, 0), QUARTER, ZONE)

    assert clock.at == datetime(2025, 1, 15, 23, 0, tzinfo=UTC)
    assert clock.reset_count == 0


@pytest.mark.parametrize("shown", [time(0, 15), time(6, 0), time(12, 0), time(21, 0)])
def test_a_clock_that_falls_back_without_midnight_was_reset(shown: time) -> None:
    before = start(shown)

    clock = unwrap(before, time(0, 0), timedelta(minutes=7), ZONE)

    assert clock.reset_count == 1
    assert clock.at == datetime(2025, 1, 15, 23, 0, tzinfo=UTC)


def test_a_day_without_an_answer_is_counted() -> None:
    clock = unwrap(start(time(12, 0)), time(14, 0), timedelta(hours=74), ZONE)

    assert clock.at - start(time(12, 0)).at == timedelta(hours=74)
    assert clock.reset_count == 0


def test_a_wrong_pace_makes_no_resets() -> None:
    clock = start(time(0, 0))

    for quarter in range(1, 200):
        shown = time(quarter * 15 // 60 % 24, quarter * 15 % 60)
        # The clock moves a quarter while fifteen times as much is expected.
        clock = unwrap(clock, shown, 15 * QUARTER, ZONE)

    assert clock.reset_count == 0
    assert clock.at == start(time(0, 0)).at + 199 * QUARTER


@given(
    jumps=st.lists(st.integers(min_value=0, max_value=23 * 4), min_size=1, max_size=60),
    first=st.integers(min_value=0, max_value=95),
    day=st.dates(min_value=date(2025, 1, 1), max_value=date(2025, 12, 28)),
)
def test_instants_follow_the_true_time_over_midnights_and_changes_of_the_clock(
    jumps: list[int], first: int, day: date
) -> None:
    truth = datetime.combine(day, time(first // 4, first % 4 * 15), ZONE).astimezone(UTC)
    clock = first_sight(shown_at(truth), day, ZONE)
    seen = clock.at
    for jump in jumps:
        truth += jump * QUARTER
        clock = unwrap(clock, shown_at(truth), truth - seen, ZONE)
        seen = truth if clock.shown == shown_at(truth) else seen

        # An hour that comes twice is ambiguous on a clock without date; nothing else is.
        assert abs(clock.at - truth) <= timedelta(hours=1)
        assert clock.reset_count == 0


@given(
    shown=st.lists(st.integers(min_value=0, max_value=95), min_size=1, max_size=40),
    elapsed_min=st.integers(min_value=0, max_value=5000),
)
def test_instants_never_fall_whatever_the_clock_shows(shown: list[int], elapsed_min: int) -> None:
    clock = start(time(0, 0))
    for quarter in shown:
        before = clock.at
        elapsed = timedelta(minutes=elapsed_min)
        clock = unwrap(clock, time(quarter // 4, quarter % 4 * 15), elapsed, ZONE)
        assert clock.at >= before
