"""The planner's benchmark cases: six recorded scenarios, and random ones of any size."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wattbus_scheduler.plan_file import parse_slot_scenario
from wattbus_scheduler.scenario import Scenario

DATA = Path(__file__).parent / "data" / "planner-scenarios.json"


def recorded() -> list[dict[str, Any]]:
    """Return the six scenarios that other planners were measured on."""
    scenarios: list[dict[str, Any]] = json.loads(DATA.read_text("utf-8"))
    return scenarios


def random_case(cars: int, slots: int, seed: int) -> dict[str, Any]:
    """Return a case: noisy 15-minute prices, three-phase cars, a limit that binds in cheap hours.

    The limit leaves 1.3 to 2.5 times the energy that all cars need in the time they are there.
    """
    random = np.random.default_rng([seed, cars, slots])
    hours = 17 + np.arange(slots) / 4
    wave = 0.07 * np.cos((hours - 19) / 24 * 2 * np.pi) + 0.05 * np.cos(
        (hours - 8) / 12 * 2 * np.pi
    )
    price = np.round(0.22 + wave + random.normal(0, 0.015, slots), 4)
    house = 400 + 2500 * np.exp(-(((hours % 24) - 19) ** 2) / 6) + random.uniform(0, 250, slots)
    vehicles = []
    nights = max(1, slots // 96)
    for number in range(cars):
        night = int(random.integers(0, nights))
        arrive = int(random.integers(0, 24)) if random.random() < 0.3 else 0
        vehicles.append(
            {
                "id": f"ev{number}",
                "arrive": arrive,
                "depart": 96 * night + int(random.integers(52, 62)),
                "capacity_kwh": 75.0,
                "need_kwh": round(float(random.uniform(20, 40)), 1),
                "max_w": 11040.0,
                "min_w": 4140.0,
                "max_a": 16,
                "min_a": 6,
                "phases": 3,
            }
        )
    busiest = np.zeros(slots)
    for vehicle in vehicles:
        span = slice(vehicle["arrive"], vehicle["depart"])
        length = vehicle["depart"] - vehicle["arrive"]
        busiest[span] += vehicle["need_kwh"] * 1000 / (length / 4)
    limit = max(
        float((busiest * random.uniform(1.3, 2.5) + house).max()), 11040 + float(house.max())
    )
    return {
        "name": f"random {cars} x {slots} seed {seed}",
        "slot_min": 15,
        "T": slots,
        "price": price.tolist(),
        "house_w": np.round(house, 1).tolist(),
        "limit_w": round(limit, 1),
        "volts": 230,
        "vehicles": vehicles,
    }


def near_full(cars: int, slots: int, seed: int) -> Scenario:
    """Return a random case whose cars charge to the full, and take 11 to 3 kW above 80 %."""
    scenario = parse_slot_scenario(random_case(cars, slots, seed))
    taper = ((80.0, 11_040.0), (100.0, 3_000.0))
    tapering = tuple(replace(car, taper=taper) for car in scenario.situation.cars)
    return replace(scenario, situation=replace(scenario.situation, cars=tapering))
