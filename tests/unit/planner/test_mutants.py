"""A planner that has lost one of its constraints is caught by the verifier, and only then."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from unit.planner.cases import NOW, car_needing, slots_of
from wattbus_scheduler.optimal import delivered, grid, job, schedule, strategy, stretches, tasks
from wattbus_scheduler.optimal.power import Power
from wattbus_scheduler.optimal.problem import Problem
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import CarMode, Site, Situation
from wattbus_scheduler.strategies import StrategySettings, strategy_named
from wattbus_scheduler.verify import violations

HOUR = timedelta(hours=1)


def crowded() -> Situation:
    """Three cars that all want the two cheap hours, under a tight fuse in total and per phase."""
    slots = slots_of([0.9, 0.1, 0.11, 0.8, 0.85, 0.9], [1500, 800, 700, 900, 1200, 1500], HOUR)
    site = Site(max_power_w=22_000, fuse_current_a=35, phases=3)
    cars = (
        car_needing(17.0, "three", current_step_a=1, departure_at=NOW + 5 * HOUR),
        car_needing(6.1, "first", phases=(1,), max_power_w=3680, current_step_a=1),
        car_needing(
            5.3,
            "later",
            phases=(2,),
            max_power_w=3680,
            is_plugged_in=False,
            arrival_at=NOW + 2 * HOUR,
            departure_at=NOW + 5 * HOUR,
        ),
        car_needing(5.0, "second", phases=(1,), max_power_w=3680),
    )
    return Situation(site, slots, cars)


def planned(situation: Situation, **figures: Any) -> Plan:
    return strategy_named("optimal")(situation, NOW, StrategySettings(**figures))


def rules_broken(situation: Situation) -> set[str]:
    return {violation.rule for violation in violations(planned(situation), situation)}


def changed(change: Callable[[Problem], Problem]) -> Callable[..., Problem]:
    original = grid.problem_of

    def mutant(*arguments: Any) -> Problem:
        return change(original(*arguments))

    return mutant


def without_rows(problem: Problem) -> Problem:
    most = np.broadcast_to(problem.max_kw.max(axis=1)[:, None], problem.max_kw.shape)
    return replace(problem, cap_kw=np.full_like(problem.cap_kw, 1e3), max_kw=most)


def always_there(problem: Problem) -> Problem:
    return replace(problem, is_usable=np.ones_like(problem.is_usable))


def hungry(problem: Problem) -> Problem:
    return replace(problem, need_kwh=problem.need_kwh * 1.2)


def too_lossy(problem: Problem) -> Problem:
    return replace(problem, overhead_kw=3 * problem.overhead_kw)


def only_total(situation: Situation) -> Situation:
    return replace(situation, site=Site(max_power_w=13_000, phases=3))


def only_phases(situation: Situation) -> Situation:
    return replace(situation, site=replace(situation.site, max_power_w=None))


def as_it_is(situation: Situation) -> Situation:
    return situation


def test_the_sound_planner_breaks_no_rule() -> None:
    assert rules_broken(crowded()) == set()


@pytest.mark.parametrize(
    ("change", "place", "rule"),
    [
        (without_rows, only_total, "fuse-total"),
        (without_rows, only_phases, "fuse-phase"),
        (always_there, as_it_is, "window"),
        (hungry, as_it_is, "target"),
    ],
)
def test_a_planner_without_a_constraint_is_caught(
    change: Callable[[Problem], Problem],
    place: Callable[[Situation], Situation],
    rule: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    situation = place(crowded())
    assert rules_broken(situation) == set()
    monkeypatch.setattr(job, "problem_of", changed(change))

    assert rule in rules_broken(situation)


def losing(situation: Situation) -> Situation:
    cars = tuple(replace(car, overhead_w=400.0) for car in situation.cars)
    return replace(situation, cars=cars)


def capped(situation: Situation) -> Situation:
    cars = tuple(replace(car, price_cap_per_kwh=0.2) for car in situation.cars)
    return replace(situation, cars=cars)


def tapering(situation: Situation) -> Situation:
    curve = ((70.0, 11_040.0), (100.0, 1_500.0))
    cars = tuple(replace(car, taper=curve) for car in situation.cars)
    return replace(situation, cars=cars)


def with_a_car_at_once(situation: Situation) -> Situation:
    site = replace(situation.site, max_power_w=14_000, fuse_current_a=None)
    first, *others = situation.cars
    cheap_first = slots_of([0.1, 0.9, 0.9], [800, 800, 800], HOUR)
    return Situation(site, cheap_first, (replace(first, mode=CarMode.NOW), *others))


def without_caps(situation: Situation, now: Any, pieces: Any, tasks: Any) -> Problem:
    free = [replace(task, car=replace(task.car, price_cap_per_kwh=None)) for task in tasks]
    return grid.problem_of(situation, now, pieces, free)


def without_promises(situation: Situation, now: Any, pieces: Any, tasks: Any) -> Problem:
    empty = [replace(piece, used_w=(0.0,) * len(piece.used_w)) for piece in pieces]
    return grid.problem_of(situation, now, empty, tasks)


def without_house(situation: Situation, now: Any, pieces: Any, tasks: Any) -> Problem:
    return grid.problem_of(
        situation, now, [replace(piece, house_load_w=0.0) for piece in pieces], tasks
    )


def forget_the_taper(patch: pytest.MonkeyPatch) -> None:
    def all_of_it(_car: Any, stretches: Any, _most_wh: float) -> list[Any]:
        return list(stretches)

    for module in (delivered, tasks):
        patch.setattr(module, "drawn", all_of_it)
    patch.setattr(tasks, "need_as_time_wh", lambda _, need_wh: need_wh)
    patch.setattr(strategy, "Filling", Lossless)


class Lossless:
    """A battery that takes whatever it is offered."""

    def __init__(self, car: Any) -> None:
        pass

    def take(self, offered_w: float, hours: float, _: float) -> tuple[float, float]:
        return offered_w * hours, hours


@pytest.mark.parametrize(
    ("place", "forget", "rules"),
    [
        (
            losing,
            lambda patch: patch.setattr(job, "problem_of", changed(too_lossy)),
            {"target"},
        ),
        (capped, lambda patch: patch.setattr(job, "problem_of", without_caps), {"price-cap"}),
        (tapering, forget_the_taper, {"taper"}),
        (
            with_a_car_at_once,
            lambda patch: patch.setattr(job, "problem_of", without_promises),
            {"fuse-total"},
        ),
        (
            as_it_is,
            lambda patch: patch.setattr(job, "problem_of", without_house),
            {"fuse-total", "fuse-phase"},
        ),
    ],
    ids=["losses", "price-cap", "taper", "promised-power", "house"],
)
def test_a_planner_that_forgets_a_rule_is_caught(
    place: Callable[[Situation], Situation],
    forget: Callable[[pytest.MonkeyPatch], None],
    rules: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    situation = place(crowded())
    assert rules_broken(situation) == set()
    forget(monkeypatch)

    assert rules & rules_broken(situation)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda power: replace(power, step=0.0),
        lambda power: replace(power, least=power.least / 5),
        lambda power: replace(power, most=power.most * 1.5),
    ],
    ids=["steps", "least", "most"],
)
def test_a_planner_with_wrong_powers_is_caught(
    wrong: Callable[[Power], Power], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = grid.power_of
    for module in (delivered, grid, schedule, stretches):
        monkeypatch.setattr(module, "power_of", lambda car: wrong(right(car)))

    assert "power" in rules_broken(crowded())


def test_a_bound_that_is_none_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "lower_bound", lambda *_: 1e6)
    plan = planned(crowded())
    # The planner itself never states a bound above its cost; a liar would.
    liar = replace(plan, lower_bound=plan.expected_cost + 1)

    assert "bound" in {violation.rule for violation in violations(liar, crowded())}


@pytest.mark.parametrize("field", ["shortfall_wh", "expected_cost", "expected_energy_wh"])
def test_wrong_sums_are_caught(field: str) -> None:
    situation = crowded()
    plan = planned(situation)
    station = plan.stations[0]
    wrong = replace(station, **{field: getattr(station, field) + 5})
    rule = {"shortfall_wh": "shortfall", "expected_cost": "cost", "expected_energy_wh": "energy"}

    found = violations(replace(plan, stations=(wrong, *plan.stations[1:])), situation)

    assert {violation.rule for violation in found} == {rule[field]}
