"""Mixes of whole schedules, and what earlier answers prove: beside what is solved in full."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planner_cases import random_case
from unit.planner.cases import NOW, small_cases
from wattbus_scheduler.headroom import pieces_from
from wattbus_scheduler.optimal import search as searching
from wattbus_scheduler.optimal import small
from wattbus_scheduler.optimal.columns import Schedules, cheapest_schedules
from wattbus_scheduler.optimal.effort import Effort
from wattbus_scheduler.optimal.grid import problem_of
from wattbus_scheduler.optimal.mixing import Mixer
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.search import Search
from wattbus_scheduler.optimal.solution import fitted, fixed
from wattbus_scheduler.optimal.tasks import settled, tasks_of
from wattbus_scheduler.plan_file import parse_slot_scenario
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies import StrategySettings, strategy_named

START_PRICE = 0.1


def problem_for(situation: Situation, now: object = NOW) -> Problem:
    tasks = tasks_of(situation, now, settled(situation, now))
    problem = problem_of(situation, now, pieces_from(situation, now), tasks)
    return replace(problem, start_price=START_PRICE)


def random_problem(cars: int, slots: int, seed: int) -> Problem:
    scenario = parse_slot_scenario(random_case(cars, slots, seed))
    return problem_for(scenario.situation, scenario.now)


def relaxed_of(problem: Problem) -> Answer:
    programme = Programme(problem)
    programme.solve()
    return programme.answer()


def schedules_for(problem: Problem, relaxed: Answer) -> Schedules:
    price = relaxed.reduced + relaxed.need_price[:, None]
    return cheapest_schedules(problem, price, relaxed.need_price, START_PRICE)[0]


@settings(max_examples=100, deadline=None)
@given(situation=small_cases())
def test_a_schedule_keeps_its_cars_limits_and_meets_the_need_or_counts_what_is_missing(
    situation: Situation,
) -> None:
    problem = problem_for(situation)
    found = schedules_for(problem, relaxed_of(problem))

    for car, on, energy, starts, cost in zip(
        found.car, found.on, found.energy_kwh, found.starts, found.cost, strict=True
    ):
        assert not (on & ~problem.is_usable[car]).any()
        assert (energy[~on] == 0).all()
        assert (energy[on] >= problem.low_kwh[car][on] - 1e-9).all()
        assert (energy[on] <= problem.high_kwh[car][on] + 1e-9).all()
        needed = problem.need_kwh[car] + problem.overhead_kw[car] * problem.hours[on].sum()
        missing = needed - energy.sum()
        assert missing >= -1e-6
        begins = [at for at in np.flatnonzero(on) if not (at and on[at - 1])]
        assert starts == sum(not problem.is_free_start[car, at] for at in begins)
        spared = min(missing, problem.reserve_kwh[car])
        lost = spared * problem.reserve_price + (missing - spared) * problem.unmet_price
        assert cost == pytest.approx(energy @ problem.price + lost, abs=1e-6)


@pytest.mark.parametrize("seed", [0, 2, 7])
def test_a_mix_fits_better_where_cars_fixed_one_by_one_leave_energy_out(seed: int) -> None:
    problem = random_problem(20, 192, seed)
    relaxed, effort = relaxed_of(problem), Effort()

    one_by_one = fixed(problem, relaxed, START_PRICE, effort)
    mixed = fitted(problem, Mixer(problem, relaxed, effort).mixed(START_PRICE), effort)

    missed, left = (joint.cost - relaxed.objective for joint in (one_by_one, mixed))
    assert missed > 2 * relaxed.objective
    assert left < 0.25 * missed


def test_a_dearer_start_leads_to_fewer_of_them() -> None:
    problem = random_problem(20, 192, 2)
    relaxed, effort = relaxed_of(problem), Effort()
    mixer = Mixer(problem, relaxed, effort)

    starts = [
        int(problem.starts(fitted(problem, mixer.mixed(price), effort).on).sum())
        for price in (0.2, 0.02)
    ]

    assert starts[0] < starts[1]


def test_the_same_mix_comes_out_again() -> None:
    problem = random_problem(10, 96, 1)
    relaxed = relaxed_of(problem)

    first, second = (Mixer(problem, relaxed, Effort()).mixed(START_PRICE) for _ in range(2))

    assert np.array_equal(first, second)


def test_nothing_is_mixed_when_the_time_is_up() -> None:
    problem = random_problem(10, 96, 1)

    mixed = Mixer(problem, relaxed_of(problem), Effort(stop_at_s=0.0)).mixed(START_PRICE)

    assert not mixed.any()


def search_on(problem: Problem) -> Search:
    effort = Effort()
    search = Search(problem, Programme(problem), effort)
    search.set_patterns(Mixer(problem, relaxed_of(problem), effort).mixed(START_PRICE))
    return search


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), choices=st.randoms(use_true_random=False))
def test_no_pattern_costs_less_than_earlier_answers_prove(seed: int, choices: object) -> None:
    problem = random_problem(4, 48, seed)
    search = search_on(problem)
    search.improve()

    for _ in range(12):
        car = choices.randrange(problem.cars)
        on = search.on[car].copy()
        at = choices.randrange(problem.pieces)
        on[at : at + choices.randrange(1, 6)] ^= True
        on &= problem.is_usable[car]
        least = search.proofs.least(car, on.astype(float) - search.on[car])
        search.programme.fix(car, on)
        cost = search.programme.solve()
        assert not search.programme.is_solved or cost >= least - 1e-5
        search.programme.fix(car, search.on[car])


def test_a_proof_is_the_cost_itself_for_the_pattern_that_it_came_from() -> None:
    problem = random_problem(4, 48, 1)
    search = search_on(problem)
    car = int(np.flatnonzero(search.on.any(axis=1))[0])
    nothing = np.zeros(problem.pieces, dtype=bool)

    assert not search.try_change(car, nothing)

    least = search.proofs.least(car, nothing.astype(float) - search.on[car])
    search.programme.fix(car, nothing)
    assert least == pytest.approx(search.programme.solve(), rel=1e-9)
    assert least > search.total


def test_proofs_spare_programmes_and_change_no_plan_for_the_worse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def improved() -> tuple[float, int]:
        search = search_on(random_problem(10, 96, 3))
        search.improve()
        return search.total, search.effort.tally.solves

    total, solves = improved()
    monkeypatch.setattr(searching.Search, "_is_hopeless", lambda *_: False)
    total_without, solves_without = improved()

    assert solves < 0.8 * solves_without
    assert total == pytest.approx(total_without, rel=2e-3)


@pytest.mark.parametrize(
    ("cars", "figures"),
    [(5, StrategySettings(start_price=0.1)), (5, StrategySettings()), (10, StrategySettings())],
)
def test_no_whole_number_programme_is_asked_that_would_take_seconds(
    cars: int, figures: StrategySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for name in ("cheapest", "calmest"):
        monkeypatch.setattr(small, name, lambda problem, *_: asked.append(problem))
    scenario = parse_slot_scenario(random_case(cars, 96, 8))

    strategy_named("optimal")(scenario.situation, scenario.now, figures)

    assert asked == []
