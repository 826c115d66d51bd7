"""What the messages carry reaches the situation: each value under its name, in its unit."""

from datetime import UTC, datetime, timedelta

import pytest

from wattbus_contract import facts, forecasts
from wattbus_scheduler.course import course_of
from wattbus_scheduler.facts import Facts, StationFacts
from wattbus_scheduler.optimal.strategy import plan_jointly
from wattbus_scheduler.plausible import implausible
from wattbus_scheduler.situation import Car, Site, Situation, Slot
from wattbus_scheduler.situation_builder import HeldLoad, build_situation
from wattbus_scheduler.strategies.settings import StrategySettings

NOW = datetime(2025, 6, 18, 8, tzinfo=UTC)
SITE = facts.SiteInfo(
    name="Home", time_zone="Europe/Stockholm", currency="SEK", phases=1, voltage_v=230,
    max_power_w=11_000, time_scale=1, failsafe_after_s=60, stations=("car1",),
)  # fmt: skip
STATION = facts.StationInfo(
    name="Car 1", control=facts.Control.CURRENT, phases=(1,), voltage_v=230, min_current_a=6,
    max_current_a=32, current_step_a=1, max_power_w=7360, failsafe_limit_w=0, poll_interval_s=5,
    battery_capacity_wh=46_300, charging_efficiency=0.9,
)  # fmt: skip


def prices(**values: float | None) -> forecasts.PriceForecast:
    slots = tuple(
        forecasts.PriceSlot(
            start_at=NOW + timedelta(hours=hour), duration_s=3600, price_per_kwh=1.0, **values
        )
        for hour in range(24)
    )
    return forecasts.PriceForecast(currency="SEK", unit="SEK/kWh", provider="test", slots=slots)


def loads(house_w: float, pv_w: float | None, hours: int = 24) -> forecasts.BaseLoadForecast:
    slots = tuple(
        forecasts.BaseLoadSlot(
            start_at=NOW + timedelta(hours=hour), duration_s=3600, power_w=house_w, pv_power_w=pv_w
        )
        for hour in range(hours)
    )
    return forecasts.BaseLoadForecast(provider="test", slots=slots)


def known(**changes: object) -> Facts:
    station = StationFacts(
        info=STATION, goal=facts.Goal(mode=facts.Mode.SMART, target_soc_percent=80), at=NOW,
        is_plugged_in=True, soc_percent=20.0,
    )  # fmt: skip
    found = Facts(site=SITE, stations={"car1": station}, price=prices(), now=NOW)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def situation(found: Facts, held: HeldLoad | None = None) -> Situation:
    built = build_situation(found, NOW, held)
    assert built is not None
    return built


def first(found: Facts, held: HeldLoad | None = None) -> Slot:
    return situation(found, held).slots[0]


def test_what_the_house_leaves_of_the_roof_is_surplus_at_the_feed_in_price() -> None:
    slot = first(known(price=prices(feed_in_price_per_kwh=0.3), base_load=loads(800, 5000)))

    assert (slot.house_load_w, slot.surplus_w) == (800, 4200)
    assert (slot.price_per_kwh, slot.feed_in_price_per_kwh) == (1.0, 0.3)


def test_a_roof_that_gives_less_than_the_house_takes_leaves_no_surplus() -> None:
    assert first(known(base_load=loads(800, 500))).surplus_w == 0


def test_without_a_roof_or_a_feed_in_price_there_is_none() -> None:
    slot = first(known(base_load=loads(800, None)))

    assert (slot.surplus_w, slot.feed_in_price_per_kwh) == (0, 0)


def test_a_house_that_takes_more_than_expected_leaves_less_surplus() -> None:
    held = HeldLoad(3000, NOW, NOW + timedelta(minutes=5))

    assert first(known(base_load=loads(800, 5000)), held).surplus_w == 2000


def test_beyond_the_forecast_the_roof_gives_what_it_gave_a_day_before() -> None:
    goal = facts.Goal(
        mode=facts.Mode.SMART, target_soc_percent=80, departure_at=NOW + timedelta(hours=40)
    )
    found = known(base_load=loads(800, 5000), price=prices(feed_in_price_per_kwh=0.3))
    found.station("car1").goal = goal

    slots = situation(found).slots

    assert slots[-1].start_at > NOW + timedelta(hours=30)
    assert {(slot.surplus_w, slot.feed_in_price_per_kwh) for slot in slots} == {(4200, 0.3)}


def test_the_cars_curve_wear_and_losses_reach_the_planner() -> None:
    info = STATION.model_copy(
        update={
            "charging_curve": (
                facts.CurveCorner(soc_percent=90, max_power_w=7360),
                facts.CurveCorner(soc_percent=100, max_power_w=2000),
            ),
            "high_soc_percent": 70.0,
            "high_soc_price_per_kwh_h": 0.01,
            "high_power_w": 5000.0,
            "high_power_price_per_kwh": 0.05,
            "overhead_w": 150.0,
        }
    )
    found = known()
    found.station("car1").info = info

    [car] = situation(found).cars

    assert car.taper == ((90, 7360), (100, 2000))
    assert (car.high_soc_percent, car.high_soc_price_per_kwh_h) == (70, 0.01)
    assert (car.high_power_w, car.high_power_price_per_kwh, car.overhead_w) == (5000, 0.05, 150)


@pytest.mark.parametrize(
    ("update", "complaint"),
    [
        ({"overhead_w": 1300.0}, "overhead_w: 1300 is too much of 1380 W"),
        (
            {
                "overhead_w": 150.0,
                "charging_curve": (facts.CurveCorner(soc_percent=100, max_power_w=100),),
            },
            "overhead_w: 150 is too much of 100 W",
        ),
        (
            {"charging_curve": (facts.CurveCorner(soc_percent=100, max_power_w=0.5),)},
            "charging_curve: 0.5 W is below 1",
        ),
    ],
)
def test_a_car_that_loses_all_that_it_draws_is_no_fact_to_plan_with(
    update: dict[str, object], complaint: str
) -> None:
    assert implausible(STATION) is None
    assert implausible(STATION.model_copy(update=update)) == complaint


def test_near_full_the_plan_expects_what_is_drawn_and_not_what_is_offered() -> None:
    info = STATION.model_copy(
        update={
            "charging_curve": (
                facts.CurveCorner(soc_percent=80, max_power_w=7360),
                facts.CurveCorner(soc_percent=100, max_power_w=1000),
            )
        }
    )
    found = known(base_load=loads(500, None))
    station = found.station("car1")
    station.info, station.soc_percent = info, 85.0
    station.goal = facts.Goal(mode=facts.Mode.NOW, target_soc_percent=100)
    station.mode = facts.Mode.NOW
    built = situation(found)

    plan = plan_jointly(built, NOW, StrategySettings())
    [car], [planned] = built.cars, plan.stations
    course = course_of(planned, car)

    for slot in planned.charging_slots:
        end_percent = course.soc_percent_at(slot.end_at - timedelta(milliseconds=1))
        assert end_percent <= 100.1
    assert planned.expected_energy_wh > 0.9 * 0.15 * 46_300 / 0.9


def test_a_tariff_of_peaks_and_the_months_highest_hours_reach_the_planner() -> None:
    site = SITE.model_copy(
        update={"peak_price_per_kw": 80.0, "peak_hours": 3, "peaks_so_far_w": (7000.0, 5000.0)}
    )

    built = situation(known(site=site)).site

    assert (built.peak_price_per_kw, built.peak_hours) == (80, 3)
    assert (built.peaks_so_far_w, built.peak_so_far_w) == ((7000, 5000), 7000)


def test_a_month_without_peaks_yet_begins_at_nothing() -> None:
    site = SITE.model_copy(update={"peak_price_per_kw": 80.0, "peaks_so_far_w": ()})

    built = situation(known(site=site)).site

    assert (built.peak_hours, built.peaks_so_far_w, built.peak_so_far_w) == (1, (), 0)


def test_emissions_and_their_weight_reach_the_planner() -> None:
    site = SITE.model_copy(update={"co2_price_per_kg": 2.0})
    found = known(site=site, price=prices(co2_g_per_kwh=45.0))

    assert situation(found).site.co2_price_per_kg == 2
    assert first(found).co2_g_per_kwh == 45
    assert situation(found).slots[-1].co2_g_per_kwh == 45


def highest_hour_wh(found: Facts) -> float:
    [planned] = plan_jointly(situation(found), NOW, StrategySettings()).stations
    hours: dict[datetime, float] = {}
    for slot in planned.slots:
        hour = slot.start_at.replace(minute=0, second=0, microsecond=0)
        hours[hour] = hours.get(hour, 0.0) + slot.expected_energy_wh
    return max(hours.values())


def test_the_more_was_drawn_this_month_the_more_may_be_drawn_in_an_hour() -> None:
    highest = [
        highest_hour_wh(
            known(
                site=SITE.model_copy(update={"peak_price_per_kw": 80.0, "peaks_so_far_w": so_far})
            )
        )
        for so_far in ((), (4000.0,), (6000.0,))
    ]

    assert highest[0] < highest[1] < highest[2]


def test_what_is_not_said_leaves_site_and_car_at_their_defaults() -> None:
    built = situation(known())

    [car] = built.cars
    plain = Car(
        station_id="car1", battery_capacity_wh=46_300, soc_percent=20, target_soc_percent=80,
        max_power_w=7360,
    )  # fmt: skip
    for name in ("taper", "high_soc_percent", "high_soc_price_per_kwh_h", "overhead_w"):
        assert getattr(car, name) == getattr(plain, name)
    assert (built.site.peak_price_per_kw, built.site.peak_hours) == (0, 1)
    assert built.site.co2_price_per_kg == Site(max_power_w=None).co2_price_per_kg
