"""How few starts half a percent of the cost allows: whole-number programmes of minutes each.

HiGHS begins with the plan, looks for one with fewer starts, and proves how few any can have that
charges whole slots at no less than the least power. Each case has `SECONDS` of the wall's clock.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.bench_planner import CALM, planned, problem_of
from benchmarks.planner_cases import random_case, recorded
from benchmarks.results import emit
from wattbus_scheduler.plan_file import parse_slot_scenario

SECONDS = 240.0
NO_LIMIT = 10**9
RECORDED, SEEDS = (4, 5), 8


def main() -> None:
    """Prove what can be proven, side by side, and print one JSON document."""
    documents = [recorded()[number] for number in RECORDED]
    documents += [random_case(20, 192, seed) for seed in range(SEEDS)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        emit("starts", {"seconds": SECONDS, "cases": list(pool.map(fewest, documents))})


def fewest(document: dict[str, Any]) -> dict[str, Any]:
    """Return the starts of the plan, of the best that was found, and what is proven."""
    from wattbus_scheduler.optimal.bound import lower_bound  # noqa: PLC0415 - as bench_planner does
    from wattbus_scheduler.optimal.exact import Limits, calmest  # noqa: PLC0415
    from wattbus_scheduler.optimal.programme import Programme  # noqa: PLC0415

    scenario = parse_slot_scenario(document)
    problem = problem_of(scenario)
    programme = Programme(problem)
    programme.solve()
    bound = lower_bound(problem, programme.answer())
    plan, _ = planned(scenario, CALM)
    known = np.zeros(problem.is_usable.shape)
    start_s = np.array([slot.start_at.timestamp() for slot in scenario.situation.slots])
    for car, station in enumerate(plan.stations):
        for slot in station.charging_slots:
            at = int(np.searchsorted(start_s, slot.start_at.timestamp() + 1e-3)) - 1
            known[car, at] += slot.expected_energy_wh / 1000
    limits = Limits(NO_LIMIT, perf_counter() + SECONDS)
    exact = calmest(problem, bound + 0.005 * abs(bound), known, limits)
    return {
        "name": document["name"],
        "cars": problem.cars,
        "planned": sum(station.starts for station in plan.stations),
        "found": None if exact is None else int(problem.starts(exact.on).sum()),
        "at_least": None if exact is None else exact.fewest,
    }


if __name__ == "__main__":
    main()
    sys.exit(0)
