"""The world depends on events and time, never on who looks at it and when."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import load_scenario
from wattbus_simulator.world import PlugConflictError, UnknownStationError, World

THREE_CARS = build_household(load_scenario("three-cars"))
COURSE_DAY = build_household(load_scenario("course-day"))
WEEK_WALL_S = 7 * 24 * 4

commands = st.one_of(
    st.tuples(st.just("limit_w"), st.sampled_from(["car1", "car2", "car3"]), st.floats(0, 12_000)),
    st.tuples(st.just("limit_a"), st.sampled_from(["car1", "car2", "car3"]), st.floats(0, 40)),
    st.tuples(st.just("reset"), st.sampled_from(["car1", "car2", "car3"]), st.floats(0, 100)),
    st.tuples(st.just("toggle_plug"), st.sampled_from(["car1", "car2", "car3"]), st.just(0.0)),
)
moments = st.floats(0, WEEK_WALL_S, allow_nan=False)


def obey(world, command):
    action, station_id, number = command
    if action == "limit_w":
        world.set_limit_w(station_id, number)
    elif action == "limit_a":
        world.set_limit_a(station_id, number)
    elif action == "reset":
        world.reset_station(station_id, number)
    elif world.station(station_id).view.state.is_plugged_in:
        world.unplug(station_id)
    else:
        world.plug(station_id)


def run(timed_commands, poll_moments):
    """The world's stations at the end of a week, polled at the given moments."""
    wall = [0.0]
    world = World(THREE_CARS, lambda: wall[0], boot_id="x")
    actions = [(moment, command) for moment, command in timed_commands]
    actions += [(moment, None) for moment in poll_moments]
    for moment, command in sorted(actions, key=lambda pair: pair[0]):
        wall[0] = moment
        if command:
            obey(world, command)
        else:
            world.stations()
            world.station("car2")
    wall[0] = WEEK_WALL_S
    return [(report.view, report.transaction_id) for report in world.stations()]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(moments, commands), max_size=8, unique_by=lambda pair: pair[0]),
    st.lists(moments, max_size=12),
)
def test_any_polling_leaves_the_identical_state(timed_commands, poll_moments):
    unwatched = run(timed_commands, [])

    watched = run(timed_commands, poll_moments)

    assert watched == unwatched


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(moments, commands), max_size=8, unique_by=lambda pair: pair[0]))
def test_energy_is_conserved_from_meter_through_battery_to_road(timed_commands):
    no_resets = [pair for pair in timed_commands if pair[1][0] != "reset"]
    wall = [0.0]
    world = World(THREE_CARS, lambda: wall[0])
    before = {report.place.id: report.view.state for report in world.stations()}

    for moment, command in sorted(no_resets, key=lambda pair: pair[0]):
        wall[0] = moment
        obey(world, command)
        for report in world.stations():
            assert 0 <= report.view.soc_percent <= 100
    wall[0] = WEEK_WALL_S

    driven_wh = {"car1": 5 * 11_300, "car2": 3 * 8_000, "car3": 3 * 19_000}
    for report in world.stations():
        state, start = report.view.state, before[report.place.id]
        stored_wh = state.energy_wh - start.energy_wh
        charged_wh = state.energy_register_wh * report.place.car.battery.charging_efficiency
        road_wh = driven_wh[report.place.id] - state.trip_shortfall_wh
        assert stored_wh == pytest.approx(charged_wh - road_wh, abs=1e-3)


def test_the_switch_station_charges_at_its_power_from_the_very_moment_it_is_on(world, wall):
    wall.pass_hours(22)
    world.set_limit_w("car1", 7400)
    wall.pass_hours(2)

    report = world.station("car1")

    assert report.at == datetime(2025, 1, 15, 23, tzinfo=UTC)
    assert report.view.power_w == 7400
    assert report.view.state.energy_register_wh == pytest.approx(14_800)
    assert report.view.soc_percent == pytest.approx(20 + 14.8 / 46.3 * 100)


def test_charging_ends_at_exactly_100_percent_and_the_register_stands_still(world, wall):
    world.set_limit_w("car1", 7400)
    wall.pass_hours(48)

    report = world.station("car1")

    assert report.view.soc_percent == 100
    assert report.view.power_w == 0
    assert report.view.connector_status == "SuspendedEV"
    assert report.view.state.energy_register_wh == pytest.approx(0.8 * 46_300)


@pytest.mark.parametrize(("limit_w", "power_w"), [(7399, 0), (7400, 7400), (11_000, 7400), (0, 0)])
def test_a_switch_is_on_only_if_the_limit_covers_its_power(world, limit_w, power_w):
    world.set_limit_w("car1", limit_w)

    assert world.station("car1").view.power_w == power_w


@pytest.mark.parametrize(
    ("limit_a", "applied_a"), [(0, 0), (5.9, 0), (6, 6), (10.99, 10), (31.9, 31), (63, 32)]
)
def test_a_current_station_floors_to_its_step(make_world, limit_a, applied_a):
    world = make_world("three-cars")

    world.set_limit_a("car2", limit_a)

    seen = world.station("car2").view
    assert seen.state.limit_a == applied_a
    assert seen.power_w == pytest.approx(applied_a * 230)
    assert seen.currents_a == pytest.approx((0, applied_a, 0))


def test_watts_are_spread_over_all_phases_of_a_station(make_world):
    world = make_world("three-cars")

    world.set_limit_w("car3", 3 * 230 * 10 + 200)

    seen = world.station("car3").view
    assert seen.currents_a == pytest.approx((10, 10, 10))
    assert seen.limit_w == pytest.approx(6900)


def test_a_world_reset_sets_clock_cars_and_limits_back_but_no_counter(world, wall):
    world.set_limit_w("car1", 7400)
    wall.pass_hours(1)
    before = world.station("car1")

    world.reset()

    after = world.station("car1")
    assert after.at == datetime(2025, 1, 14, 23, tzinfo=UTC)
    assert after.view.soc_percent == 20
    assert after.view.power_w == 0
    assert after.view.state.energy_register_wh == before.view.state.energy_register_wh == 7400
    assert after.reset_count == before.reset_count + 1
    assert after.transaction_id != before.transaction_id
    assert world.house().reset_count == 1


def test_a_station_reset_leaves_the_clock(world, wall):
    world.set_limit_w("car1", 7400)
    wall.pass_hours(3)

    world.reset_station("car1", 55)

    report = world.station("car1")
    assert report.at == datetime(2025, 1, 15, 2, tzinfo=UTC)
    assert report.view.soc_percent == pytest.approx(55)
    assert report.reset_count == 1
    assert world.house().reset_count == 0


def test_a_car_leaves_and_returns_by_its_schedule_in_a_new_transaction(make_world, wall):
    world = make_world("se3-week")
    at_home = world.station("car1")

    wall.pass_hours(7)
    away = world.station("car1")
    wall.pass_hours(11)
    back = world.station("car1")

    assert at_home.departure_at == datetime(2024, 12, 2, 6, tzinfo=UTC)
    assert away.view.connector_status == "Available"
    assert away.transaction_id is None
    assert away.departure_at == datetime(2024, 12, 3, 6, tzinfo=UTC)
    assert back.transaction_id not in {None, at_home.transaction_id}
    assert back.view.state.energy_wh == pytest.approx(0.5 * 46_300 - 11_300)


def test_a_car_that_leaves_takes_no_more_power_and_its_limit_waits(make_world, wall):
    world = make_world("se3-week")
    wall.pass_hours(6)
    world.set_limit_a("car1", 32)
    wall.pass_hours(6)

    away = world.station("car1")

    assert away.view.power_w == 0
    assert away.view.state.limit_a == 32
    assert away.view.state.energy_register_wh == pytest.approx(32 * 230)


def test_a_trip_beyond_the_battery_is_counted_as_shortfall(make_world, wall):
    world = make_world("se3-week")
    world.reset_station("car1", 10)
    wall.pass_hours(8)

    state = world.station("car1").view.state

    assert state.energy_wh == 0
    assert state.trip_shortfall_wh == pytest.approx(11_300 - 4_630)


def test_a_car_cannot_be_plugged_in_twice_nor_leave_twice(world):
    with pytest.raises(PlugConflictError):
        world.plug("car1")
    world.unplug("car1")
    with pytest.raises(PlugConflictError):
        world.unplug("car1")

    world.plug("car1", 42)

    assert world.station("car1").view.soc_percent == pytest.approx(42)


def test_an_unknown_station_is_named(world):
    with pytest.raises(UnknownStationError, match="car9"):
        world.set_limit_w("car9", 0)


def test_prices_of_tomorrow_appear_when_they_are_published(make_world, wall):
    world = make_world("se3-week")
    wall.pass_hours(12.99)
    before = world.price_slots()
    wall.pass_hours(0.02)

    after = world.price_slots()

    assert (len(before), len(after)) == (24, 48)
    assert after[24].start_at - after[0].start_at == timedelta(hours=24)


def test_the_week_goes_on_from_its_first_day_when_it_is_over(make_world, wall):
    world = make_world("se3-week")
    first_day = world.price_slots()
    wall.pass_hours(7 * 24)

    again = world.price_slots()

    assert [slot.value for slot in again] == [slot.value for slot in first_day]
    assert again[0].start_at - first_day[0].start_at == timedelta(days=7)


def test_many_threads_see_one_consistent_world():
    wall = [0.0]
    world = World(COURSE_DAY, lambda: wall[0])
    problems = []

    def hammer():
        for step in range(200):
            world.set_limit_w("car1", 7400 if step % 2 else 0)
            before = world.station("car1").view.state.energy_register_wh
            wall[0] += 0.001
            after = world.station("car1").view
            if after.state.energy_register_wh < before or after.soc_percent > 100:
                problems.append((before, after))

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    state = world.station("car1").view.state
    assert problems == []
    assert state.energy_register_wh == pytest.approx(state.energy_wh - 9260)
