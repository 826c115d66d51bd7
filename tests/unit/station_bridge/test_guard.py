from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from unit.station_bridge.levels import CURRENT_1, CURRENT_3, SWITCH
from wattbus_contract.facts import Control
from wattbus_station_bridge.control.guard import (
    Demand,
    FuseLimit,
    Guard,
    PhaseLoads,
    fair_shares,
    phase_loads,
)
from wattbus_station_bridge.control.levels import Levels

ONE_PHASE = FuseLimit(11_000, 11_000)
THREE_PHASES = FuseLimit(17_250, 5750)
NO_LOAD = (0.0, 0.0, 0.0)


def demand(
    name: str, levels: Levels, wanted_w: float, granted_w: float = 0.0, *, urgent: bool = False
) -> Demand:
    return Demand(name, levels, wanted_w, granted_w, granted_w, urgent)


def house(load_w: float) -> PhaseLoads:
    return load_w, 0.0, 0.0


def test_what_fits_is_granted() -> None:
    assert fair_shares([demand("a", SWITCH, 7400)], house(3600), ONE_PHASE) == {"a": 7400}


def test_a_switch_gets_all_or_nothing() -> None:
    assert fair_shares([demand("a", SWITCH, 7400)], house(3601), ONE_PHASE) == {"a": 0}


def test_two_of_a_kind_share_alike() -> None:
    demands = [demand("a", CURRENT_1, 7360), demand("b", CURRENT_1, 7360)]

    assert fair_shares(demands, house(1000), ONE_PHASE) == {"a": 21 * 230, "b": 21 * 230}


def test_who_wants_less_leaves_the_rest_to_the_other() -> None:
    demands = [demand("a", CURRENT_1, 1840), demand("b", CURRENT_1, 7360)]

    assert fair_shares(demands, house(3000), ONE_PHASE) == {"a": 1840, "b": 26 * 230}


def test_below_the_minimum_there_is_nothing_and_the_other_keeps_its_charge() -> None:
    demands = [demand("a", CURRENT_1, 7360), demand("b", CURRENT_1, 7360, granted_w=2300)]

    shares = fair_shares(demands, house(11_000 - 2000), ONE_PHASE)

    assert shares == {"a": 0, "b": 8 * 230}


def test_an_urgent_one_comes_first() -> None:
    demands = [demand("a", SWITCH, 7400, 7400), demand("b", SWITCH, 7400, urgent=True)]

    assert fair_shares(demands, NO_LOAD, ONE_PHASE) == {"a": 0, "b": 7400}


def test_each_phase_counts_by_itself() -> None:
    demands = [
        demand("one", replace(CURRENT_1, phases=(2,)), 7360),
        demand("three", CURRENT_3, 11_040),
    ]

    shares = fair_shares(demands, (0.0, 2000.0, 0.0), THREE_PHASES)

    # 3750 W are left on L2 for both: 8 A each.
    assert shares == {"one": 8 * 230, "three": 8 * 690}


def test_a_house_above_the_fuse_leaves_nothing() -> None:
    assert fair_shares([demand("a", CURRENT_1, 7360)], house(12_000), ONE_PHASE) == {"a": 0}


def test_lowering_counts_at_once_and_raising_waits_for_it() -> None:
    guard = Guard(ONE_PHASE, hold_s=1.0)
    down = Demand("a", SWITCH, 0.0, granted_w=7400, exposure_w=7400)
    up = demand("b", SWITCH, 7400)

    first = guard.settle([down, up], NO_LOAD, 0.0)
    confirmed = Demand("a", SWITCH, 0.0, granted_w=0, exposure_w=0)
    second = guard.settle([confirmed, up], NO_LOAD, 0.1)

    assert (first["a"].limit_w, first["b"].limit_w) == (0, 0)
    assert first["b"].is_waiting
    assert not first["b"].is_guarded
    assert second["b"].limit_w == 7400


def test_after_a_lowering_it_does_not_flap() -> None:
    guard = Guard(ONE_PHASE, hold_s=1.0)
    guard.settle([demand("a", SWITCH, 7400, 7400)], house(4000), 0.0)

    soon = guard.settle([demand("a", SWITCH, 7400)], house(3000), 0.9)
    later = guard.settle([demand("a", SWITCH, 7400)], house(3000), 1.0)

    assert (soon["a"].limit_w, soon["a"].is_guarded, soon["a"].is_waiting) == (0, False, True)
    assert later["a"].limit_w == 7400


def test_switched_off_it_guards_nothing() -> None:
    guard = Guard(ONE_PHASE, hold_s=1.0, is_on=False)

    assert guard.settle([demand("a", SWITCH, 7400)], house(9000), 0.0)["a"].limit_w == 7400


@st.composite
def stations(draw: st.DrawFn, phases_of_site: int) -> Levels:
    phases = tuple(
        sorted(
            draw(
                st.sets(st.integers(1, phases_of_site), min_size=1, max_size=phases_of_site),
            )
        )
    )
    if draw(st.booleans()):
        power_w = draw(st.sampled_from([2300.0, 3680.0, 7400.0, 11_000.0]))
        full_a = power_w / (230.0 * len(phases))
        return Levels(Control.SWITCH, phases, 230.0, full_a, full_a, full_a, power_w)
    max_a = draw(st.sampled_from([10.0, 16.0, 32.0]))
    step_a = draw(st.sampled_from([0.1, 1.0, 2.5]))
    return Levels(Control.CURRENT, phases, 230.0, 6.0, max_a, step_a, max_a * 230.0 * len(phases))


@st.composite
def sites(draw: st.DrawFn) -> tuple[list[Levels], FuseLimit, int]:
    phases = draw(st.sampled_from([1, 3]))
    fuse_a = draw(st.floats(16, 63))
    limit = FuseLimit(fuse_a * 230 * phases, fuse_a * 230)
    return draw(st.lists(stations(phases), min_size=1, max_size=6)), limit, phases


def total(levels: list[Levels], powers_w: list[float], load: PhaseLoads) -> PhaseLoads:
    sums = list(load)
    for station, power_w in zip(levels, powers_w, strict=True):
        for phase, share_w in enumerate(phase_loads(station, power_w)):
            sums[phase] += share_w
    return sums[0], sums[1], sums[2]


def play(guard: Guard, site: tuple[list[Levels], FuseLimit, int], rounds: st.DataObject) -> int:
    """Let demands, loads and slow stations vary; returns in how many rounds the fuse was exceeded.

    Each station takes its orders only when it likes; the house changes only as far as the fuse
    carries it with what the stations may draw at that moment, since nobody can guard before a fact.
    """
    levels, limit, phases = site
    granted = [0.0] * len(levels)
    actual = [0.0] * len(levels)
    overloads = 0
    for round_number in range(12):
        load_w = rounds.draw(st.floats(0, 1.0)) * limit.per_phase_w
        load = (load_w, load_w if phases > 1 else 0.0, load_w if phases > 1 else 0.0)
        if not limit.carries(total(levels, actual, load)):
            load = NO_LOAD
        demands = [
            Demand(
                f"s{number}",
                station,
                station.floor_w(
                    rounds.draw(st.sampled_from([0.0, 0.5, 1.0])) * station.max_power_w
                ),
                granted[number],
                max(actual[number], granted[number]),
            )
            for number, station in enumerate(levels)
        ]
        grants = guard.settle(demands, load, float(round_number))
        for number, wish in enumerate(demands):
            granted[number] = grants[wish.station].limit_w
            assert granted[number] <= max(wish.wanted_w, wish.granted_w) + 1e-3
            # Down, a station goes when it likes; up, it may go at once.
            has_obeyed = rounds.draw(st.booleans())
            if has_obeyed or granted[number] > actual[number]:
                actual[number] = granted[number]
        overloads += not limit.carries(total(levels, actual, load))
    return overloads


@given(site=sites(), rounds=st.data())
def test_the_fuse_holds_at_every_instant(
    site: tuple[list[Levels], FuseLimit, int], rounds: st.DataObject
) -> None:
    assert play(Guard(site[1], hold_s=2.0), site, rounds) == 0


def test_with_the_guard_off_the_fuse_is_exceeded() -> None:
    levels = [SWITCH, SWITCH]
    guard = Guard(ONE_PHASE, hold_s=2.0, is_on=False)
    grants = guard.settle(
        [demand(f"s{number}", station, 7400) for number, station in enumerate(levels)], NO_LOAD, 0
    )

    assert not ONE_PHASE.carries(total(levels, [g.limit_w for g in grants.values()], NO_LOAD))


@given(site=sites(), load_w=st.floats(-5000, 20_000), data=st.data())
def test_shares_are_levels_that_keep_the_fuse_and_leave_no_room_for_another_step(
    site: tuple[list[Levels], FuseLimit, int], load_w: float, data: st.DataObject
) -> None:
    levels, limit, phases = site
    share = load_w / phases
    load = (share, share if phases > 1 else 0.0, share if phases > 1 else 0.0)
    assume(limit.carries(load))
    demands = [
        demand(f"s{number}", station, station.maximum_w) for number, station in enumerate(levels)
    ]

    shares = fair_shares(demands, load, limit)

    powers = [shares[wish.station] for wish in demands]
    assert limit.carries(total(levels, powers, load))
    for station, power_w in zip(levels, powers, strict=True):
        assert station.floor_w(power_w) == pytest.approx(power_w)
    if all(power_w == 0 for power_w in powers):
        for station in levels:
            alone = total([station], [station.minimum_w], load)
            assert not limit.carries(alone)
