from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattbus_contract.facts import Mode
from wattbus_contract.requests import Clearable, GoalRequest
from wattbus_contract.weekly import WEEKDAYS, WeeklyDeparture
from wattbus_station_bridge.goals import (
    CarTimes,
    RecurringGoal,
    Wishes,
    current_goal,
    in_words,
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


def each_week(days: str, at: time, target_soc_percent: float | None = None) -> WeeklyDeparture:
    return WeeklyDeparture(
        days=tuple(day for day in WEEKDAYS if day.value in days.split()),
        departure_time=at,
        target_soc_percent=target_soc_percent,
    )


WORKDAYS = each_week("mon tue wed thu fri", time(7), 90.0)
SUNDAY = each_week("sun", time(15), 100.0)


def goal_at(now: datetime, wishes: Wishes, **recurring: object) -> tuple[datetime | None, float]:
    goal = current_goal(
        RecurringGoal(**recurring),  # type: ignore[arg-type]  # as the test names them
        wishes,
        CarTimes(now, is_plugged_in=True, plugged_in_at=now),
        ZONE,
    )
    return goal.departure_at, goal.target_soc_percent


def test_a_weekly_plan_moves_on_after_each_departure_with_each_one_s_target() -> None:
    wishes = with_goal(Wishes(), GoalRequest(weekly=(WORKDAYS, SUNDAY)), NOW, ZONE)
    now, seen = NOW, []
    for _ in range(4):
        departure_at, target_percent = goal_at(now, wishes, departure_time=time(3))
        assert departure_at is not None
        seen.append((f"{departure_at:%a %d %H:%M}", target_percent))
        now = departure_at

    assert seen == [
        ("Thu 16 06:00", 90), ("Fri 17 06:00", 90), ("Sun 19 14:00", 100), ("Mon 20 06:00", 90),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "departure_at"),
    [
        (datetime(2025, 3, 29, 12, tzinfo=UTC), datetime(2025, 3, 30, 5, tzinfo=UTC)),
        (datetime(2025, 3, 30, 5, tzinfo=UTC), datetime(2025, 3, 31, 5, tzinfo=UTC)),
        (datetime(2025, 10, 25, 12, tzinfo=UTC), datetime(2025, 10, 26, 6, tzinfo=UTC)),
    ],
)
def test_a_weekly_plan_keeps_to_the_clock_when_it_is_put_forward_and_back(
    now: datetime, departure_at: datetime
) -> None:
    every_day = each_week("mon tue wed thu fri sat sun", time(7))

    assert goal_at(now, Wishes(weekly=(every_day,)))[0] == departure_at


@given(
    now=st.datetimes(datetime(2025, 3, 25), datetime(2025, 11, 5), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis takes naive bounds
    shown=st.times(),
    day=st.sampled_from(WEEKDAYS),
)
def test_a_weekly_departure_comes_once_in_a_week_of_the_site_s_clock(
    now: datetime, shown: time, day: object
) -> None:
    departure = WeeklyDeparture(days=(day,), departure_time=shown)  # type: ignore[arg-type]  # a day
    wishes = Wishes(weekly=(departure,))

    first, _ = goal_at(now, wishes)
    assert first is not None
    second, _ = goal_at(first, wishes)

    assert second is not None
    assert now < first <= now + timedelta(days=7, hours=1)
    assert timedelta(days=6, hours=23) <= second - first <= timedelta(days=7, hours=1)


def test_a_wished_departure_counts_once_before_the_weekly_plan() -> None:
    wishes = Wishes(weekly=(WORKDAYS,))

    wishes = with_goal(wishes, GoalRequest(departure_time=time(5)), NOW, ZONE)

    once = datetime(2025, 1, 16, 4, tzinfo=UTC)
    assert goal_at(NOW, wishes) == (once, 80)
    assert goal_at(once, wishes) == (datetime(2025, 1, 16, 6, tzinfo=UTC), 90)


def test_a_wished_target_comes_before_that_of_the_weekly_plan_for_the_next_departure() -> None:
    wishes = Wishes(weekly=(WORKDAYS,))

    wishes = with_goal(wishes, GoalRequest(target_soc_percent=60), NOW, ZONE)

    next_at = datetime(2025, 1, 16, 6, tzinfo=UTC)
    assert goal_at(NOW, wishes) == (next_at, 60)
    assert goal_at(next_at, wishes) == (next_at + timedelta(days=1), 90)


def test_wishes_replace_and_clear_what_the_site_file_has() -> None:
    given_there = {"weekly": (WORKDAYS,), "max_current_a": 16.0}
    asked = GoalRequest(weekly=(SUNDAY,), max_current_a=10, price_cap_per_kwh=1.0)
    wishes = with_goal(Wishes(), asked, NOW, ZONE)
    cleared = with_goal(wishes, GoalRequest(clear=tuple(Clearable)), NOW, ZONE)
    none_at_all = with_goal(wishes, GoalRequest(weekly=()), NOW, ZONE)

    goals = [
        current_goal(RecurringGoal(**given_there), wish, HERE, ZONE)  # type: ignore[arg-type]  # as named
        for wish in (wishes, cleared, none_at_all)
    ]

    assert [goal.weekly for goal in goals] == [(SUNDAY,), (WORKDAYS,), None]
    assert [goal.max_current_a for goal in goals] == [10, 16, 10]
    assert [goal.price_cap_per_kwh for goal in goals] == [1.0, None, 1.0]
    assert goals[2].departure_at is None


def test_a_goal_is_told_in_plain_words_and_local_time() -> None:
    wishes = Wishes(weekly=(WORKDAYS, SUNDAY), max_current_a=10)

    text = in_words(current_goal(RecurringGoal(), wishes, HERE, ZONE), ZONE)

    assert text == (
        "90 % by Thu 2025-01-16 07:00, at most 10 A; "
        "weekly mon tue wed thu fri 07:00 (90 %), sun 15:00 (100 %)"
    )
