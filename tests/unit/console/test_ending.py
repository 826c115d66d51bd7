"""When a demonstration is over."""

from datetime import date

from unit.console.pictures import HOUR, MIDNIGHT, default_day, reading
from wattbus_console.commands.demo import day_of_first_value
from wattbus_console.ending import Ending


def test_it_goes_on_while_the_car_still_draws_power() -> None:
    ending = Ending(most_h=48)
    picture = default_day(reading(MIDNIGHT, soc_percent=80.01, power_w=7400))

    assert not ending.is_over(picture)


def test_it_ends_when_the_target_is_reached_and_the_charger_is_off() -> None:
    ending = Ending(most_h=48)
    picture = default_day(reading(MIDNIGHT, soc_percent=80.01))

    assert ending.is_over(picture)
    assert ending.shortfalls(picture) == []


def test_it_ends_when_its_time_is_over_and_states_what_is_missing() -> None:
    ending = Ending(most_h=24)
    picture = default_day(reading(MIDNIGHT), reading(MIDNIGHT + 23.9 * HOUR, soc_percent=70))
    assert not ending.is_over(picture)

    picture.apply(reading(MIDNIGHT + 24 * HOUR, soc_percent=70))

    assert ending.is_over(picture)
    assert ending.shortfalls(picture) == ["car1 stands at 70.0 % and is 4.63 kWh short of 80 %"]


def test_a_week_goes_on_after_the_target() -> None:
    ending = Ending(most_h=168, ends_at_target=False)
    picture = default_day(reading(MIDNIGHT, soc_percent=80.01))

    assert not ending.is_over(picture)


def test_a_car_that_has_had_its_target_once_is_not_short() -> None:
    ending = Ending(most_h=24, ends_at_target=False)
    picture = default_day(reading(MIDNIGHT, soc_percent=80))
    ending.is_over(picture)

    picture.apply(reading(MIDNIGHT + 24 * HOUR, soc_percent=60))

    assert ending.is_over(picture)
    assert ending.shortfalls(picture) == []


def test_the_report_begins_with_the_local_day_of_the_first_value() -> None:
    picture = default_day(reading(MIDNIGHT), reading(MIDNIGHT + 168 * HOUR))

    assert day_of_first_value(default_day()) is None
    assert day_of_first_value(picture) == date(2025, 1, 15)
