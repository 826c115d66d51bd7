"""The sweep over one car's patterns: what it proves, beside every pattern there is."""

from itertools import product

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wattbus_scheduler.optimal.patterns import CarView, swept

FACTORS = (2.0, 1.0, 0.5, 0.2, 0.05)
UNMET_PRICE = 200.0


@st.composite
def views(draw: st.DrawFn) -> CarView:
    pieces = draw(st.integers(1, 9))

    def each(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=pieces, max_size=pieces)))

    hours = each(st.sampled_from([0.25, 0.5, 1.0]))
    most_kw = each(st.sampled_from([4.14, 7.36, 11.04]))
    often = st.sampled_from([True, True, True, True, False])
    return CarView(
        price=each(st.integers(-20, 100)) / 100,
        low_kwh=4.14 * hours,
        high_kwh=most_kw * hours,
        can=each(often),
        hours=hours,
        joined=each(often),
        need_kwh=draw(st.integers(5, 400)) / 10,
        overhead_kw=draw(st.sampled_from([0.0, 0.3])),
        start_price=draw(st.sampled_from([0.05, 0.2, 1.0])),
        unmet_price=UNMET_PRICE,
        is_free_start=~each(often),
    )


def cost_of(view: CarView, on: np.ndarray) -> float:
    """Return the least cost of a pattern without starts; infinite if it holds too much."""
    left = view.need_kwh + view.overhead_kw * view.hours[on].sum() - view.low_kwh[on].sum()
    if left < -1e-9:
        return float("inf")
    cost = float(view.price[on] @ view.low_kwh[on])
    for at in sorted(np.flatnonzero(on), key=lambda at: view.price[at]):
        more = min(left, view.high_kwh[at] - view.low_kwh[at])
        cost, left = cost + view.price[at] * more, left - more
    return cost + UNMET_PRICE * max(0.0, left)


def starts_of(view: CarView, on: np.ndarray) -> int:
    return sum(
        bool(on[at] and not view.is_free_start[at])
        for at in range(len(on))
        if at == 0 or not (on[at - 1] and view.joined[at])
    )


@settings(max_examples=200, deadline=None)
@given(
    view=views(),
    share=st.sampled_from([0.0, 0.005, 0.05, 0.3]),
    worth=st.sampled_from([-0.1, 0.2, 0.6, UNMET_PRICE]),
)
def test_no_pattern_within_the_cost_starts_less_often_than_is_proven(
    view: CarView, share: float, worth: float
) -> None:
    assume(view.can.any())
    patterns = [np.array(on) & view.can for on in product((False, True), repeat=len(view.can))]
    costs = np.array([cost_of(view, on) for on in patterns])
    most_cost = float(costs.min()) + share * abs(float(costs.min())) + 1e-9

    found = swept(view, worth, [factor * view.start_price for factor in FACTORS], most_cost)

    within = [on for on, cost in zip(patterns, costs, strict=True) if cost <= most_cost]
    assert found.fewest <= min(starts_of(view, on) for on in within)
    for on, cost, starts in zip(found.patterns, found.costs, found.starts, strict=True):
        assert np.isinf(cost) or abs(cost - cost_of(view, on)) < 1e-6
        assert starts == starts_of(view, on)


def test_the_proof_says_two_where_two_are_needed() -> None:
    """Two cheap hours apart, a dear one between: one block costs twice as much."""
    hours = np.ones(3)
    view = CarView(
        price=np.array([0.1, 1.0, 0.1]),
        low_kwh=4.14 * hours,
        high_kwh=11.04 * hours,
        can=hours > 0,
        hours=hours,
        joined=hours > 0,
        need_kwh=22.0,
        overhead_kw=0.0,
        start_price=0.2,
        unmet_price=UNMET_PRICE,
        is_free_start=hours < 0,
    )

    assert swept(view, 0.1, [0.4, 0.2, 0.1], 2.3).fewest == 2
