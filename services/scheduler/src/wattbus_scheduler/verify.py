"""Checks a plan against the situation it was made for, instant by instant; trusts no planner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from wattbus_scheduler.plan import Plan, PlannedSlot, StationPlan
from wattbus_scheduler.situation import Car, CarControl, CarMode, Site, Situation, Slot

TIME_TOLERANCE = timedelta(milliseconds=3)
POWER_TOLERANCE_W = 0.01
ENERGY_TOLERANCE_WH = 0.6
COST_TOLERANCE = 1e-6
TAPER_TOLERANCE_WH = 2.0
TAPER_STEP_S = 30.0


@dataclass(frozen=True, slots=True)
class Violation:
    """What a plan does that it must not: `rule` for machines, `text` for people."""

    rule: str
    text: str


def violations(plan: Plan, situation: Situation) -> list[Violation]:
    """Return everything that is wrong with the plan; an empty list for a good one.

    Rules: `stations`, `order`, `window`, `mode`, `power`, `fuse-total`, `fuse-phase`, `energy`,
    `taper`, `target`, `shortfall`, `price-cap`, `cost`, `bound`, `reason`. Nothing is shared with
    planners but the types, so that a mistake of theirs is no mistake here.
    """
    found = list(_station_rules(plan, situation))
    found.extend(_fuse_rules(plan, situation))
    found.extend(_cap_rules(plan, situation))
    found.extend(_sum_rules(plan))
    return found


def _station_rules(plan: Plan, situation: Situation) -> Iterator[Violation]:
    cars = {car.station_id: car for car in situation.cars}
    planned = [station.station_id for station in plan.stations]
    if sorted(planned) != sorted(cars):
        yield Violation("stations", f"plans {planned}, but the site has {sorted(cars)}")
    for station in plan.stations:
        car = cars.get(station.station_id)
        if car is not None:
            yield from _order(station, plan.planned_at)
            yield from _powers(station, car)
            yield from _presence(station, car, plan.planned_at)
            yield from _energies(station, car)
            yield from _costs(station, situation)


def _order(station: StationPlan, now: datetime) -> Iterator[Violation]:
    name = station.station_id
    for slot in station.slots:
        if slot.duration_s <= 0 or slot.start_at < now - TIME_TOLERANCE:
            yield Violation("order", f"{name}: slot at {slot.start_at} is empty or past")
        if not slot.reason.text or (slot.limit_w > 0) != slot.reason.code.startswith("charging"):
            yield Violation("reason", f"{name}: {slot.limit_w} W at {slot.start_at} for no reason")
    for earlier, later in pairwise(station.slots):
        if later.start_at < earlier.end_at - TIME_TOLERANCE:
            yield Violation("order", f"{name}: slot at {later.start_at} overlaps the one before")


def _powers(station: StationPlan, car: Car) -> Iterator[Violation]:
    volts = car.voltage_v * len(car.phases)
    for slot in station.slots:
        if slot.limit_w < 0:
            yield Violation("power", f"{car.station_id}: negative power at {slot.start_at}")
        if slot.limit_w <= 0:
            continue
        if not _can_be_told(car, slot.limit_w, volts):
            text = f"{car.station_id}: {slot.limit_w:.3f} W at {slot.start_at} cannot be set"
            yield Violation("power", text)


def _can_be_told(car: Car, power_w: float, volts: float) -> bool:
    if abs(power_w - car.max_power_w) <= POWER_TOLERANCE_W:
        return True
    if car.control is CarControl.SWITCH or power_w > car.max_power_w:
        return False
    current_a, tolerance_a = power_w / volts, POWER_TOLERANCE_W / volts
    if not car.min_current_a - tolerance_a <= current_a <= car.max_current_a + tolerance_a:
        return False
    if car.current_step_a <= 0:
        return True
    steps = (current_a - car.min_current_a) / car.current_step_a
    return abs(steps - round(steps)) * car.current_step_a <= tolerance_a


def _presence(station: StationPlan, car: Car, now: datetime) -> Iterator[Violation]:
    name, charging = station.station_id, station.charging_slots
    if car.mode is CarMode.OFF and charging:
        yield Violation("mode", f"{name}: charges although its mode is off")
    arrival = now if car.is_plugged_in else car.arrival_at
    is_coming = arrival is not None and (car.is_plugged_in or arrival > now)
    if charging and not is_coming:
        yield Violation("window", f"{name}: charges without a car")
        return
    for slot in charging:
        if arrival is not None and slot.start_at < arrival - TIME_TOLERANCE:
            yield Violation("window", f"{name}: charges at {slot.start_at}, before the car comes")
        # A departure that has passed while the car is still there binds no longer.
        leaves = car.departure_at
        if (
            leaves is not None
            and arrival is not None
            and leaves > arrival
            and slot.end_at > leaves + TIME_TOLERANCE
        ):
            yield Violation("window", f"{name}: charges until {slot.end_at}, after departure")


def _energies(station: StationPlan, car: Car) -> Iterator[Violation]:
    name = station.station_id
    held_wh = 0.0
    for slot in station.slots:
        energy_wh = slot.limit_w * slot.duration_s / 3600
        if car.taper and energy_wh > 0:
            energy_wh, held_wh = _tapered(car, slot, held_wh)
            if abs(energy_wh - slot.expected_energy_wh) > TAPER_TOLERANCE_WH + 2e-3 * energy_wh:
                text = f"{name}: energy at {slot.start_at} is not what the car takes near full"
                yield Violation("taper", text)
            continue
        # Instants are rounded to milliseconds.
        if abs(energy_wh - slot.expected_energy_wh) > ENERGY_TOLERANCE_WH / 10:
            yield Violation("energy", f"{name}: energy at {slot.start_at} is not power by time")
    total_wh = sum(slot.expected_energy_wh for slot in station.slots)
    if abs(total_wh - station.expected_energy_wh) > ENERGY_TOLERANCE_WH:
        yield Violation("energy", f"{name}: energies add up to {total_wh:.1f} Wh")
    hours = sum(slot.duration_s for slot in station.charging_slots) / 3600
    net_wh = total_wh - car.overhead_w * hours
    to_target_wh = car.grid_energy_to_wh(car.target_soc_percent)
    to_full_wh = max(to_target_wh, car.grid_energy_to_wh(100.0))
    most_wh = min(to_target_wh + car.reserve_wh / car.efficiency, to_full_wh)
    if net_wh > (most_wh if to_target_wh > 0 else 0.0) + ENERGY_TOLERANCE_WH:
        yield Violation("target", f"{name}: charges {net_wh:.1f} Wh of {most_wh:.1f} Wh wanted")
    missing_wh = max(0.0, to_target_wh - net_wh) if car.wants_energy else 0.0
    if abs(missing_wh - station.shortfall_wh) > ENERGY_TOLERANCE_WH:
        text = f"{name}: states {station.shortfall_wh:.1f} Wh missing, it is {missing_wh:.1f}"
        yield Violation("shortfall", text)


def _tapered(car: Car, slot: PlannedSlot, held_wh: float) -> tuple[float, float]:
    """Return what a car draws in a slot, and what it holds then: small steps, midpoint rule."""
    drawn_wh, step_h = 0.0, TAPER_STEP_S / 3600
    left_h = slot.duration_s / 3600
    while left_h > 0:
        hours = min(step_h, left_h)
        half_wh = held_wh + (_taken_w(car, slot.limit_w, held_wh) - car.overhead_w) * hours / 2
        power_w = _taken_w(car, slot.limit_w, half_wh)
        drawn_wh += power_w * hours
        held_wh += (power_w - car.overhead_w) * hours
        left_h -= hours
    return drawn_wh, held_wh


def _taken_w(car: Car, offered_w: float, held_wh: float) -> float:
    soc = car.soc_percent + held_wh * car.efficiency / car.battery_capacity_wh * 100
    if soc >= 100.0 + 1e-6:
        return min(offered_w, car.overhead_w)
    before = (0.0, car.taper[0][1])
    for corner in car.taper:
        if soc <= corner[0]:
            part = (soc - before[0]) / max(corner[0] - before[0], 1e-9)
            return min(offered_w, before[1] + part * (corner[1] - before[1]))
        before = corner
    return min(offered_w, before[1])


def _costs(station: StationPlan, situation: Situation) -> Iterator[Violation]:
    name = station.station_id
    for slot in station.charging_slots:
        price, cheapest = _prices_at(situation, slot)
        dearest_cost = slot.expected_energy_wh / 1000 * price
        least_cost = slot.expected_energy_wh / 1000 * cheapest
        if not least_cost - 1e-3 <= slot.expected_cost <= dearest_cost + 1e-3:
            yield Violation("cost", f"{name}: cost at {slot.start_at} is not energy by price")
    total = sum(slot.expected_cost for slot in station.slots)
    if abs(total - station.expected_cost) > COST_TOLERANCE:
        yield Violation("cost", f"{name}: costs add up to {total}")


def _cap_rules(plan: Plan, situation: Situation) -> Iterator[Violation]:
    """Above their caps, cars together take no more than the surplus, sold within their caps."""
    caps = {car.station_id: car.price_cap_per_kwh for car in situation.cars}
    capped = [
        (station, cap)
        for station in plan.stations
        if (cap := caps.get(station.station_id)) is not None
    ]
    for station, cap in capped:
        for part in station.charging_slots:
            at = part.start_at + min(timedelta(milliseconds=20), (part.end_at - part.start_at) / 2)
            slot = next((s for s in situation.slots if s.start_at <= at < s.end_at), None)
            if slot is None or not _is_bought_above(part, slot, cap):
                continue
            now = [(one.slot_at(at), its_cap) for one, its_cap in capped]
            bound_w = sum(
                charging.limit_w
                for charging, its_cap in now
                if charging is not None and _is_bought_above(charging, slot, its_cap)
            )
            if slot.feed_in_price_per_kwh > cap or bound_w > slot.surplus_w + POWER_TOLERANCE_W:
                text = f"{station.station_id}: charges at {slot.price_per_kwh} above its cap {cap}"
                yield Violation("price-cap", text)


def _is_bought_above(part: PlannedSlot, slot: Slot, cap: float) -> bool:
    is_urgent = part.reason.code in {"charging-now", "charging-min-soc", "charging-overdue"}
    return part.limit_w > 0 and not is_urgent and (slot.price_per_kwh or 0.0) > cap + 1e-9


def _prices_at(situation: Situation, part: PlannedSlot) -> tuple[float, float]:
    """Return the price at a planned slot, and what it is at least with all surplus used."""
    middle = part.start_at + (part.end_at - part.start_at) / 2
    for slot in situation.slots:
        if slot.start_at <= middle < slot.end_at:
            price = slot.price_per_kwh or 0.0
            sold = slot.feed_in_price_per_kwh if slot.surplus_w > 0 else price
            return price, min(price, sold)
    return float("inf"), float("inf")


def _fuse_rules(plan: Plan, situation: Situation) -> Iterator[Violation]:
    """Walk through time: whenever a limit or the house changes, add everything up."""
    site, cars = situation.site, {car.station_id: car for car in situation.cars}
    changes: list[tuple[float, int, str, float]] = []
    for station in plan.stations:
        for part in station.charging_slots:
            # Instants are milliseconds: what ends goes before what starts within them.
            changes.append((round(part.end_at.timestamp(), 2), 0, station.station_id, 0.0))
            start_s = round(part.start_at.timestamp(), 2)
            changes.append((start_s, 2, station.station_id, part.limit_w))
    changes.extend(
        (round(slot.start_at.timestamp(), 2), 1, "", slot.house_load_w) for slot in situation.slots
    )
    changes.sort(key=lambda change: change[:2])
    power_w = dict.fromkeys(cars, 0.0)
    house_w = 0.0
    for number, (at_s, _, station_id, value) in enumerate(changes):
        if station_id:
            power_w[station_id] = value
        else:
            house_w = value
        is_settled = number + 1 == len(changes) or changes[number + 1][0] > at_s + 0.02
        if is_settled:
            yield from _overloads(site, cars, power_w, house_w, at_s)


def _overloads(
    site: Site, cars: dict[str, Car], power_w: dict[str, float], house_w: float, at_s: float
) -> Iterator[Violation]:
    drawn_w = sum(power_w.values())
    if drawn_w <= 0:
        return
    if site.max_power_w is not None and house_w + drawn_w > site.max_power_w + POWER_TOLERANCE_W:
        over_w = house_w + drawn_w - site.max_power_w
        yield Violation("fuse-total", f"{over_w:.2f} W above the fuse at {at_s}")
    if site.fuse_current_a is None:
        return
    fuse_w = site.fuse_current_a * site.voltage_v
    for phase in range(1, site.phases + 1):
        on_phase = [
            power / len(cars[name].phases)
            for name, power in power_w.items()
            if phase in cars[name].phases
        ]
        over_w = house_w / site.phases + sum(on_phase) - fuse_w
        if sum(on_phase) > 0 and over_w > POWER_TOLERANCE_W:
            yield Violation("fuse-phase", f"{over_w:.2f} W above the fuse of L{phase} at {at_s}")


def _sum_rules(plan: Plan) -> Iterator[Violation]:
    if plan.lower_bound is None:
        return
    # With a fuse that binds, the solver's feasibility tolerance shows in the cost.
    slack = max(1e-6, 1e-6 * abs(plan.expected_cost))
    if plan.lower_bound > plan.expected_cost + slack:
        text = f"states a bound of {plan.lower_bound} above its cost {plan.expected_cost}"
        yield Violation("bound", text)
