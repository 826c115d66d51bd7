"""`cheapest` against exhaustive search on small cases with one car."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.scheduler.situations import NOW
from wattbus_scheduler.headroom import offered_power_w
from wattbus_scheduler.situation import Car, CarControl, Site, Situation, Slot
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings

SITE = Site(max_power_w=11_000)
SWITCHED = Car(
    station_id="car1",
    battery_capacity_wh=100_000,
    soc_percent=0,
    target_soc_percent=10,
    max_power_w=7400,
)
STEERED = replace(SWITCHED, control=CarControl.CURRENT, max_power_w=3680, max_current_a=16)

small_slots = st.lists(
    st.tuples(
        st.sampled_from([900, 1800, 3600]),
        st.integers(-2, 6).map(lambda tenth: tenth / 10),
        st.sampled_from([500, 3600, 8500, 9000, 10_500]),
    ),
    min_size=1,
    max_size=6,
)


def situation_of(drawn: list[tuple[int, float, int]], car: Car) -> Situation:
    slots, start_at = [], NOW
    for duration_s, price, load_w in drawn:
        slots.append(Slot(start_at, duration_s, price, load_w))
        start_at += timedelta(seconds=duration_s)
    return Situation(SITE, tuple(slots), (car,))


def costs_of_all_vertices(situation: Situation, need_wh: float) -> Iterator[float]:
    """Yield the cost of every way to use some slots wholly, and at most one in part.

    The energy is linear in the time used, so some such way is an optimum of the linear programme.
    """
    (car,) = situation.cars
    offers = []
    for slot in situation.slots:
        power_w = offered_power_w(SITE, car, slot.house_load_w, (0.0,))
        offers.append((power_w * slot.duration_s / 3600, slot.price_per_kwh or 0.0))
    for uses in product([0, 1], repeat=len(offers)):
        whole_wh = sum(use * energy_wh for use, (energy_wh, _) in zip(uses, offers, strict=True))
        cost = sum(use * e / 1000 * p for use, (e, p) in zip(uses, offers, strict=True))
        missing_wh = need_wh - whole_wh
        if abs(missing_wh) < 1e-6:
            yield cost
        for use, (energy_wh, price) in zip(uses, offers, strict=True):
            if not use and 0 < missing_wh <= energy_wh + 1e-6:
                yield cost + missing_wh / 1000 * price


@pytest.mark.parametrize("car", [SWITCHED, STEERED], ids=["switched", "steered"])
@settings(max_examples=200, deadline=None)
@given(drawn=small_slots, target=st.integers(1, 15))
def test_no_other_use_of_the_slots_is_cheaper(
    car: Car, drawn: list[tuple[int, float, int]], target: int
) -> None:
    situation = situation_of(drawn, replace(car, target_soc_percent=target))
    costs = list(costs_of_all_vertices(situation, target * 1000.0))

    plan = STRATEGIES["cheapest"](situation, NOW, StrategySettings())

    if costs:
        assert plan.stations[0].shortfall_wh == 0
        assert plan.expected_cost == pytest.approx(min(costs), abs=1e-5)
    else:
        assert plan.stations[0].shortfall_wh > 0


@settings(max_examples=200, deadline=None)
@given(
    tenths=st.lists(st.integers(1, 3), min_size=1, max_size=10),
    count=st.integers(1, 10),
)
def test_among_equally_cheap_plans_the_one_with_the_fewest_starts_is_taken(
    tenths: list[int], count: int
) -> None:
    count = min(count, len(tenths))
    car = replace(SWITCHED, battery_capacity_wh=74_000, target_soc_percent=10 * count)
    situation = situation_of([(3600, tenth / 10, 1000) for tenth in tenths], car)

    plan = STRATEGIES["cheapest"](situation, NOW, StrategySettings())

    least_cost, fewest_starts = min(
        (sum(tenths[i] for i in chosen), starts_of(chosen))
        for chosen in combinations(range(len(tenths)), count)
    )
    assert plan.expected_cost == pytest.approx(least_cost * 0.74, abs=1e-6)
    assert plan.stations[0].starts <= fewest_starts


def starts_of(chosen: tuple[int, ...]) -> int:
    return sum(1 for i in chosen if i - 1 not in chosen)
