"""Charging is exact: however an interval is cut, the whole is the same."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattbus_simulator.battery import (
    MS_PER_HOUR,
    Battery,
    charging_power_w,
    energy_after_wh,
)

CAPACITY_WH = 46_300.0


@st.composite
def batteries(draw: st.DrawFn) -> Battery:
    corners = draw(
        st.lists(
            st.tuples(st.floats(0, CAPACITY_WH), st.floats(100, 22_000)),
            max_size=5,
            unique_by=lambda corner: round(corner[0]),
        )
    )
    efficiency = draw(st.floats(0.5, 1.0))
    return Battery(CAPACITY_WH, efficiency, tuple(sorted(corners)))


ENERGIES_WH = st.floats(0, CAPACITY_WH)
OFFERS_W = st.one_of(st.just(0.0), st.floats(100, 22_000))
DURATIONS_MS = st.integers(0, 24 * MS_PER_HOUR)


@given(batteries(), ENERGIES_WH, OFFERS_W, DURATIONS_MS, DURATIONS_MS)
def test_a_split_interval_equals_the_whole(battery, energy_wh, offered_w, first_ms, second_ms):
    whole_wh = energy_after_wh(battery, energy_wh, offered_w, first_ms + second_ms)

    middle_wh = energy_after_wh(battery, energy_wh, offered_w, first_ms)
    split_wh = energy_after_wh(battery, middle_wh, offered_w, second_ms)

    assert split_wh == pytest.approx(whole_wh, abs=1e-4)


@given(batteries(), ENERGIES_WH, OFFERS_W, DURATIONS_MS)
def test_energy_never_falls_and_never_exceeds_the_capacity(
    battery, energy_wh, offered_w, duration_ms
):
    after_wh = energy_after_wh(battery, energy_wh, offered_w, duration_ms)

    assert energy_wh <= after_wh <= CAPACITY_WH


# No deadline: the fine rule is slow on purpose, and the machine may be busy.
@settings(deadline=None)
@given(batteries(), ENERGIES_WH, st.floats(100, 22_000), st.integers(1000, 3 * MS_PER_HOUR))
def test_stored_energy_is_the_integral_of_power_times_efficiency(
    battery, energy_wh, offered_w, duration_ms
):
    # A fine midpoint rule over the stored energy: hours = integral of dE / (efficiency * P(E)).
    after_wh = energy_after_wh(battery, energy_wh, offered_w, duration_ms)
    pieces = 4000
    width_wh = (after_wh - energy_wh) / pieces
    hours = sum(
        width_wh
        / battery.charging_efficiency
        / charging_power_w(battery, energy_wh + (piece + 0.5) * width_wh, offered_w)
        for piece in range(pieces)
        if width_wh
    )

    if after_wh < CAPACITY_WH:
        assert hours == pytest.approx(duration_ms / MS_PER_HOUR, rel=1e-3, abs=1e-6)
    else:
        assert hours <= duration_ms / MS_PER_HOUR * (1 + 1e-3) + 1e-6


def test_the_course_car_takes_three_hours_and_three_quarters_from_20_to_80_percent():
    battery = Battery(CAPACITY_WH, 1.0)

    duration_ms = round(27.78 / 7.4 * MS_PER_HOUR)
    after_wh = energy_after_wh(battery, 0.2 * CAPACITY_WH, 7400, duration_ms)

    assert after_wh == pytest.approx(0.8 * CAPACITY_WH, abs=0.01)


def test_a_falling_ramp_follows_the_exponential():
    battery = Battery(10_000, 1.0, ((0, 10_000), (10_000, 1_000)))

    after_wh = energy_after_wh(battery, 0, 20_000, MS_PER_HOUR)

    # dE/dt = 10000 - 0.9 E
    assert after_wh == pytest.approx(10_000 / 0.9 * (1 - math.exp(-0.9)))


def test_an_offer_below_the_acceptance_is_taken_whole_until_the_taper_cuts_it():
    battery = Battery(10_000, 1.0, ((8_000, 4_000), (10_000, 1_000)))

    powers_w = [charging_power_w(battery, energy_wh, 2_500) for energy_wh in (0, 9_000, 9_500)]

    assert powers_w == pytest.approx([2_500, 2_500, 1_750])
