"""Strategies that look at prices charge with the sun when that is cheap, and count it so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattbus_scheduler.plan import Plan, ReasonCode
from wattbus_scheduler.situation import Car, CarControl, Site, Situation, Slot
from wattbus_scheduler.strategies import strategy_named
from wattbus_scheduler.strategies.settings import StrategySettings
from wattbus_scheduler.verify import violations

NOW = datetime(2025, 6, 15, 6, 0, tzinfo=UTC)
SUNNY = range(5, 9)
GRID, SOLD = 1.0, 0.3


def slots(surplus_w: float) -> tuple[Slot, ...]:
    """Twelve hours at one price, with sun in the middle of them."""
    return tuple(
        Slot(
            NOW + timedelta(hours=hour), 3600, GRID, 900,
            surplus_w=surplus_w if hour in SUNNY else 0.0, feed_in_price_per_kwh=SOLD,
        )
        for hour in range(12)
    )  # fmt: skip


def a_car(station_id: str = "car1", **more: Any) -> Car:
    """It needs two hours at 7.4 kW."""
    return Car(
        station_id=station_id, battery_capacity_wh=37_000, soc_percent=40, target_soc_percent=80,
        max_power_w=7400, **more,
    )  # fmt: skip


def planned(strategy: str, *cars: Car, surplus_w: float, max_power_w: float = 25_000) -> Plan:
    situation = Situation(Site(max_power_w=max_power_w), slots(surplus_w), cars)
    plan = strategy_named(strategy)(situation, NOW, StrategySettings())
    assert not violations(plan, situation)
    return plan


def hours_of(plan: Plan, station_id: str = "car1") -> set[int]:
    (station,) = [one for one in plan.stations if one.station_id == station_id]
    return {
        round((slot.start_at - NOW) / timedelta(hours=1))
        for slot in station.slots
        if slot.limit_w > 0
    }


@pytest.mark.parametrize("strategy", ["cheapest", "threshold"])
def test_the_car_waits_for_the_sun(strategy: str) -> None:
    plan = planned(strategy, a_car(), surplus_w=8000)

    assert hours_of(plan)
    assert hours_of(plan) <= set(SUNNY)
    assert plan.stations[0].expected_cost == pytest.approx(14.8 * SOLD)


def test_what_the_roof_does_not_give_is_bought() -> None:
    plan = planned("cheapest", a_car(), surplus_w=3700)

    assert hours_of(plan) <= set(SUNNY)
    assert plan.stations[0].expected_cost == pytest.approx(14.8 * (SOLD + GRID) / 2)


def test_two_cars_do_not_take_the_same_sun() -> None:
    plan = planned("cheapest", a_car(), a_car("car2"), surplus_w=7400)

    assert hours_of(plan) | hours_of(plan, "car2") == set(SUNNY)
    assert plan.expected_cost == pytest.approx(2 * 14.8 * SOLD)


def test_without_a_roof_nothing_is_different() -> None:
    plan = planned("cheapest", a_car(), surplus_w=0)

    assert hours_of(plan) == {0, 1}
    assert plan.stations[0].expected_cost == pytest.approx(14.8 * GRID)


def test_the_reason_speaks_of_the_price_with_the_sun() -> None:
    reasons = {
        slot.reason.text for slot in planned("cheapest", a_car(), surplus_w=8000).stations[0].slots
    }

    assert any("30.00 öre" in text and text.startswith("charging") for text in reasons)
    assert any("70.00 öre" in text and text.startswith("waiting") for text in reasons), reasons


@pytest.mark.parametrize("strategy", ["cheapest", "threshold", "load", "price", "optimal"])
def test_above_its_cap_a_car_takes_what_the_roof_leaves_and_buys_nothing(strategy: str) -> None:
    car = a_car(control=CarControl.CURRENT, price_cap_per_kwh=0.5)
    plan = planned(strategy, car, surplus_w=4000)

    assert hours_of(plan)
    assert hours_of(plan) <= set(SUNNY)
    assert max(slot.limit_w for slot in plan.stations[0].slots) <= 4000
    assert plan.expected_cost == pytest.approx(plan.stations[0].expected_energy_wh / 1000 * SOLD)


@pytest.mark.parametrize("strategy", ["cheapest", "optimal"])
def test_surplus_that_sells_above_the_cap_is_not_taken(strategy: str) -> None:
    car = a_car(control=CarControl.CURRENT, price_cap_per_kwh=0.2)

    assert not hours_of(planned(strategy, car, surplus_w=8000))


@pytest.mark.parametrize("strategy", ["cheapest", "optimal"])
def test_two_cars_with_a_cap_share_the_surplus(strategy: str) -> None:
    cars = [
        a_car(name, control=CarControl.CURRENT, price_cap_per_kwh=cap)
        for name, cap in (("car1", 0.5), ("car2", 0.6))
    ]
    plan = planned(strategy, *cars, surplus_w=5000)

    assert hours_of(plan) | hours_of(plan, "car2") == set(SUNNY)
    assert sum(station.expected_energy_wh for station in plan.stations) > 0.85 * 4 * 5000


@pytest.mark.parametrize("strategy", ["cheapest", "optimal"])
def test_too_little_sun_for_the_charger_is_said_to_be_above_the_cap(strategy: str) -> None:
    car = a_car(control=CarControl.CURRENT, price_cap_per_kwh=0.5)
    plan = planned(strategy, car, surplus_w=1000)

    assert not hours_of(plan)
    assert {slot.reason.code for slot in plan.stations[0].slots} == {ReasonCode.PAUSED_PRICE_CAP}


def test_buying_beside_the_sun_above_the_cap_is_found_by_the_verifier() -> None:
    plan = planned("optimal", a_car(control=CarControl.CURRENT), surplus_w=4000)
    capped = a_car(control=CarControl.CURRENT, price_cap_per_kwh=0.5)

    found = violations(plan, Situation(Site(max_power_w=25_000), slots(4000), (capped,)))

    assert {violation.rule for violation in found} == {"price-cap"}


@pytest.mark.parametrize(
    ("surplus_w", "words"),
    [
        (8000, "charging: from the roof, selling it would bring 30.00 öre/kWh"),
        (3700, "charging: 50 % from the roof, so that it costs 65.00 öre/kWh"),
    ],
)
def test_the_joint_plan_says_what_the_roof_gives_and_what_that_costs(
    surplus_w: float, words: str
) -> None:
    plan = planned("optimal", a_car(), surplus_w=surplus_w)
    charging = [slot.reason.text for slot in plan.stations[0].slots if slot.limit_w > 0]
    waiting = [slot.reason.text for slot in plan.stations[0].slots if slot.limit_w <= 0]

    assert charging
    assert all(text.startswith(words) for text in charging), charging
    at_once = f"; at once would cost {14.8 * GRID - plan.expected_cost:.2f} kr more"
    assert all(text.endswith(at_once) for text in charging), charging
    cheaper = f"{100 * (GRID - plan.expected_cost / 14.8):.2f} öre/kWh cheaper"
    assert any(text.endswith(cheaper) for text in waiting), waiting
