"""What the joint planner promises beside the optimum: rules, calm, time limits, its words."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planner_cases import random_case, recorded
from unit.planner.cases import NOW, car_needing, slots_of
from unit.scheduler.situations import NOW as LATER
from unit.scheduler.situations import situations
from wattbus_scheduler import cli
from wattbus_scheduler.headroom import pieces_from
from wattbus_scheduler.optimal.bound import lower_bound
from wattbus_scheduler.optimal.grid import Task, problem_of
from wattbus_scheduler.optimal.programme import Programme
from wattbus_scheduler.plan import Plan, ReasonCode
from wattbus_scheduler.plan_file import parse_slot_scenario
from wattbus_scheduler.situation import CarControl, Site, Situation
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings, strategy_named
from wattbus_scheduler.verify import violations

HOUR = timedelta(hours=1)


def planned(situation: Situation, now: datetime = NOW, **figures: float | None) -> Plan:
    return strategy_named("optimal")(situation, now, StrategySettings(**figures))  # type: ignore[arg-type] # figures are floats or None


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@settings(max_examples=40, deadline=None)
@given(situation=situations())
def test_every_plan_of_every_strategy_passes_the_verifier(
    strategy: str, situation: Situation
) -> None:
    plan = STRATEGIES[strategy](situation, LATER, StrategySettings())

    assert violations(plan, situation) == []


@settings(max_examples=40, deadline=None)
@given(situation=situations(), step=st.sampled_from([0.0, 0.1, 1.0]), reserve=st.booleans())
def test_steps_losses_and_reserves_keep_the_rules(
    situation: Situation, step: float, reserve: bool
) -> None:
    cars = tuple(
        replace(car, current_step_a=step, overhead_w=200.0, reserve_wh=300.0 if reserve else 0.0)
        for car in situation.cars
    )
    situation = replace(situation, cars=cars)

    assert violations(planned(situation, LATER), situation) == []


@settings(max_examples=25, deadline=None)
@given(
    situation=situations(),
    knee=st.sampled_from([40.0, 80.0, 95.0]),
    least_w=st.sampled_from([500.0, 2000.0, 9000.0]),
    overhead_w=st.sampled_from([0.0, 150.0]),
)
def test_cars_that_take_less_near_full_keep_the_rules(
    situation: Situation, knee: float, least_w: float, overhead_w: float
) -> None:
    cars = tuple(
        replace(car, taper=((knee, car.max_power_w), (100.0, least_w)), overhead_w=overhead_w)
        for car in situation.cars
    )
    situation = replace(situation, cars=cars)

    assert violations(planned(situation, LATER), situation) == []


@settings(max_examples=25, deadline=None)
@given(situation=situations(), change=st.sampled_from([0.0, 0.1]), peaks=st.integers(1, 3))
def test_wear_level_power_and_several_peaks_keep_the_rules(
    situation: Situation, change: float, peaks: int
) -> None:
    cars = tuple(
        replace(
            car, high_soc_percent=60.0, high_soc_price_per_kwh_h=0.02,
            high_power_w=3000.0, high_power_price_per_kwh=0.3,
        )
        for car in situation.cars
    )  # fmt: skip
    site = replace(
        situation.site, peak_price_per_kw=2.0, peak_hours=peaks, peaks_so_far_w=(4000.0, 2000.0)
    )
    situation = replace(situation, cars=cars, site=site)
    plan = planned(situation, LATER, power_change_price_per_kw=change)

    assert violations(plan, situation) == []


@pytest.mark.parametrize("seed", range(4))
def test_many_cars_with_all_that_there_is_keep_the_rules(seed: int) -> None:
    scenario = parse_slot_scenario(random_case(7 + seed, 48, seed))
    random = np.random.default_rng(seed)
    cars = tuple(
        replace(
            car, overhead_w=200.0, reserve_wh=2000.0, high_soc_percent=60.0,
            high_soc_price_per_kwh_h=0.002, high_power_w=6000.0, high_power_price_per_kwh=0.02,
            taper=((80.0, car.max_power_w), (100.0, 3000.0)) if number % 2 else (),
        )
        for number, car in enumerate(scenario.situation.cars)
    )  # fmt: skip
    slots = tuple(
        replace(slot, surplus_w=float(random.uniform(0, 9000)), feed_in_price_per_kwh=0.05)
        for slot in scenario.situation.slots
    )
    site = replace(
        scenario.situation.site,
        peak_price_per_kw=2.0,
        peak_hours=1 + seed % 3,
        peaks_so_far_w=(9000.0, 8000.0),
    )
    situation = replace(scenario.situation, cars=cars, slots=slots, site=site)
    plan = planned(situation)

    assert violations(plan, situation) == []
    least = planned(replace(situation, cars=scenario.situation.cars, site=scenario.situation.site))
    missing, without = (sum(s.shortfall_wh for s in one.stations) for one in (plan, least))
    assert missing <= without + 10.0 * len(cars)


@settings(max_examples=60, deadline=None)
@given(situation=situations(most_cars=1), co2=st.booleans(), peak=st.booleans())
def test_no_reason_names_what_there_is_not(situation: Situation, co2: bool, peak: bool) -> None:
    site = replace(
        situation.site,
        co2_price_per_kg=1.0 if co2 else 0.0,
        peak_price_per_kw=2.0 if peak else 0.0,
    )
    slots = tuple(
        replace(slot, co2_g_per_kwh=100.0 * (number % 4))
        for number, slot in enumerate(situation.slots)
    )
    plan = planned(replace(situation, site=site, slots=slots), LATER)

    texts = [slot.reason.text for station in plan.stations for slot in station.slots]
    assert not any("other cars" in text or "wear" in text for text in texts)
    assert co2 or not any("emissions" in text for text in texts)
    assert peak or not any("peak" in text for text in texts)


@pytest.mark.parametrize("time_limit_s", [0.0, 0.05])
def test_a_plan_keeps_the_rules_however_little_time_there_is(time_limit_s: float) -> None:
    for document in (recorded()[4], random_case(30, 96, 1)):
        scenario = parse_slot_scenario(document)
        plan = planned(scenario.situation, time_limit_s=time_limit_s)

        assert violations(plan, scenario.situation) == []
        # Cheapest first without a search: not good, but most of the energy is there.
        missing = sum(station.shortfall_wh for station in plan.stations)
        assert missing < 0.2 * sum(station.expected_energy_wh for station in plan.stations)
        assert sum(station.starts for station in plan.stations) <= 3 * len(plan.stations)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_bound_holds_for_any_prices_of_room(seed: int) -> None:
    scenario = parse_slot_scenario(random_case(4, 48, 7))
    situation, random = scenario.situation, np.random.default_rng(seed)
    far = (NOW.timestamp(), NOW.timestamp() + 86_400)
    tasks = [Task(car, 9_000.0, 0.0, far, ()) for car in situation.cars]
    problem = problem_of(situation, NOW, pieces_from(situation, NOW), tasks)
    programme = Programme(problem)
    best = programme.solve()
    answer = programme.answer()

    proven = lower_bound(problem, answer)
    noisy = replace(answer, row_price=random.exponential(0.05, answer.row_price.shape))

    assert proven == pytest.approx(best, rel=1e-7)
    assert lower_bound(problem, noisy) <= best + 1e-9
    assert lower_bound(problem, replace(answer, row_price=0 * answer.row_price)) <= best + 1e-9


def test_a_small_change_of_prices_does_not_flip_what_runs() -> None:
    scenario = parse_slot_scenario(random_case(4, 96, 11))
    first = planned(scenario.situation)
    random = np.random.default_rng(5)
    slots = tuple(
        replace(slot, price_per_kwh=(slot.price_per_kwh or 0) + float(random.normal(0, 0.001)))
        for slot in scenario.situation.slots
    )
    anew = replace(scenario.situation, slots=slots)

    calm = planned(replace(anew, running_plan=first))
    restless = planned(anew)

    assert _moved_h(first, calm) <= 0.25
    assert _moved_h(first, calm) <= _moved_h(first, restless)
    assert calm.expected_cost <= restless.expected_cost * 1.01


def test_a_large_saving_is_worth_another_plan() -> None:
    slots = slots_of([0.1, 0.5, 0.5, 0.5], [0] * 4, HOUR)
    site = Site(max_power_w=None, phases=3)
    situation = Situation(site, slots, (car_needing(10, departure_at=NOW + 4 * HOUR),))
    first = planned(situation)
    cheaper_later = slots_of([0.5, 0.5, 0.5, 0.1], [0] * 4, HOUR)

    second = planned(replace(situation, slots=cheaper_later, running_plan=first))

    assert second.stations[0].charging_slots[0].start_at == NOW + 3 * HOUR


def test_a_running_car_goes_on_without_a_start() -> None:
    slots = slots_of([0.20, 0.195, 0.195, 0.20], [0] * 4, HOUR)
    site = Site(max_power_w=None, phases=3)
    car = car_needing(20, departure_at=NOW + 4 * HOUR)

    cold = planned(Situation(site, slots, (car,)), start_price=0.08)
    warm = planned(Situation(site, slots, (replace(car, is_charging=True),)), start_price=0.08)

    assert cold.stations[0].charging_slots[0].start_at == NOW + HOUR
    assert warm.stations[0].charging_slots[0].start_at == NOW


def test_charging_moves_to_own_surplus() -> None:
    slots = [
        replace(slot, surplus_w=6000 if number == 1 else 0, feed_in_price_per_kwh=0.05)
        for number, slot in enumerate(slots_of([0.2, 0.3, 0.2], [0] * 3, HOUR))
    ]
    site = Site(max_power_w=None, phases=3)
    plan = planned(Situation(site, tuple(slots), (car_needing(6.0),)))

    assert plan.expected_cost == pytest.approx(6.0 * 0.05, abs=1e-3)
    assert plan.lower_bound == pytest.approx(plan.expected_cost, abs=1e-3)


def test_a_peak_price_spreads_charging_over_the_hours() -> None:
    slots = slots_of([0.20, 0.20, 0.21, 0.22], [1000] * 4, HOUR)
    site = Site(max_power_w=None, phases=3)
    situation = Situation(site, slots, (car_needing(20, departure_at=NOW + 4 * HOUR),))
    tariff = replace(site, peak_price_per_kw=3.0)

    alone = planned(situation, start_price=0.0)
    spread = planned(replace(situation, site=tariff), start_price=0.0)

    assert max(slot.limit_w for slot in alone.stations[0].slots) == pytest.approx(11_040)
    assert max(slot.limit_w for slot in spread.stations[0].slots) == pytest.approx(5000, abs=1)
    assert violations(spread, situation) == []


def test_emissions_weigh_as_a_second_price() -> None:
    slots = tuple(
        replace(slot, co2_g_per_kwh=co2)
        for slot, co2 in zip(slots_of([0.2, 0.21], [0, 0], HOUR), [400, 20], strict=True)
    )
    site = Site(max_power_w=None, phases=3)
    situation = Situation(site, slots, (car_needing(8),))

    assert planned(situation).stations[0].charging_slots[0].start_at == NOW
    weighed = replace(situation, site=replace(site, co2_price_per_kg=0.1))
    assert planned(weighed).stations[0].charging_slots[0].start_at == NOW + HOUR


def test_losses_while_charging_speak_for_high_power() -> None:
    slots = slots_of([0.2] * 6, [0] * 6, HOUR)
    site = Site(max_power_w=None, phases=3)
    car = car_needing(12, overhead_w=300, departure_at=NOW + 6 * HOUR)
    plan = planned(Situation(site, slots, (car,)))

    hours = sum(slot.duration_s for slot in plan.stations[0].charging_slots) / 3600
    assert hours <= 2
    assert plan.stations[0].expected_energy_wh == pytest.approx(12_000 + 300 * hours, abs=1)


def test_a_phase_that_is_full_does_not_stop_the_others() -> None:
    slots = slots_of([0.1, 0.9], [0, 0], HOUR)
    site = Site(max_power_w=None, fuse_current_a=16, phases=3)
    cars = tuple(
        car_needing(3.6, f"l{phase}", phases=(phase,), max_power_w=3680, departure_at=NOW + HOUR)
        for phase in (1, 2, 3)
    )
    plan = planned(Situation(site, slots, cars))

    assert all(station.shortfall_wh == 0 for station in plan.stations)


def test_reasons_say_what_waiting_saves_and_what_at_once_would_cost() -> None:
    slots = slots_of([0.5, 0.2, 0.5], [0] * 3, HOUR)
    site = Site(max_power_w=None, phases=3, currency="EUR")
    plan = planned(Situation(site, slots, (car_needing(10, departure_at=NOW + 3 * HOUR),)))
    waiting, charging = plan.stations[0].slots[:2]

    assert waiting.reason.code is ReasonCode.WAITING_CHEAPER
    assert "30.00 ct/kWh cheaper" in waiting.reason.text
    assert charging.reason.code is ReasonCode.CHARGING_CHEAPEST
    assert "at once would cost 3.00 € more" in charging.reason.text


def test_switched_cars_share_an_hour_in_turns() -> None:
    slots = slots_of([0.1, 0.9], [1000, 1000], HOUR)
    site = Site(max_power_w=11_000)
    cars = tuple(
        car_needing(3.7, name, phases=(1,), max_power_w=7400, control=CarControl.SWITCH)
        for name in ("a", "b")
    )
    plan = planned(Situation(site, slots, cars))

    assert plan.expected_cost == pytest.approx(0.74)
    assert violations(plan, Situation(site, slots, cars)) == []


def test_other_strategies_do_not_load_the_solver() -> None:
    code = (
        "import sys, wattbus_scheduler.cli, wattbus_scheduler.shell, wattbus_scheduler.verify;"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'highspy')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_gives_a_line_of_json_for_each_scenario(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps([recorded()[0], recorded()[1]]))
    out = StringIO()

    assert cli.run(cli.parser().parse_args(["plan", str(path)]), out) == 0

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["name"] for line in lines] == ["A-1ev", "B-2ev-20A"]
    for line, document in zip(lines, recorded(), strict=False):
        assert 0 < line["lower_bound"] <= line["cost"] <= line["lower_bound"] * 1.005
        assert set(line["unmet_kwh"].values()) == {0.0}
        assert line["starts"] == len(document["vehicles"])
        assert line["seconds"] > 0
        for vehicle in document["vehicles"]:
            powers = line["power_w"][vehicle["id"]]
            assert sum(powers) / 4000 == pytest.approx(vehicle["need_kwh"], abs=1e-3)
            assert all(p == 0 or 4139.9 <= p <= 11_040.1 for p in powers)


def test_plans_of_a_file_or_a_name_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps([recorded()[0], recorded()[1]]))
    for arguments in ([str(path)], ["--scenario", "default-day"]):
        picture = tmp_path / f"{len(arguments)}.png"
        parsed = cli.parser().parse_args(["plan", *arguments, "--plot", str(picture)])

        assert cli.run(parsed, StringIO()) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("document", "complaint"),
    [("[3]", "is no object"), ("{", "Expecting"), ('{"vehicles": []}', "slot_min is missing")],
)
def test_a_file_that_cannot_be_read_is_named(
    document: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(document)

    assert cli.run(cli.parser().parse_args(["plan", str(path)]), StringIO()) == 2
    assert complaint in capsys.readouterr().err


def _moved_h(before: Plan, after: Plan) -> float:
    """Return in how many hours exactly one of the plans charges, over all cars."""
    moved = 0.0
    for station in before.stations:
        other = after.station(station.station_id)
        assert other is not None
        at = NOW
        while at < NOW + 24 * HOUR:
            one, two = station.slot_at(at), other.slot_at(at)
            is_on = [slot is not None and slot.limit_w > 0 for slot in (one, two)]
            moved += 0.25 * (is_on[0] != is_on[1])
            at += timedelta(minutes=15)
    return moved
