"""What is shown of a picture: sentences and numbers."""

import pytest

from unit.console import pictures
from unit.console.pictures import HOUR, MIDNIGHT, default_day, reading
from wattbus_console.day_view import day_view
from wattbus_console.picture import Picture
from wattbus_console.plan_view import plan_views
from wattbus_console.views import site_view

EVENING = MIDNIGHT + 22.25 * HOUR


def test_an_empty_picture_can_be_shown() -> None:
    view = site_view(Picture())

    assert (view.clock, view.price, view.cars) == ("no meter value yet", "-", ())
    assert day_view(Picture(), 3).columns == ()
    assert plan_views(Picture()) == []


def test_the_site_is_shown_in_its_own_time_and_money() -> None:
    view = site_view(default_day(reading(EVENING, power_w=7400)))

    assert view.clock == "Wed 15 Jan 22:15"
    assert view.price == "32.00 öre/kWh"
    assert view.pace == "an hour in 4 s"
    assert (view.house_w, view.stations_w, view.fuse_w) == (1870, 7400, 11_000)


def test_progress_is_the_way_from_the_start_to_the_target() -> None:
    picture = default_day(
        reading(MIDNIGHT, soc_percent=20),
        reading(EVENING, soc_percent=50, power_w=7400, register_wh=13_890),
    )

    car = site_view(picture).cars[0]

    assert car.progress == pytest.approx(0.5)
    assert (car.status, car.is_charging, car.departure) == ("charging", True, "Thu 00:00")
    assert car.energy == "13.89 kWh"
    assert car.planned.startswith("27.78 kWh for 13.73 kr")


def test_a_car_above_its_target_is_done() -> None:
    car = site_view(default_day(reading(EVENING, soc_percent=80.06))).cars[0]

    assert car.progress == 1


def test_the_reason_is_that_of_the_last_limit() -> None:
    picture = default_day(
        pictures.state(), pictures.limit("waiting: cheaper at 22"), reading(EVENING)
    )

    assert site_view(picture).cars[0].reason == "waiting: cheaper at 22"


def test_in_fail_safe_the_reason_is_that_of_the_bridge() -> None:
    picture = default_day(
        pictures.limit("waiting: cheaper at 22"),
        pictures.state(is_failsafe=True, text="no scheduler commands"),
        reading(EVENING),
    )

    car = site_view(picture).cars[0]

    assert (car.reason, car.is_alarming) == ("no scheduler commands", True)
    assert "fail-safe" in car.status


def test_a_lost_station_is_said_to_be_lost() -> None:
    picture = default_day(reading(EVENING), pictures.state(is_reachable=False))

    assert site_view(picture).cars[0].status == "station lost"


def test_the_plan_names_its_hours_joined() -> None:
    (view,) = plan_views(default_day())

    assert view.chosen == "Wed 02:00-04:00, 22:00-24:00"
    assert view.outcome == "27.78 kWh for 13.73 kr; target 80 % is reached Thu 00:00"
    assert [row.when for row in view.rows if row.limit_w > 0] == [
        "02:00-03:00", "03:00-04:00", "22:00-23:00", "23:00-24:00",
    ]  # fmt: skip


def test_a_shortfall_is_stated() -> None:
    (view,) = plan_views(default_day(pictures.plan(shortfall_wh=5000)))

    assert view.outcome.endswith("target 80 % is missed by 5.00 kWh in the known hours")


def test_the_day_shows_what_was_measured_up_to_now_and_what_is_planned_after() -> None:
    picture = default_day(
        pictures.household(MIDNIGHT + 3.5 * HOUR, house_w=2100, stations_w=7400),
        reading(MIDNIGHT),
        reading(MIDNIGHT + 4.5 * HOUR),
    )

    columns = day_view(picture, 1).columns

    assert len(columns) == 24
    assert (columns[3].house_w, columns[3].chargers_w, columns[3].is_past) == (2100, 7400, True)
    assert [hour for hour, column in enumerate(columns) if column.is_now] == [4]
    assert [hour for hour, column in enumerate(columns) if column.is_planned] == [22, 23]
    assert (columns[22].house_w, columns[22].chargers_w) == (1870, 7400)
    assert columns[2].chargers_w == 0, "what was planned and not measured is no measurement"


def test_after_a_day_the_charts_go_on_with_the_next() -> None:
    picture = default_day(reading(MIDNIGHT + 0.2 * HOUR), reading(MIDNIGHT + 25 * HOUR))

    assert day_view(picture, 1).columns[0].start_at == MIDNIGHT + 24 * HOUR
