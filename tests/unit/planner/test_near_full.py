"""Cars that take less near full: the room that they do not take goes to the others."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.planner_cases import near_full
from wattbus_scheduler.optimal import schedule
from wattbus_scheduler.plan import Plan, PlannedSlot, StationPlan
from wattbus_scheduler.situation import Car, Situation
from wattbus_scheduler.strategies import StrategySettings, strategy_named
from wattbus_scheduler.verify import violations


def crowded(cars: int, seed: int, fuse: float = 1.0) -> Situation:
    """Return cars that charge to the full under a tight fuse, or one so many times as large."""
    situation = near_full(cars, 96, seed).situation
    assert situation.site.max_power_w is not None
    site = replace(situation.site, max_power_w=fuse * situation.site.max_power_w)
    return replace(situation, site=site)


def planned(situation: Situation, **figures: float) -> Plan:
    now = situation.slots[0].start_at
    plan = strategy_named("optimal")(situation, now, StrategySettings(**figures))
    assert violations(plan, situation) == []
    return plan


def above_bound(plan: Plan) -> float:
    assert plan.lower_bound is not None
    return plan.expected_cost / plan.lower_bound - 1


def missing_wh(plan: Plan) -> float:
    return sum(station.shortfall_wh for station in plan.stations)


def total_cost(cars: int, seeds: range) -> float:
    return sum(planned(crowded(cars, seed)).expected_cost for seed in seeds)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cars", [2, 4, 10])
def test_a_full_fuse_costs_cars_near_full_little(cars: int, seed: int) -> None:
    plan = planned(crowded(cars, seed))

    assert missing_wh(plan) == 0
    assert above_bound(plan) <= 0.025


def test_with_the_full_offer_to_the_end_it_would_cost_much_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cost = total_cost(4, range(4))
    monkeypatch.setattr(schedule, "OFFER_ROUNDS", 0)

    assert total_cost(4, range(4)) > 1.1 * cost


def test_what_full_offers_leave_no_room_for_arrives_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    situation = crowded(4, 2, fuse=0.7)
    assert missing_wh(planned(situation)) == 0
    monkeypatch.setattr(schedule, "OFFER_ROUNDS", 0)

    assert missing_wh(planned(situation)) > 1000


def test_whoever_was_offered_too_little_is_helped_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cost = total_cost(10, range(2))
    monkeypatch.setattr(schedule, "finished", lambda _situation, _tasks, allocation: allocation)

    # Schedules in which something is missing then are not taken.
    assert total_cost(10, range(2)) > 1.05 * cost


@pytest.mark.parametrize("time_limit_s", [0.02, 0.2, 0.5])
def test_a_time_limit_leaves_a_plan_that_keeps_the_rules(time_limit_s: float) -> None:
    plan = planned(crowded(10, 1), time_limit_s=time_limit_s)

    assert any(station.charging_slots for station in plan.stations)


def test_where_there_is_room_the_offer_stays_what_the_station_can_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "NEAR_ENOUGH", -1.0)
    situation = crowded(3, 0, fuse=10.0)
    plan = planned(situation)

    offers = 0
    for car, station in zip(situation.cars, plan.stations, strict=True):
        for slot, soc_percent in socs(car, station):
            takes_w = 11_040 - (soc_percent - 80) / 20 * 8_040
            if soc_percent > 80 and slot.limit_w >= takes_w:
                offers += 1
                assert slot.limit_w == car.max_power_w
    assert offers > 10


def socs(car: Car, station: StationPlan) -> Iterator[tuple[PlannedSlot, float]]:
    """Yield the charging slots, each with the state of charge at its start in percent."""
    held_wh = 0.0
    for slot in station.charging_slots:
        held_percent = held_wh * car.efficiency / car.battery_capacity_wh * 100
        yield slot, car.soc_percent + held_percent
        held_wh += slot.expected_energy_wh
