"""Plans every scenario of a JSON file and writes one JSON line for each: powers, cost, proof."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

from wattbus_scheduler.plan import Plan, StationPlan
from wattbus_scheduler.scenario import BadScenario, Scenario, parse_scenario
from wattbus_scheduler.situation import Car, CarControl, Site, Situation, Slot
from wattbus_scheduler.strategies import StrategySettings, strategy_named

FIRST_SLOT_AT = datetime(2025, 1, 15, 17, tzinfo=UTC)
"""The instant of slot 0 where a scenario counts slots only."""


def plan_file(path: Path, strategy: str, out: TextIO, picture: Path | None = None) -> None:
    """Write a line for each scenario of the file (one, or a list); BadScenario says what is wrong.

    A line has `name`, `strategy`, `cost`, `lower_bound` (or null), `unmet_kwh` by car, `starts` of
    all cars, `seconds` that planning took, and `power_w` by car: the mean power of each slot.
    """
    planner, drawn = strategy_named(strategy), []
    for name, scenario in read_scenarios(path):
        before_s = perf_counter()
        plan = planner(scenario.situation, scenario.now, scenario.settings)
        seconds = perf_counter() - before_s
        line = {"name": name, **_summary(plan, scenario.situation), "seconds": round(seconds, 6)}
        out.write(json.dumps(line) + "\n")
        drawn.append((name, plan, scenario.situation))
    if picture is not None:
        draw(picture, drawn)


def draw(path: Path, plans: list[tuple[str, Plan, Situation]]) -> None:
    """Draw the plans; BadScenario if matplotlib, which the service does without, is missing."""
    try:
        from wattbus_scheduler.plan_picture import draw_plans  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise BadScenario("a picture needs matplotlib: wattbus-scheduler[backtest]") from error
    draw_plans(path, plans)


def read_scenarios(path: Path) -> Iterator[tuple[str, Scenario]]:
    """Yield name and scenario; both formats are described in docs/planner.md."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadScenario(f"{path}: {error}") from error
    documents = document if isinstance(document, list) else [document]
    for number, one in enumerate(documents):
        if not isinstance(one, dict):
            raise BadScenario(f"{path}: scenario {number} is no object")
        name = str(one.get("name", path.stem if len(documents) == 1 else f"{path.stem}-{number}"))
        try:
            yield name, parse_slot_scenario(one) if "vehicles" in one else parse_scenario(one)
        except BadScenario as error:
            raise BadScenario(f"{path}: {name}: {error}") from error


def parse_slot_scenario(document: dict[str, Any]) -> Scenario:
    """Return the scenario of a document that counts time in slots from 0.

    It has `slot_min`, `price` and `house_w` by slot, `limit_w` of house and cars together, `volts`
    and `vehicles`, each with `id`, `arrive` and `depart` (the first slot away), `need_kwh`,
    `capacity_kwh`, `min_a`, `max_a`, `max_w`, `phases` (1 or 3). Beyond that: `phase` (which one)
    and `step_a` by vehicle, `fuse_a` per phase by site. Without `step_a` any current from the
    least to the most can be set.
    """
    try:
        slot = timedelta(minutes=float(document["slot_min"]))
        prices, loads = document["price"], document["house_w"]
        if len(prices) != len(loads):
            raise BadScenario(f"{len(prices)} prices, but {len(loads)} house loads")
        slots = tuple(
            Slot(FIRST_SLOT_AT + slot * number, slot.total_seconds(), float(price), float(load_w))
            for number, (price, load_w) in enumerate(zip(prices, loads, strict=True))
        )
        site = Site(
            max_power_w=float(document["limit_w"]),
            fuse_current_a=document.get("fuse_a"),
            phases=3,
            voltage_v=float(document.get("volts", 230)),
            currency="EUR",
        )
        cars = tuple(_car(vehicle, slot, site) for vehicle in document["vehicles"])
        situation = Situation(site, slots, cars)
        settings = StrategySettings(**document.get("settings", {}))
    except KeyError as error:
        raise BadScenario(f"{error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise BadScenario(str(error)) from error
    return Scenario(document.get("description", ""), FIRST_SLOT_AT, situation, settings)


def _car(vehicle: dict[str, Any], slot: timedelta, site: Site) -> Car:
    capacity_kwh = float(vehicle["capacity_kwh"])
    need_percent = float(vehicle["need_kwh"]) / capacity_kwh * 100
    arrive = float(vehicle["arrive"])
    is_three_phase = int(vehicle["phases"]) == 3
    return Car(
        station_id=str(vehicle["id"]),
        battery_capacity_wh=capacity_kwh * 1000,
        soc_percent=100 - need_percent,
        target_soc_percent=100,
        max_power_w=float(vehicle["max_w"]),
        control=CarControl.CURRENT,
        phases=(1, 2, 3) if is_three_phase else (int(vehicle.get("phase", 1)),),
        voltage_v=site.voltage_v,
        min_current_a=float(vehicle["min_a"]),
        max_current_a=float(vehicle["max_a"]),
        current_step_a=float(vehicle.get("step_a", 0)),
        is_plugged_in=arrive <= 0,
        arrival_at=FIRST_SLOT_AT + slot * arrive if arrive > 0 else None,
        departure_at=FIRST_SLOT_AT + slot * float(vehicle["depart"]),
    )


def _summary(plan: Plan, situation: Situation) -> dict[str, Any]:
    return {
        "strategy": plan.strategy,
        "cost": round(plan.expected_cost, 6),
        "lower_bound": None if plan.lower_bound is None else round(plan.lower_bound, 6),
        "unmet_kwh": {s.station_id: round(s.shortfall_wh / 1000, 6) for s in plan.stations},
        "starts": sum(station.starts for station in plan.stations),
        "power_w": {s.station_id: _mean_powers(s, situation) for s in plan.stations},
    }


def _mean_powers(station: StationPlan, situation: Situation) -> list[float]:
    charging = station.charging_slots
    powers = []
    for slot in situation.slots:
        energy_wh = 0.0
        for part in charging:
            overlap = min(part.end_at, slot.end_at) - max(part.start_at, slot.start_at)
            energy_wh += part.limit_w * max(0.0, overlap.total_seconds()) / 3600
        powers.append(round(energy_wh * 3600 / slot.duration_s, 3))
    return powers
