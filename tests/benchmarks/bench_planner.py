"""The joint planner: cost above its proven bound, starts and time, beside HiGHS and other planners.

The bare relaxation and the exact integer optimum are solved in the same run; the figures of other
planners were recorded once on two cores and are repeated for comparison. Seconds are processor
time: planner and solver run in one thread, so on an idle machine that is how long it takes.
"""

import resource
import sys
import time
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.closed_loop import play, random_world, summary
from benchmarks.planner_cases import near_full, random_case, recorded
from benchmarks.results import emit, percentile
from unit.planner.exact import exact_optimum
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.plan_file import parse_slot_scenario
from wattbus_scheduler.scenario import Scenario
from wattbus_scheduler.strategies import StrategySettings, strategy_named
from wattbus_scheduler.verify import violations

PEERS = {
    "A-1ev": {"evcc optimizer": (6.155, None, 0.25), "EMHASS": (6.155, None, 0.15)},
    "B-2ev-20A": {"evcc optimizer": (9.366, None, 0.9), "EMHASS": (9.366, None, 0.2)},
    "C-5ev-25A": {"evcc optimizer": (18.711, 21, 1.1), "EMHASS": (18.711, 42, 0.7)},
    "D-10ev-63A": {"evcc optimizer": (56.365, 29, 2.7), "EMHASS": (56.365, 84, 1.1)},
    "E-20ev-100A-48h": {"evcc optimizer": (95.278, 92, 14.0), "EMHASS": (95.320, 123, 7.5)},
    "F-50ev-250A-48h": {"evcc optimizer": (231.127, None, 65.0), "EMHASS": (231.236, 276, 20.0)},
}
"""Cost, starts and seconds, recorded with their own default settings."""

SIZES = ((1, 96), (2, 96), (5, 96), (10, 96), (20, 192), (50, 192))
SEEDS = 20
NEAR_FULL_SIZES, NEAR_FULL_SEEDS = ((2, 96), (4, 96), (10, 96), (20, 192)), 8
ONLY_COST, CALM = StrategySettings(start_price=0.0), StrategySettings()


def main() -> None:
    """Measure everything and print one JSON document."""
    strategy_named("optimal")(*_asked(parse_slot_scenario(random_case(2, 48, 0))), CALM)
    emit(
        "planner",
        {
            "recorded": [_recorded(document) for document in recorded()],
            "random": [_random(cars, slots) for cars, slots in SIZES],
            "near_full": [_near_full(cars, slots) for cars, slots in NEAR_FULL_SIZES],
            "growth": [_growth(cars, 96) for cars in (1, 3, 10, 30, 100, 300, 1000)],
            "growth_in_slots": [_growth(10, slots) for slots in (24, 48, 96, 192, 384, 768)],
            "fewest_starts": [_fewest_starts(cars) for cars in (1, 2)],
            "closed_loop": summary([play(random_world(4, n, 30), CALM) for n in range(5)]),
            "limited": _limited(),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
    )


def _asked(scenario: Scenario) -> tuple[Any, Any]:
    return scenario.situation, scenario.now


def planned(scenario: Scenario, figures: StrategySettings) -> tuple[Plan, float]:
    """Return the plan of `optimal`, and the seconds of processor time that it took."""
    before_s = time.process_time()
    plan = strategy_named("optimal")(scenario.situation, scenario.now, figures)
    return plan, time.process_time() - before_s


def problem_of(scenario: Scenario) -> Any:
    """Return the arrays of a scenario, nothing left out."""
    # Imported late: a figure of this process is what loading NumPy and HiGHS costs.
    from wattbus_scheduler.headroom import pieces_from  # noqa: PLC0415
    from wattbus_scheduler.optimal import grid  # noqa: PLC0415
    from wattbus_scheduler.optimal.tasks import settled, tasks_of  # noqa: PLC0415

    tasks = tasks_of(scenario.situation, scenario.now, settled(scenario.situation, scenario.now))
    pieces = pieces_from(scenario.situation, scenario.now)
    return grid.problem_of(scenario.situation, scenario.now, pieces, tasks)


def _relaxation_s(scenario: Scenario) -> float:
    """Return the seconds that building and solving the bare relaxation takes."""
    from wattbus_scheduler.optimal.programme import Programme  # noqa: PLC0415

    before_s = time.process_time()
    Programme(problem_of(scenario)).solve()
    return time.process_time() - before_s


def _written_out_s(scenario: Scenario) -> float:
    """Return the seconds that the same relaxation takes in HiGHS' own modelling language.

    All rows, a variable for each car and slot, HiGHS as it comes, but in one thread.
    """
    import highspy  # noqa: PLC0415

    problem = problem_of(scenario)
    cells = [np.flatnonzero(usable).tolist() for usable in problem.is_usable]
    before_s = time.process_time()
    highs = highspy.Highs()
    highs.silent()
    highs.setOptionValue("threads", 1)
    energy = [
        {t: highs.addVariable(0, problem.high_kwh[n, t], problem.price[t]) for t in cells[n]}
        for n in range(problem.cars)
    ]
    for n, of_car in enumerate(energy):
        unmet = highs.addVariable(0, problem.need_kwh[n], problem.unmet_price)
        highs.addConstr(highs.qsum([*of_car.values(), unmet]) == problem.need_kwh[n])
    for row, t in np.ndindex(problem.cap_kw.shape):
        used = [problem.share[row, n] * of_car[t] for n, of_car in enumerate(energy) if t in of_car]
        if used:
            highs.addConstr(highs.qsum(used) <= problem.cap_kw[row, t] * problem.hours[t])
    highs.run()
    taken_s = time.process_time() - before_s
    assert abs(highs.getObjectiveValue() / _relaxed_cost(problem) - 1) < 1e-6
    return taken_s


def _relaxed_cost(problem: Any) -> float:
    from wattbus_scheduler.optimal.programme import Programme  # noqa: PLC0415

    return Programme(problem).solve()


def _figures(plan: Plan, scenario: Scenario) -> dict[str, Any]:
    assert plan.lower_bound is not None
    broken = violations(plan, scenario.situation)
    return {
        "cost": round(plan.expected_cost, 4),
        "above_bound_percent": round((plan.expected_cost / plan.lower_bound - 1) * 100, 4),
        "starts": sum(station.starts for station in plan.stations),
        "unmet_kwh": round(sum(station.shortfall_wh for station in plan.stations) / 1000, 4),
        "violations": len(broken),
    }


def _recorded(document: dict[str, Any]) -> dict[str, Any]:
    scenario = parse_slot_scenario(document)
    line: dict[str, Any] = {"name": document["name"], "cars": len(scenario.situation.cars)}
    relaxed_s = min(_relaxation_s(scenario) for _ in range(3))
    written_s = min(_written_out_s(scenario) for _ in range(3))
    line["relaxation_s"], line["written_out_s"] = round(relaxed_s, 5), round(written_s, 5)
    for name, figures in (("only_cost", ONLY_COST), ("calm", CALM)):
        runs = [planned(scenario, figures) for _ in range(3)]
        seconds = min(run_s for _, run_s in runs)
        line[name] = {
            **_figures(runs[0][0], scenario),
            "seconds": round(seconds, 4),
            "times_the_relaxation": round(seconds / relaxed_s, 1),
            "times_written_out": round(seconds / written_s, 1),
        }
    if len(scenario.situation.cars) <= 2:
        before_s = time.process_time()
        exact = exact_optimum(scenario.situation, 0.0)
        line["exact"] = {
            "cost": round(exact.cost, 4),
            "unmet_kwh": round(exact.unmet_kwh, 4),
            "seconds": round(time.process_time() - before_s, 3),
        }
    line["recorded_peers"] = PEERS[document["name"]]
    return line


def _random(cars: int, slots: int) -> dict[str, Any]:
    line: dict[str, Any] = {"cars": cars, "slots": slots, "cases": SEEDS}
    scenarios = [parse_slot_scenario(random_case(cars, slots, seed)) for seed in range(SEEDS)]
    relaxed_s = median(_relaxation_s(scenario) for scenario in scenarios)
    written_s = median(_written_out_s(scenario) for scenario in scenarios)
    for name, figures in (("only_cost", ONLY_COST), ("calm", CALM)):
        line[name] = _together(scenarios, figures)
        seconds = line[name]["p50_s"]
        line[name]["times_the_relaxation"] = round(seconds / relaxed_s, 1)
        line[name]["times_written_out"] = round(seconds / written_s, 1)
    return line


def _together(scenarios: list[Scenario], figures: StrategySettings) -> dict[str, Any]:
    """Return the figures of all cases together; they have the same number of cars."""
    runs = [planned(scenario, figures) for scenario in scenarios]
    facts = [_figures(plan, scenario) for (plan, _), scenario in zip(runs, scenarios, strict=True)]
    seconds = [run_s for _, run_s in runs]
    cars = len(scenarios[0].situation.cars)
    return {
        "worst_above_bound_percent": max(fact["above_bound_percent"] for fact in facts),
        "median_above_bound_percent": median(fact["above_bound_percent"] for fact in facts),
        "mean_starts_per_car": round(sum(f["starts"] for f in facts) / len(facts) / cars, 3),
        "worst_starts_per_car": round(max(f["starts"] for f in facts) / cars, 3),
        "unmet_kwh": sum(fact["unmet_kwh"] for fact in facts),
        "violations": sum(fact["violations"] for fact in facts),
        "p50_s": round(percentile(seconds, 50), 4),
        "p99_s": round(percentile(seconds, 99), 4),
    }


def _near_full(cars: int, slots: int) -> dict[str, Any]:
    """Return the figures of cars that take less near full, under a fuse that binds."""
    scenarios = [near_full(cars, slots, seed) for seed in range(NEAR_FULL_SEEDS)]
    line = {"cars": cars, "slots": slots, "cases": NEAR_FULL_SEEDS}
    return line | {
        name: _together(scenarios, figures)
        for name, figures in (("only_cost", ONLY_COST), ("calm", CALM))
    }


def _fewest_starts(cars: int) -> dict[str, Any]:
    """Return how few starts half a percent allows, proven by HiGHS, beside the plan's."""
    from wattbus_scheduler.optimal.bound import lower_bound  # noqa: PLC0415
    from wattbus_scheduler.optimal.exact import Limits, calmest  # noqa: PLC0415
    from wattbus_scheduler.optimal.programme import Programme  # noqa: PLC0415

    fewest, ours, proven = 0, 0, 0
    for seed in range(SEEDS):
        scenario = parse_slot_scenario(random_case(cars, 96, seed))
        problem = problem_of(scenario)
        programme = Programme(problem)
        programme.solve()
        bound = lower_bound(problem, programme.answer())
        exact = calmest(problem, bound + 0.005 * abs(bound), None, Limits(2000))
        assert exact is not None
        fewest += int(problem.starts(exact.on).sum())
        proven += exact.is_optimal
        plan, _ = planned(scenario, CALM)
        ours += sum(station.starts for station in plan.stations)
    return {"cars": cars, "cases": SEEDS, "proven": proven, "fewest": fewest, "planned": ours}


def _growth(cars: int, slots: int) -> dict[str, Any]:
    scenario = parse_slot_scenario(random_case(cars, slots, 1))
    relaxed_s = _relaxation_s(scenario)
    plan, seconds = planned(scenario, CALM)
    return {
        "cars": cars,
        "slots": slots,
        "relaxation_s": round(relaxed_s, 4),
        "seconds": round(seconds, 3),
        **_figures(plan, scenario),
    }


def _limited() -> dict[str, Any]:
    """Return what comes out of a thousand cars when the search has to end early."""
    scenario = parse_slot_scenario(random_case(1000, 96, 1))
    plan, seconds = planned(scenario, replace(CALM, time_limit_s=0.5))
    return {"cars": 1000, "time_limit_s": 0.5, "seconds": round(seconds, 3)} | _figures(
        plan, scenario
    )


if __name__ == "__main__":
    main()
    sys.exit(0)
