"""Random cases for the joint planner: equal slots, cars with a current, one or three phases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from wattbus_scheduler.situation import Car, CarControl, Site, Situation, Slot

NOW = datetime(2025, 1, 15, 17, tzinfo=UTC)
SLOT = timedelta(minutes=30)


def slots_of(prices: list[float], loads: list[float], length: timedelta = SLOT) -> tuple[Slot, ...]:
    return tuple(
        Slot(NOW + length * i, length.total_seconds(), price, load_w)
        for i, (price, load_w) in enumerate(zip(prices, loads, strict=True))
    )


def car_needing(need_kwh: float, name: str = "car0", **fields: Any) -> Car:
    """Return a plugged-in car of 50 kWh that takes 6 to 16 A on three phases."""
    given: dict[str, Any] = {
        "station_id": name,
        "battery_capacity_wh": 50_000,
        "soc_percent": 100 - need_kwh * 2,
        "target_soc_percent": 100,
        "max_power_w": 11_040,
        "control": CarControl.CURRENT,
        "phases": (1, 2, 3),
        "max_current_a": 16,
        "current_step_a": 0,
    }
    return Car(**{**given, **fields})


@st.composite
def small_cases(draw: st.DrawFn, most_cars: int = 3) -> Situation:
    count = draw(st.integers(4, 10))
    prices = [p / 100 for p in draw(st.lists(st.integers(1, 60), min_size=count, max_size=count))]
    loads = draw(st.lists(st.integers(0, 4000), min_size=count, max_size=count))
    site = draw(
        st.sampled_from(
            [
                Site(max_power_w=14_000, phases=3),
                Site(max_power_w=20_000, fuse_current_a=25, phases=3),
                Site(max_power_w=None, fuse_current_a=20, phases=3),
                Site(max_power_w=None, phases=3),
            ]
        )
    )
    cars = []
    for number in range(draw(st.integers(1, most_cars))):
        phases = draw(st.sampled_from([(1,), (2,), (3,), (1, 2, 3)]))
        least_kwh = 6 * 0.23 * len(phases) * SLOT.total_seconds() / 3600
        arrive = draw(st.integers(0, 2))
        cars.append(
            car_needing(
                least_kwh * (1 + draw(st.integers(0, 40)) / 10),
                f"car{number}",
                phases=phases,
                max_power_w=16 * 230 * len(phases),
                is_plugged_in=arrive == 0,
                arrival_at=NOW + arrive * SLOT if arrive else None,
                departure_at=NOW + draw(st.integers(arrive + 2, count)) * SLOT,
            )
        )
    return Situation(site, slots_of(prices, loads), tuple(cars))
