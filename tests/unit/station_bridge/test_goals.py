from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest
from wattbus_station_bridge.goals import (
    CarTimes,
    RecurringGoal,
    Wishes,
    current_goal,
    next_time,
    with_goal,
)

ZONE = ZoneInfo("Europe/Stockholm")
NOW = datetime(2025, 1, 15, 17, 0, tzinfo=UTC)
HERE = CarTimes(NOW, is_plugged_in=True, plugged_in_at=NOW)


def test_a_recurring_departure_is_the_next_one_on_the_site_s_clock() -> None:
    goal = current_goal(RecurringGoal(departure_time=time(7)), Wishes(), HERE, ZONE)

    assert goal.departure_at == datetime(2025, 1, 16, 6, 0, tzinfo=UTC)


def test_a_departure_that_is_now_is_the_next_day_s() -> None:
    assert next_time(time(18), NOW, ZONE) == NOW + timedelta(days=1)


def test_only_the_named_weekdays_count() -> None:
    monday_only = RecurringGoal(departure_time=time(7), weekdays=frozenset({0}))

    goal = current_goal(monday_only, Wishes(), HERE, ZONE)

    assert goal.departure_at == datetime(2025, 1, 20, 6, 0, tzinfo=UTC)


def test_a_departure_after_hours_counts_from_plugging_in() -> None:
    car = CarTimes(NOW + timedelta(hours=3), True, NOW)

    goal = current_goal(RecurringGoal(departure_after_h=8), Wishes(), car, ZONE)

    assert goal.departure_at == NOW + timedelta(hours=8)


def test_without_a_departure_what_the_station_tells_counts() -> None:
    leaves_at = NOW + timedelta(hours=5)

    goal = current_goal(RecurringGoal(), Wishes(), CarTimes(NOW, True, NOW, leaves_at), ZONE)

    assert goal.departure_at == leaves_at


def test_an_arrival_is_expected_only_while_the_car_is_away() -> None:
    recurring = RecurringGoal(arrival_time=time(20))

    away = current_goal(recurring, Wishes(), CarTimes(NOW, is_plugged_in=False), ZONE)
    here = current_goal(recurring, Wishes(), HERE, ZONE)

    assert away.arrival_at == datetime(2025, 1, 15, 19, 0, tzinfo=UTC)
    assert here.arrival_at is None


def test_wishes_come_first_and_the_rest_stays() -> None:
    recurring = RecurringGoal(target_soc_percent=80, departure_time=time(7))
    wishes = with_goal(
        Wishes(mode=Mode.NOW), GoalRequest(target_soc_percent=95, departure_time=time(5)), NOW, ZONE
    )

    goal = current_goal(recurring, wishes, HERE, ZONE)

    assert (goal.mode, goal.target_soc_percent) == (Mode.NOW, 95)
    assert goal.departure_at == datetime(2025, 1, 16, 4, 0, tzinfo=UTC)


def test_a_wished_departure_that_has_passed_gives_way_to_the_recurring_one() -> None:
    recurring = RecurringGoal(departure_time=time(7))
    wishes = Wishes(departure_at=NOW + timedelta(hours=1))

    later = CarTimes(NOW + timedelta(hours=1), True, NOW)

    assert current_goal(recurring, wishes, later, ZONE).departure_at == datetime(
        2025, 1, 16, 6, 0, tzinfo=UTC
    )


def test_a_wish_for_the_past_is_refused() -> None:
    with pytest.raises(ValueError, match="has passed"):
        with_goal(Wishes(), GoalRequest(departure_at=NOW - timedelta(seconds=1)), NOW, ZONE)


@given(
    now=st.datetimes(datetime(2025, 3, 25), datetime(2025, 11, 5), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis takes naive bounds
    shown=st.times(),
)
def test_the_next_time_is_later_within_a_day_and_an_hour(now: datetime, shown: time) -> None:
    instant = next_time(shown, now, ZONE)

    assert now < instant <= now + timedelta(hours=25)
