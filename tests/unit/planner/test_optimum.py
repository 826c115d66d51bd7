"""How near the joint planner comes to the exact optimum, and that its bound is one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planner_cases import random_case, recorded
from unit.planner.cases import NOW, car_needing, slots_of, small_cases
from unit.planner.exact import exact_optimum
from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.exact import Limits, calmest, cheapest
from wattbus_scheduler.optimal.grid import problem_of
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Programme
from wattbus_scheduler.optimal.tasks import settled, tasks_of
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.plan_file import parse_slot_scenario
from wattbus_scheduler.scenario import Scenario
from wattbus_scheduler.situation import Site, Situation
from wattbus_scheduler.strategies import StrategySettings, strategy_named
from wattbus_scheduler.verify import violations

ONLY_COST = StrategySettings(start_price=0.0)


def planned(situation: Situation, figures: StrategySettings = ONLY_COST) -> Plan:
    return strategy_named("optimal")(situation, NOW, figures)


def problem_and_bound(scenario: Scenario) -> tuple[Problem, float]:
    already = settled(scenario.situation, scenario.now)
    tasks = tasks_of(scenario.situation, scenario.now, already)
    problem = problem_of(scenario.situation, scenario.now, already.pieces, tasks)
    programme = Programme(problem)
    programme.solve()
    return problem, lower_bound(problem, programme.answer())


def unmet_kwh(plan: Plan) -> float:
    return sum(station.shortfall_wh for station in plan.stations) / 1000


def starts(plan: Plan) -> int:
    return sum(station.starts for station in plan.stations)


@settings(max_examples=40, deadline=None)
@given(situation=small_cases())
def test_no_less_is_delivered_than_by_the_exact_optimum(situation: Situation) -> None:
    exact = exact_optimum(situation, 0.0)
    plan = planned(situation)

    assert violations(plan, situation) == []
    assert unmet_kwh(plan) <= exact.unmet_kwh + 0.02
    assert plan.lower_bound is not None
    if exact.unmet_kwh < 1e-6 and unmet_kwh(plan) < 1e-6:
        assert plan.lower_bound <= exact.cost + 1e-6
        assert plan.expected_cost <= exact.cost * 1.05 + 0.03


@settings(max_examples=25, deadline=None)
@given(situation=small_cases(), start_price=st.sampled_from([0.05, 0.3]))
def test_cost_and_starts_together_are_near_the_exact_optimum(
    situation: Situation, start_price: float
) -> None:
    exact = exact_optimum(situation, start_price)
    plan = planned(situation, StrategySettings(start_price=start_price))

    assert violations(plan, situation) == []
    if exact.unmet_kwh < 1e-6 and unmet_kwh(plan) < 1e-6:
        best = exact.cost + exact.starts * start_price
        assert plan.expected_cost + starts(plan) * start_price <= best * 1.05 + 0.03


@pytest.mark.parametrize("document", recorded(), ids=lambda document: document["name"])
def test_recorded_scenarios_stay_within_a_thousandth_of_the_bound(document: dict) -> None:  # type: ignore[type-arg] # JSON
    scenario = parse_slot_scenario(document)
    plan = planned(scenario.situation)

    assert violations(plan, scenario.situation) == []
    assert plan.lower_bound is not None
    assert unmet_kwh(plan) == 0
    assert plan.lower_bound <= plan.expected_cost <= plan.lower_bound * 1.001


@pytest.mark.parametrize("document", recorded(), ids=lambda document: document["name"])
def test_recorded_scenarios_are_calm_for_half_a_percent(document: dict) -> None:  # type: ignore[type-arg] # JSON
    scenario = parse_slot_scenario(document)
    plan = planned(scenario.situation, StrategySettings())

    assert violations(plan, scenario.situation) == []
    assert plan.lower_bound is not None
    assert unmet_kwh(plan) == 0
    assert plan.expected_cost <= plan.lower_bound * 1.005
    # In E not even the exact optimum has 1.2 starts a car at half a percent: 24 cost 0.62 %.
    most = 1.5 if document["name"].startswith("E") else 1.25
    assert starts(plan) <= most * len(scenario.situation.cars)


@pytest.mark.parametrize("cars", [1, 2, 5, 10])
def test_random_cases_stay_within_their_shares(cars: int) -> None:
    for seed in range(4):
        scenario = parse_slot_scenario(random_case(cars, 96, seed))
        bare, calm = (
            planned(scenario.situation, figures) for figures in (ONLY_COST, StrategySettings())
        )
        for plan, share in ((bare, 0.002), (calm, 0.005)):
            assert violations(plan, scenario.situation) == []
            assert plan.lower_bound is not None
            assert unmet_kwh(plan) == 0
            assert plan.expected_cost <= plan.lower_bound * (1 + share)
        assert starts(calm) <= starts(bare) + 1


@pytest.mark.parametrize("seed", range(4))
def test_a_car_alone_starts_at_most_once_more_than_it_has_to(seed: int) -> None:
    scenario = parse_slot_scenario(random_case(1, 96, seed))
    plan = planned(scenario.situation, StrategySettings())
    once_less = starts(plan) - 1
    problem, bound = problem_and_bound(scenario)

    fewest = calmest(problem, bound * 1.005, None, Limits(2000))

    assert fewest is not None
    assert fewest.is_optimal
    found = int(problem.starts(fewest.on).sum())
    assert once_less <= found
    assert found - 1 <= fewest.fewest <= min(found, starts(plan))


@settings(max_examples=20, deadline=None)
@given(situation=small_cases(most_cars=2))
def test_a_higher_fuse_never_costs_more_within_the_gap(situation: Situation) -> None:
    lower = planned(situation)
    higher_site = replace(
        situation.site,
        max_power_w=None
        if situation.site.max_power_w is None
        else situation.site.max_power_w + 3000,
        fuse_current_a=None
        if situation.site.fuse_current_a is None
        else situation.site.fuse_current_a + 10,
    )
    higher = planned(replace(situation, site=higher_site))

    assert unmet_kwh(higher) <= unmet_kwh(lower) + 0.02
    if unmet_kwh(lower) < 1e-6:
        assert higher.expected_cost <= lower.expected_cost * 1.05 + 0.03


@settings(max_examples=20, deadline=None)
@given(situation=small_cases(most_cars=2), more=st.integers(1, 3))
def test_a_longer_stay_never_costs_more_within_the_gap(situation: Situation, more: int) -> None:
    short = planned(situation)
    longer_cars = tuple(
        replace(car, departure_at=car.departure_at + more * timedelta(minutes=30))
        for car in situation.cars
        if car.departure_at is not None
    )
    longer = planned(replace(situation, cars=longer_cars))

    assert unmet_kwh(longer) <= unmet_kwh(short) + 0.02
    if unmet_kwh(short) < 1e-6:
        assert longer.expected_cost <= short.expected_cost * 1.05 + 0.03


def test_little_need_is_planned_by_quarters_however_long_the_stay() -> None:
    """By half hours the cars miss each other: the small one cannot be in both, and 0.16 is paid."""
    arrival = NOW + timedelta(minutes=30)
    site = Site(max_power_w=None, fuse_current_a=20, phases=3)
    for hours in (1, 2.5):
        stay = {
            "is_plugged_in": False,
            "arrival_at": arrival,
            "departure_at": arrival + timedelta(hours=hours),
        }
        cars = (
            car_needing(6.003, "car0", **stay),
            car_needing(1.311, "car1", phases=(1,), max_power_w=3680, **stay),
        )
        plan = planned(Situation(site, slots_of([0.01, 0.01, 0.04, 0.04], [0] * 4), cars))

        assert unmet_kwh(plan) == 0
        assert plan.expected_cost == pytest.approx(0.127, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(situation=small_cases(most_cars=2), factor=st.sampled_from([0.25, 3.0, 10.0]))
def test_scaled_prices_scale_the_cost_and_the_bound(situation: Situation, factor: float) -> None:
    scaled_slots = tuple(
        replace(slot, price_per_kwh=(slot.price_per_kwh or 0.0) * factor)
        for slot in situation.slots
    )
    once, scaled = planned(situation), planned(replace(situation, slots=scaled_slots))

    assert scaled.expected_cost == pytest.approx(once.expected_cost * factor, rel=1e-9, abs=1e-9)
    assert unmet_kwh(scaled) == pytest.approx(unmet_kwh(once), abs=1e-9)
    assert once.lower_bound is not None
    assert scaled.lower_bound is not None
    assert scaled.lower_bound == pytest.approx(once.lower_bound * factor, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("factor", [1e-4, 0.3, 3.0, 100.0])
def test_the_currency_of_the_prices_changes_no_plan(factor: float) -> None:
    scenario = parse_slot_scenario(random_case(5, 96, 1))
    situation = scenario.situation
    slots = tuple(
        replace(slot, price_per_kwh=(slot.price_per_kwh or 0.0) * factor)
        for slot in situation.slots
    )
    once, scaled = (
        planned(one, StrategySettings()) for one in (situation, replace(situation, slots=slots))
    )

    for first, second in zip(once.stations, scaled.stations, strict=True):
        assert [slot.limit_w for slot in first.charging_slots] == [
            slot.limit_w for slot in second.charging_slots
        ]
    assert scaled.expected_cost == pytest.approx(once.expected_cost * factor, rel=1e-9)


def test_a_crowded_hour_is_left_to_the_car_that_has_no_other() -> None:
    """Fixing car by car, a search leaves 0.22 kWh out here; all of it fits."""
    prices, loads = [0.03, 0.03, 0.33, 0.41, 0.53, 0.59, 0.51], [3884, 4, 1986, 427, 557, 1942, 552]
    site = Site(max_power_w=None, fuse_current_a=20, phases=3)
    one_phase = {"phases": (2,), "max_power_w": 3680}
    comes_at = NOW + timedelta(hours=1)
    cars = (
        car_needing(
            2.208, "car0", **one_phase,
            is_plugged_in=False, arrival_at=comes_at, departure_at=NOW + timedelta(hours=2.5),
        ),
        car_needing(7.452, "car1", departure_at=NOW + timedelta(hours=3.5)),
        car_needing(2.967, "car2", **one_phase, departure_at=NOW + timedelta(hours=1)),
    )  # fmt: skip
    situation = Situation(site, slots_of(prices, loads), cars)

    assert unmet_kwh(planned(situation)) == 0


def test_the_same_situation_gives_the_same_plan() -> None:
    scenario = parse_slot_scenario(random_case(6, 96, 3))

    assert planned(scenario.situation) == planned(scenario.situation)


def test_two_cars_share_a_fuse_better_than_one_after_the_other() -> None:
    """A car with all night must leave the one cheap hour to the car that goes at its end."""
    hour = timedelta(hours=1)
    slots = slots_of([0.1, 0.2, 0.9], [0, 0, 0], hour)
    site = Site(max_power_w=11_040, phases=3)
    early = car_needing(11.04, "early", departure_at=NOW + hour)
    late = car_needing(11.04, "late", departure_at=NOW + 3 * hour)
    plan = planned(Situation(site, slots, (late, early)))

    assert unmet_kwh(plan) == 0
    assert plan.expected_cost == pytest.approx(11.04 * 0.3, abs=1e-4)
    assert plan.lower_bound == pytest.approx(11.04 * 0.3, abs=1e-4)


@pytest.mark.parametrize("cars", [1, 4, 10])
def test_losses_while_charging_do_not_cost_the_calm(cars: int) -> None:
    scenario = parse_slot_scenario(random_case(cars, 96, 3))
    lossy = tuple(replace(car, overhead_w=200.0) for car in scenario.situation.cars)
    situation = replace(scenario.situation, cars=lossy)

    calm, least = (
        strategy_named("optimal")(situation, scenario.now, figures)
        for figures in (StrategySettings(), ONLY_COST)
    )

    assert violations(calm, situation) == []
    assert starts(calm) <= 1.5 * cars
    assert calm.expected_cost <= least.expected_cost * 1.01


@pytest.mark.parametrize("peaks", [1, 3])
def test_the_calmest_plan_is_found_beside_peaks_that_there_were(peaks: int) -> None:
    scenario = parse_slot_scenario(random_case(1, 96, 1))
    site = replace(
        scenario.situation.site,
        peak_price_per_kw=2.0,
        peak_hours=peaks,
        peaks_so_far_w=(9000.0, 8000.0, 7000.0)[:peaks],
    )
    problem, bound = problem_and_bound(
        replace(scenario, situation=replace(scenario.situation, site=site))
    )

    least = cheapest(problem, 0.0, None, Limits(200))
    assert least is not None
    calm = calmest(problem, 1.005 * least.cost, None, Limits(200))

    assert calm is not None
    assert bound - 1e-6 <= least.cost <= calm.cost <= 1.005 * least.cost + 1e-6
    assert problem.starts(calm.on).sum() < problem.starts(least.on).sum()
    assert calm.fewest <= problem.starts(calm.on).sum()
    assert least.fewest == 0
