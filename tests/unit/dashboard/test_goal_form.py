"""From the goal's form to a wish."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.dashboard.scene import NOW, STOCKHOLM
from wattbus_contract.facts import Goal, Mode
from wattbus_contract.requests import Clearable
from wattbus_contract.weekly import Weekday, WeeklyDeparture
from wattbus_dashboard.goal_form import BadForm, day_fields, departure_text, wish_of

MON, TUE, SAT = Weekday.MON, Weekday.TUE, Weekday.SAT
GOAL = Goal(
    mode=Mode.SMART,
    target_soc_percent=80.0,
    departure_at=NOW,
    max_current_a=10.0,
    weekly=(
        WeeklyDeparture(days=(MON, TUE), departure_time=time(7)),
        WeeklyDeparture(days=(SAT,), departure_time=time(9, 30), target_soc_percent=100.0),
    ),
)


def fields_of(goal: Goal | None) -> dict[str, str]:
    """The form as the dialog fills it in."""
    fields = {
        "target": f"{goal.target_soc_percent:g}" if goal else "",
        "departure": departure_text(goal, STOCKHOLM),
        "max_current": f"{goal.max_current_a:g}" if goal and goal.max_current_a else "",
    }
    for day in day_fields(goal):
        fields |= {f"time-{day.day}": day.time, f"target-{day.day}": day.target}
    return fields


@given(
    st.builds(
        Goal,
        mode=st.just(Mode.SMART),
        target_soc_percent=st.integers(0, 100).map(float),
        departure_at=st.none() | st.just(NOW),
        max_current_a=st.none() | st.integers(1, 32).map(float),
        weekly=st.none()
        | st.just(())
        | st.lists(
            st.builds(
                WeeklyDeparture,
                days=st.lists(st.sampled_from(Weekday), min_size=1, unique=True).map(tuple),
                departure_time=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
                target_soc_percent=st.none() | st.integers(0, 100).map(float),
            ),
            max_size=3,
        ).map(tuple),
    )
)
def test_a_form_that_is_sent_as_it_was_filled_in_asks_for_nothing(goal: Goal) -> None:
    assert wish_of(fields_of(goal), goal, STOCKHOLM) is None


def test_only_what_was_changed_is_asked_for() -> None:
    wish = wish_of({**fields_of(GOAL), "target": "90,5"}, GOAL, STOCKHOLM)

    assert wish is not None
    assert wish.model_dump(exclude_none=True) == {"target_soc_percent": 90.5}


def test_a_departure_is_local_time_of_the_site() -> None:
    wish = wish_of({**fields_of(GOAL), "departure": "2025-07-01T07:00"}, GOAL, STOCKHOLM)

    assert wish is not None
    assert wish.departure_at == datetime(2025, 7, 1, 5, tzinfo=UTC)


def test_days_that_are_alike_make_one_departure() -> None:
    fields = {**fields_of(GOAL), "time-wed": "07:00"}

    wish = wish_of(fields, GOAL, STOCKHOLM)

    assert wish is not None
    assert wish.weekly is not None
    assert [(item.days, item.departure_time) for item in wish.weekly] == [
        ((MON, TUE, Weekday.WED), time(7)),
        ((SAT,), time(9, 30)),
    ]


def test_what_is_emptied_is_taken_back() -> None:
    emptied = dict.fromkeys(fields_of(GOAL), "") | {
        "target": "80", "departure": departure_text(GOAL, STOCKHOLM),
    }  # fmt: skip

    wish = wish_of(emptied, GOAL, STOCKHOLM)

    assert wish is not None
    assert set(wish.clear or ()) == {Clearable.MAX_CURRENT_A, Clearable.WEEKLY}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", "140"), ("target", "much"), ("departure", "soon"), ("max_current", "-3"),
        ("time-mon", "7 o'clock"), ("target-mon", "1e9"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, value: str) -> None:
    with pytest.raises(BadForm):
        wish_of({**fields_of(GOAL), name: value}, GOAL, STOCKHOLM)
