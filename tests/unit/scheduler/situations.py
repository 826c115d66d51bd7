"""Random situations for property tests, and what holds for every plan of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from wattbus_scheduler.headroom import with_car
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Car, CarControl, CarMode, Site, Situation, Slot

NOW = datetime(2025, 1, 15, 11, 7, tzinfo=UTC)
FIRST_SLOT = NOW - timedelta(minutes=22)

prices = st.integers(-50, 300).map(lambda oere: oere / 100)


@st.composite
def slot_lists(draw: st.DrawFn) -> tuple[Slot, ...]:
    slots = []
    start_at = FIRST_SLOT
    for _ in range(draw(st.integers(1, 10))):
        duration_s = draw(st.sampled_from([900, 1800, 3600, 5400]))
        price = draw(st.one_of(prices, prices, prices, st.none()))
        slots.append(Slot(start_at, duration_s, price, draw(st.integers(0, 12_000))))
        gap_s = draw(st.sampled_from([0, 0, 0, 0, 0, 900]))
        start_at += timedelta(seconds=duration_s + gap_s)
    return tuple(slots)


sites = st.sampled_from(
    [
        Site(max_power_w=11_000),
        Site(max_power_w=None),
        Site(max_power_w=13_800, fuse_current_a=20, phases=3),
        Site(max_power_w=None, fuse_current_a=25, phases=3),
    ]
)


@st.composite
def cars(draw: st.DrawFn, station_id: str = "car1", phases: int = 1, **fixed: Any) -> Car:
    is_plugged_in = draw(st.sampled_from([True, True, True, False]))
    arrival_at = None
    if not is_plugged_in:
        arrival_at = draw(st.sampled_from([None, NOW + timedelta(minutes=50)]))
    departure_min = draw(st.one_of(st.none(), st.integers(-30, 600)))
    all_phases = [(1,), (2,), (1, 2, 3)] if phases == 3 else [(1,)]
    used = draw(st.sampled_from(all_phases))
    control = draw(st.sampled_from(list(CarControl)))
    max_current_a = draw(st.sampled_from([10.0, 16.0, 32.0]))
    fields: dict[str, Any] = {
        "station_id": station_id,
        "battery_capacity_wh": draw(st.sampled_from([10_000.0, 46_300.0])),
        "soc_percent": draw(st.integers(0, 100)),
        "target_soc_percent": draw(st.integers(0, 100)),
        "max_power_w": max_current_a * 230 * len(used),
        "max_current_a": max_current_a,
        "control": control,
        "phases": used,
        "efficiency": draw(st.sampled_from([1.0, 0.9])),
        "is_plugged_in": is_plugged_in,
        "is_charging": draw(st.booleans()),
        "arrival_at": arrival_at,
        "departure_at": None if departure_min is None else NOW + timedelta(minutes=departure_min),
        "mode": draw(st.sampled_from([CarMode.SMART] * 4 + [CarMode.NOW, CarMode.OFF])),
        "price_cap_per_kwh": draw(st.sampled_from([None, None, 1.0])),
        "min_soc_percent": draw(st.sampled_from([0.0, 0.0, 30.0])),
    }
    return Car(**{**fields, **fixed})


@st.composite
def situations(draw: st.DrawFn, most_cars: int = 3) -> Situation:
    site = draw(sites)
    count = draw(st.integers(1, most_cars))
    drawn = tuple(draw(cars(f"car{i}", site.phases)) for i in range(count))
    return Situation(site, draw(slot_lists()), drawn)


def worst_overload_w(plan: Plan, situation: Situation) -> float:
    """Return by how much charging exceeds the fuse at the worst moment; negative if it never does.

    Checked between all edges of all slots, with own arithmetic.
    """
    site = situation.site
    edges = sorted(
        {edge for station in plan.stations for slot in station.slots
         for edge in (slot.start_at, slot.end_at)}
    )  # fmt: skip
    worst = float("-inf")
    for start, end in pairwise(edges):
        middle = start + (end - start) / 2
        if (end - start).total_seconds() < 0.01:
            continue
        house_w = next(
            (s.house_load_w for s in situation.slots if s.start_at <= middle < s.end_at), 0.0
        )
        used_w = (0.0,) * site.phases
        for car in situation.cars:
            station = plan.station(car.station_id)
            slot = station.slot_at(middle) if station is not None else None
            used_w = with_car(used_w, car, slot.limit_w if slot is not None else 0.0)
        if sum(used_w) == 0:
            continue
        if site.max_power_w is not None:
            worst = max(worst, house_w + sum(used_w) - site.max_power_w)
        if site.fuse_current_a is not None:
            fuse_w = site.fuse_current_a * site.voltage_v
            worst = max(worst, house_w / site.phases + max(used_w) - fuse_w)
    return worst
