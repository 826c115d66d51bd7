"""Series on a grid: days of 23 and 25 hours, gaps that stay gaps, hours that become quarters."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattbus_scheduler.backtest.csv_rows import BadTable, Row
from wattbus_scheduler.backtest.timeline import (
    Gap,
    Timeline,
    instant_s,
    steps_of,
    wall_clock_series,
)

ZONE = ZoneInfo("Europe/Stockholm")
HOUR = 3600.0


def naive(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time as it stands on the wall."""
    return datetime(2024, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


def points(*pairs: tuple[float, float]) -> list[tuple[float, float, Row]]:
    row = Row(Path("prices.csv"), 7, {"at": "then"})
    return [(at_h * HOUR, value, row) for at_h, value in pairs]


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25)])
def test_a_day_on_which_clocks_change_has_the_hours_it_has(day: date, hours: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    timeline = Timeline(start.timestamp(), HOUR, [0.1] * 60, [0.0] * 60, ZONE)

    assert timeline.day_start(day + timedelta(days=1)) == hours


def test_a_missing_hour_is_a_gap() -> None:
    steps = steps_of(points((0, 1.0), (1, 2.0), (3, 4.0)), "at")

    assert steps.on_grid(0, HOUR, 5) == [1.0, 2.0, None, 4.0, None]


def test_a_missing_quarter_is_a_gap_too() -> None:
    steps = steps_of(points((0, 1.0), (0.25, 2.0), (0.75, 4.0)), "at")

    assert steps.on_grid(0, 900, 4) == [1.0, 2.0, None, 4.0]


def test_hours_that_become_quarters_leave_no_gap() -> None:
    steps = steps_of(points((0, 1.0), (1, 2.0), (2, 3.0), (2.25, 4.0), (2.5, 5.0)), "at")

    assert steps.on_grid(0, 900, 11) == [1.0] * 4 + [2.0] * 4 + [3.0, 4.0, 5.0]


def test_quarters_make_the_mean_of_an_hour_and_half_an_hour_makes_none() -> None:
    steps = steps_of(points((0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.75, 4.0), (1, 9.0)), "at")

    assert steps.on_grid(0, HOUR, 2) == [2.5, None]


def test_an_instant_that_stands_there_twice_is_a_mistake() -> None:
    with pytest.raises(BadTable, match=r"prices.csv, line 7, column at: 'then' stands there twice"):
        steps_of(points((0, 1.0), (0, 2.0)), "at")


def test_gaps_that_touch_are_one() -> None:
    timeline = Timeline(0.0, HOUR, [1.0, None, None, 2.0, None], [0.0] * 5, ZONE)

    assert timeline.gaps(timeline.prices_per_kwh) == [
        Gap(HOUR, 3 * HOUR),
        Gap(4 * HOUR, 5 * HOUR),
    ]
    assert timeline.is_known(0, HOUR)
    assert not timeline.is_known(0, HOUR + 60)
    assert not timeline.is_known(3 * HOUR, 9 * HOUR)


def test_the_second_half_past_two_of_an_autumn_night_is_an_hour_later() -> None:
    first = instant_s(naive(10, 27, 2, 30), ZONE, None)
    second = instant_s(naive(10, 27, 2, 30), ZONE, first)

    assert second - first == HOUR


def test_half_past_two_of_a_spring_night_does_not_exist() -> None:
    with pytest.raises(ValueError, match="does not exist in Europe/Stockholm"):
        instant_s(naive(3, 31, 2, 30), ZONE, None)


@pytest.mark.parametrize(
    ("day", "expected"), [(31, [0, 1, 3, 4]), (30, [0, 1, 2, 3])], ids=["spring", "any"]
)
def test_a_moved_pattern_follows_the_clock_on_the_wall(day: int, expected: list[int]) -> None:
    values = {naive(3, day, hour): float(hour) for hour in range(24)}
    start_s = datetime(2024, 3, day, tzinfo=ZONE).timestamp()

    assert wall_clock_series(values, start_s, HOUR, 4, ZONE) == expected


def test_a_moved_pattern_repeats_the_hour_that_autumn_repeats() -> None:
    values = {naive(10, 27, hour): float(hour) for hour in range(24)}
    start_s = datetime(2024, 10, 27, tzinfo=ZONE).timestamp()

    assert wall_clock_series(values, start_s, HOUR, 5, ZONE) == [0, 1, 2, 2, 3]


def test_a_moved_pattern_has_its_gaps() -> None:
    values = {naive(1, 1, hour): 1.0 for hour in (0, 1, 3)}
    start_s = datetime(2024, 1, 1, tzinfo=ZONE).astimezone(UTC).timestamp()

    assert wall_clock_series(values, start_s, 900, 16, ZONE) == [1.0] * 8 + [None] * 4 + [1.0] * 4
