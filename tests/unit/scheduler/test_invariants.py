"""What holds for every strategy in every situation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.scheduler.situations import NOW, cars, situations, slot_lists, worst_overload_w
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.scenario import load_scenario
from wattbus_scheduler.situation import CarMode, Site, Situation, Slot
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings

FIGURES = StrategySettings()
every_strategy = pytest.mark.parametrize("strategy", sorted(STRATEGIES))


def planned(strategy: str, situation: Situation, figures: StrategySettings = FIGURES) -> Plan:
    return STRATEGIES[strategy](situation, NOW, figures)


@every_strategy
@settings(max_examples=150, deadline=None)
@given(situation=situations())
def test_house_and_chargers_never_exceed_the_fuse(strategy: str, situation: Situation) -> None:
    assert worst_overload_w(planned(strategy, situation), situation) <= 1e-3


@every_strategy
@settings(max_examples=100, deadline=None)
@given(situation=situations())
def test_no_car_charges_while_it_is_away_or_off(strategy: str, situation: Situation) -> None:
    plan = planned(strategy, situation)

    for car in situation.cars:
        station = plan.station(car.station_id)
        assert station is not None
        for slot in station.charging_slots:
            assert car.mode is not CarMode.OFF
            assert car.is_plugged_in or (car.arrival_at is not None)
            if not car.is_plugged_in:
                assert car.arrival_at is not None
                assert slot.start_at >= car.arrival_at - timedelta(milliseconds=2)
            if car.departure_at is not None and car.departure_at > NOW:
                arrival = car.arrival_at if not car.is_plugged_in else NOW
                if arrival is not None and car.departure_at > arrival:
                    assert slot.end_at <= car.departure_at + timedelta(milliseconds=2)


@every_strategy
@settings(max_examples=100, deadline=None)
@given(situation=situations())
def test_no_car_is_charged_above_its_target_and_what_is_missing_is_stated(
    strategy: str, situation: Situation
) -> None:
    plan = planned(strategy, situation)

    for car in situation.cars:
        station = plan.station(car.station_id)
        assert station is not None
        needed_wh = car.grid_energy_to_wh(car.target_soc_percent)
        delivered_wh = sum(slot.expected_energy_wh for slot in station.slots)
        assert delivered_wh <= needed_wh + 0.01
        if car.mode is not CarMode.OFF:
            assert delivered_wh + station.shortfall_wh == pytest.approx(needed_wh, abs=0.6)


@every_strategy
@settings(max_examples=60, deadline=None)
@given(situation=situations())
def test_slots_follow_each_other_and_each_has_its_reason(
    strategy: str, situation: Situation
) -> None:
    plan = planned(strategy, situation)

    for station in plan.stations:
        for slot in station.slots:
            assert slot.duration_s > 0
            assert (slot.limit_w > 0) == slot.reason.code.startswith("charging")
            assert slot.reason.text.split(":")[0] in {
                "charging", "waiting", "paused", "done", "off", "away",
            }  # fmt: skip
        for earlier, later in zip(station.slots, station.slots[1:], strict=False):
            assert (later.start_at - earlier.end_at).total_seconds() >= -0.002


@every_strategy
@settings(max_examples=60, deadline=None)
@given(situation=situations(most_cars=2), factor=st.sampled_from([1e-3, 0.25, 3.0, 100.0]))
def test_a_scaled_price_scales_the_cost(strategy: str, situation: Situation, factor: float) -> None:
    situation = replace(
        situation, cars=tuple(replace(car, price_cap_per_kwh=None) for car in situation.cars)
    )
    scaled_slots = tuple(
        replace(s, price_per_kwh=None if s.price_per_kwh is None else s.price_per_kwh * factor)
        for s in situation.slots
    )
    scaled_figures = StrategySettings(FIGURES.price_threshold_per_kwh * factor)

    before = planned(strategy, situation)
    after = planned(strategy, replace(situation, slots=scaled_slots), scaled_figures)

    assert after.expected_cost == pytest.approx(before.expected_cost * factor, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), slots=slot_lists(), longer_min=st.integers(1, 300))
def test_a_longer_stay_never_costs_one_car_more(
    data: st.DataObject, slots: tuple[Slot, ...], longer_min: int
) -> None:
    stay = NOW + timedelta(minutes=data.draw(st.integers(10, 400)))
    fixed = {"mode": CarMode.SMART, "is_plugged_in": True, "min_soc_percent": 0.0}
    car = data.draw(cars(departure_at=stay, price_cap_per_kwh=None, **fixed))
    site = Site(max_power_w=11_000)
    short = planned("cheapest", Situation(site, slots, (car,)))
    longer_car = replace(car, departure_at=stay + timedelta(minutes=longer_min))
    longer = planned("cheapest", Situation(site, slots, (longer_car,)))

    assert longer.stations[0].shortfall_wh <= short.stations[0].shortfall_wh + 0.5
    has_unknown = any(slot.price_per_kwh is None for slot in slots)
    if short.stations[0].shortfall_wh == 0 and not has_unknown:
        assert longer.expected_cost <= short.expected_cost + 1e-6


def test_the_check_of_the_fuse_finds_a_plan_that_breaks_it() -> None:
    """The negative control: a plan made without the house must fail the check."""
    scenario = load_scenario("default-day")
    blind = replace(
        scenario.situation,
        slots=tuple(replace(slot, house_load_w=0.0) for slot in scenario.situation.slots),
        cars=(replace(scenario.situation.cars[0], target_soc_percent=100),),
    )
    plan = STRATEGIES["now"](blind, scenario.now, FIGURES)

    assert worst_overload_w(plan, blind) <= 0
    assert worst_overload_w(plan, scenario.situation) > 100
