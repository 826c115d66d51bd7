"""The joint planner in a closed loop: what is known changes, and it plans anew at every step.

Played in steps of a quarter of an hour over two nights. House load is forecast with an error of a
fifth and known only once it is measured; the next day's prices come at 13:00 and are estimated
from the day before until then; cars come late and leave early. Beside the course stands what the
same energy would have cost at least, had everything been known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import process_time

import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Car, CarControl, Site, Situation, Slot
from wattbus_scheduler.strategies import StrategySettings, strategy_named

BEGIN_AT = datetime(2025, 1, 15, 9, tzinfo=UTC)
DAYS = 2
FORECAST_ERROR = 0.2
PUBLISHED_AT_H = 12
"""13:00 in Stockholm."""
FUSE_KW_PER_CAR, LEAST_FUSE_KW = 5.0, 14.0


@dataclass(frozen=True)
class Stay:
    """A car's visit: told and true instants in steps, and the energy wanted."""

    name: str
    told_from: int
    from_step: int
    told_until: int
    until_step: int
    need_wh: float


@dataclass(frozen=True)
class World:
    """What happens: by step the price, the house load, and its forecast; and who comes when.

    `measured_w` is what a meter shows of the load as a step begins.
    """

    step: timedelta
    prices: NDArray[np.float64]
    loads_w: NDArray[np.float64]
    forecast_w: NDArray[np.float64]
    measured_w: NDArray[np.float64]
    stays: tuple[Stay, ...]
    site: Site

    @property
    def per_day(self) -> int:
        """Steps in a day."""
        return round(timedelta(days=1) / self.step)


@dataclass(frozen=True)
class Course:
    """How it went: `bound` is the least cost of the same energy in hindsight.

    `missing_wh` is what cars left without though they stayed as long as told, `lost_wh` what those
    left without that went early; `hindsight_missing_wh` is what nobody could have delivered.
    `slowest_s` is processor time.
    """

    cost: float
    bound: float
    energy_wh: float
    missing_wh: float
    lost_wh: float
    hindsight_missing_wh: float
    over_w: float
    starts: int
    stays: int
    slowest_s: float


def random_world(cars: int, seed: int, step_min: int = 15) -> World:
    """Return two days of noisy prices and loads with a stay of each car in each night."""
    random = np.random.default_rng([seed, cars])
    step = timedelta(minutes=step_min)
    per_day = round(timedelta(days=1) / step)
    count = (DAYS + 1) * per_day
    hours = BEGIN_AT.hour + np.arange(count) * 24 / per_day
    level = np.repeat(random.uniform(0.15, 0.3, DAYS + 1), per_day)
    wave = 0.07 * np.cos((hours - 19) / 12 * np.pi) + 0.05 * np.cos((hours - 8) / 6 * np.pi)
    prices = np.round(level + wave + random.normal(0, 0.015, count), 4)
    loads = 400 + 2500 * np.exp(-(((hours % 24) - 18) ** 2) / 6) + random.uniform(0, 400, count)
    forecast = loads * np.maximum(0.0, 1 + FORECAST_ERROR * random.normal(0, 1, count))
    stays = []
    for number in range(cars):
        for day in range(DAYS):
            begin = day * per_day
            told = begin + round(random.uniform(6, 9) / 24 * per_day)
            until = begin + round(random.uniform(21, 23) / 24 * per_day)
            hour = per_day // 24
            late = int(random.integers(0, 2 * hour + 1)) if random.random() < 0.5 else 0
            early = int(random.integers(1, hour + 1)) if random.random() < 0.3 else 0
            need = float(random.uniform(10, 28)) * 1000
            stays.append(Stay(f"car{number}", told, told + late, until, until - early, need))
    limit = max(LEAST_FUSE_KW, FUSE_KW_PER_CAR * cars) * 1000
    return World(
        step, prices, loads, forecast, loads, tuple(stays), Site(max_power_w=limit, phases=3)
    )


def play(world: World, settings: StrategySettings) -> Course:
    """Plan anew at every step with what is known then, and do what the plan says."""
    planner = strategy_named("optimal")
    got = dict.fromkeys(world.stays, 0.0)
    cost = over_w = slowest_s = 0.0
    starts, running, was_on = 0, None, set[str]()
    for now in range(DAYS * world.per_day):
        situation = _as_known(world, now, got, was_on, running)
        before_s = process_time()
        plan = planner(situation, world_time(world, now), settings)
        slowest_s = max(slowest_s, process_time() - before_s)
        over_w = max(over_w, _over_w(world, now, plan))
        running = plan
        for stay in world.stays:
            station = plan.station(stay.name)
            if station is None or not stay.from_step <= now < stay.until_step:
                continue
            begin, end = world_time(world, now), world_time(world, now + 1)
            for slot in station.charging_slots:
                first, last = max(slot.start_at, begin), min(slot.end_at, end)
                if last <= first:
                    continue
                energy_wh = slot.limit_w * (last - first).total_seconds() / 3600
                got[stay] += energy_wh
                cost += energy_wh / 1000 * float(world.prices[now])
                starts += first > begin or stay.name not in was_on
                (was_on.add if last == end else was_on.discard)(stay.name)
            if not any(s.start_at < end and s.end_at > begin for s in station.charging_slots):
                was_on.discard(stay.name)
        gone = {stay.name for stay in world.stays if stay.until_step == now + 1}
        was_on -= gone
    missing = {stay: max(0.0, stay.need_wh - got[stay]) for stay in world.stays}
    return Course(
        cost=cost,
        bound=_hindsight(world, got)[0],
        energy_wh=sum(got.values()),
        missing_wh=sum(m for s, m in missing.items() if s.until_step == s.told_until),
        lost_wh=sum(m for s, m in missing.items() if s.until_step < s.told_until),
        hindsight_missing_wh=_hindsight(world, {s: s.need_wh for s in world.stays})[1],
        over_w=over_w,
        starts=starts,
        stays=len(world.stays),
        slowest_s=slowest_s,
    )


def world_time(world: World, step: int) -> datetime:
    """Return the instant at which a step begins."""
    return BEGIN_AT + world.step * step


def _as_known(
    world: World, now: int, got: dict[Stay, float], was_on: set[str], running: Plan | None
) -> Situation:
    at = world_time(world, now)
    days_known = 1 if at.hour < PUBLISHED_AT_H else 2
    midnight = (at.replace(hour=23, minute=0) - BEGIN_AT) / world.step
    if at.hour >= 23:
        midnight += world.per_day
    # Days change at 23:00 UTC, midnight in Stockholm.
    known = round(midnight) + (days_known - 1) * world.per_day
    slots = []
    for step in range(now, min(now + world.per_day, len(world.prices))):
        is_estimate = step >= known
        source = step
        while source >= known:
            source -= world.per_day
        load_w = world.measured_w[now] if step == now else world.forecast_w[step]
        slots.append(
            Slot(
                world_time(world, step),
                world.step.total_seconds(),
                float(world.prices[max(0, source)]),
                float(load_w),
                is_estimate=is_estimate,
            )
        )
    cars = []
    for name in sorted({stay.name for stay in world.stays}):
        mine = [s for s in world.stays if s.name == name and s.until_step > now]
        if mine:
            stay = mine[0]
            is_here = stay.from_step <= now
            car = _car(world, stay, stay.need_wh - got[stay], is_here=is_here)
            cars.append(replace(car, is_charging=name in was_on))
    return Situation(world.site, tuple(slots), tuple(cars), running)


def _car(world: World, stay: Stay, need_wh: float, *, is_here: bool) -> Car:
    return Car(
        station_id=stay.name,
        battery_capacity_wh=75_000,
        soc_percent=100 - max(0.0, need_wh) / 750,
        target_soc_percent=100,
        max_power_w=11_040,
        control=CarControl.CURRENT,
        phases=(1, 2, 3),
        max_current_a=16,
        is_plugged_in=is_here,
        arrival_at=None if is_here else world_time(world, stay.told_from),
        departure_at=world_time(world, stay.told_until),
    )


def _over_w(world: World, now: int, plan: Plan) -> float:
    """Return by how much the limit was exceeded at any instant of a step, with the true load."""
    begin, end = world_time(world, now), world_time(world, now + 1)
    present = {stay.name for stay in world.stays if stay.from_step <= now < stay.until_step}
    slots = [
        slot
        for station in plan.stations
        if station.station_id in present
        for slot in station.charging_slots
        if slot.start_at < end and slot.end_at > begin
    ]
    limit_w = world.site.max_power_w or float("inf")
    worst = 0.0
    for at in {max(begin, slot.start_at) for slot in slots}:
        drawn = sum(s.limit_w for s in slots if s.start_at <= at < s.end_at)
        worst = max(worst, drawn + float(world.loads_w[now]) - limit_w)
    return worst


def _hindsight(world: World, energies: dict[Stay, float]) -> tuple[float, float]:
    """Return the least cost of given energies with all known, and what of them could not be."""
    slots = tuple(
        Slot(world_time(world, n), world.step.total_seconds(), float(price), float(load))
        for n, (price, load) in enumerate(zip(world.prices, world.loads_w, strict=True))
    )
    cars = tuple(_visit(world, stay, energy) for stay, energy in energies.items() if energy > 1.0)
    plan = strategy_named("optimal")(
        Situation(world.site, slots, cars), BEGIN_AT, StrategySettings(start_price=0.0)
    )
    assert plan.lower_bound is not None
    return plan.lower_bound, sum(station.shortfall_wh for station in plan.stations)


def _visit(world: World, stay: Stay, energy_wh: float) -> Car:
    car = _car(world, stay, energy_wh, is_here=False)
    return replace(
        car,
        station_id=f"{stay.name}-{stay.from_step}",
        arrival_at=world_time(world, stay.from_step),
        departure_at=world_time(world, stay.until_step),
    )


def summary(courses: Sequence[Course]) -> dict[str, float]:
    """Return the figures of several courses together."""
    return {
        "courses": len(courses),
        "above_hindsight_percent": round(
            100 * (sum(c.cost for c in courses) / sum(c.bound for c in courses) - 1), 2
        ),
        "worst_above_hindsight_percent": round(100 * max(c.cost / c.bound - 1 for c in courses), 2),
        "energy_kwh": round(sum(c.energy_wh for c in courses) / 1000, 1),
        "missing_kwh": round(sum(c.missing_wh for c in courses) / 1000, 3),
        "missing_in_hindsight_kwh": round(sum(c.hindsight_missing_wh for c in courses) / 1000, 3),
        "lost_by_leaving_early_kwh": round(sum(c.lost_wh for c in courses) / 1000, 3),
        "fuse_violations": sum(c.over_w > 0.5 for c in courses),
        "starts_per_stay": round(sum(c.starts for c in courses) / sum(c.stays for c in courses), 2),
        "slowest_plan_s": round(max(c.slowest_s for c in courses), 3),
    }
