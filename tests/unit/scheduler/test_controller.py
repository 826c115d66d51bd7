"""The reducer: what it decides on which message, and that it decides nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from unit.scheduler.scripted_site import STATION, ScriptedSite
from wattbus_contract import facts, topics
from wattbus_contract.codec import Decoded
from wattbus_scheduler.controller import (
    Controller,
    ControlSettings,
    LimitDecided,
    Output,
    PlanMade,
)
from wattbus_scheduler.plan import ReasonCode
from wattbus_scheduler.strategies import StrategySettings, strategy_named


def controller_of(strategy: str = "cheapest", **settings: float) -> Controller:
    plan = strategy_named(strategy)
    return Controller(
        lambda situation, now: plan(situation, now, StrategySettings()), ControlSettings(**settings)
    )


def started(site: ScriptedSite, strategy: str = "cheapest") -> Controller:
    controller = controller_of(strategy)
    for message in site.snapshot():
        assert controller.handle(message) == []
    controller.complete_snapshot()
    return controller


def feed(controller: Controller, site: ScriptedSite, message: Decoded) -> list[Output]:
    outputs = controller.handle(message)
    for output in outputs:
        if isinstance(output, LimitDecided):
            site.limit_w = output.limit_w
    return outputs


def run_until(
    controller: Controller,
    site: ScriptedSite,
    is_over: Callable[[], bool],
    most_readings: int = 20_000,
) -> list[Output]:
    outputs: list[Output] = []
    for _ in range(most_readings):
        outputs.extend(feed(controller, site, site.meter()))
        if is_over():
            return outputs
        site.advance()
    raise AssertionError(f"not over at {site.now}, {site.soc_percent:.2f} %")


def limits(outputs: list[Output]) -> list[LimitDecided]:
    return [output for output in outputs if isinstance(output, LimitDecided)]


def plans(outputs: list[Output]) -> list[PlanMade]:
    return [output for output in outputs if isinstance(output, PlanMade)]


@pytest.mark.parametrize("reading_s", [1.0, 17.0, 60.0, 90.0])
def test_cheapest_closes_the_loop_on_the_default_day_for_13_73(reading_s: float) -> None:
    site = ScriptedSite(reading_s=reading_s)
    controller = started(site)

    run_until(controller, site, lambda: site.soc_percent >= 80, most_readings=100_000)

    assert site.cost == pytest.approx(13.73, rel=0.01)
    assert site.now <= site.scenario.now + timedelta(days=1, seconds=reading_s)
    assert site.soc_percent < 80 + 7.4 / 46.3 * reading_s / 36 + 1e-6


@pytest.mark.parametrize("reading_s", [45.0, 113.0, 180.0, 225.0, 450.0])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
def test_coarse_readings_never_miss_the_target_nor_overshoot_by_more_than_one(
    reading_s: float, phase: float
) -> None:
    site = ScriptedSite(reading_s=reading_s)
    site.now += timedelta(seconds=phase * reading_s)
    controller = started(site)

    run_until(controller, site, lambda: site.soc_percent >= 80, most_readings=10_000)

    assert site.now <= site.scenario.now + timedelta(days=1, seconds=reading_s)
    assert site.soc_percent <= 80 + 7.4 / 46.3 * reading_s / 36 + 1e-6


def test_less_than_one_reading_before_the_target_no_cheaper_hour_is_waited_for() -> None:
    site = ScriptedSite(reading_s=225)
    site.now += timedelta(hours=23, minutes=30)
    site.soc_percent = 79.5
    controller = started(site)
    assert limits(feed(controller, site, site.meter()))[0].limit_w == 7400

    site.departure_at += timedelta(days=1)
    outputs = feed(controller, site, site.message(topics.GOAL, site.goal(), station=STATION))
    outputs += run_until(controller, site, lambda: site.soc_percent >= 80)

    assert [limit.limit_w for limit in limits(outputs)] == [7400, 0]
    assert limits(outputs)[0].reason.code is ReasonCode.CHARGING_TO_TARGET


@pytest.mark.parametrize("soc_percent", [79.5, 79.95, 79.999])
def test_a_last_bit_that_is_shorter_than_a_reading_is_charged_all_the_same(
    soc_percent: float,
) -> None:
    site = ScriptedSite(reading_s=450)
    site.soc_percent = soc_percent
    controller = started(site)

    outputs = run_until(controller, site, lambda: site.soc_percent >= 80)

    assert site.now <= site.scenario.now + timedelta(days=1)
    assert [limit.limit_w for limit in limits(outputs)].count(7400) == 1


def test_threshold_charges_only_at_22_and_23_and_needs_a_second_night() -> None:
    site = ScriptedSite(reading_s=60)
    controller = started(site, "threshold")

    outputs = run_until(controller, site, lambda: site.soc_percent >= 80)

    starts = [limit.decided_at.hour + 1 for limit in limits(outputs) if limit.limit_w > 0]
    assert set(starts) <= {22, 23}
    assert site.now - site.scenario.now > timedelta(days=1)
    assert site.cost == pytest.approx(9.19, rel=0.01)


def test_the_first_live_message_gives_a_plan_and_a_limit_with_their_cause() -> None:
    site = ScriptedSite()
    controller = started(site)
    message = site.meter()

    outputs = controller.handle(message)

    assert [type(output) for output in outputs] == [PlanMade, LimitDecided]
    assert all(output.caused_by == message.message_id for output in outputs)
    assert limits(outputs)[0].reason.code is ReasonCode.WAITING_CHEAPER


def test_a_plain_reading_has_no_consequences() -> None:
    site = ScriptedSite(reading_s=10)
    controller = started(site)
    controller.handle(site.meter())
    made = controller.newest_plan

    for _ in range(20):
        site.advance()
        assert controller.handle(site.meter()) == []

    assert controller.newest_plan is made


def test_charging_stops_at_the_first_reading_that_shows_the_target_and_not_before() -> None:
    site = ScriptedSite(reading_s=60)
    site.mode = facts.Mode.NOW
    controller = started(site)

    outputs = run_until(controller, site, lambda: site.soc_percent >= 80)

    last = limits(outputs)[-1]
    assert (last.limit_w, last.reason.code) == (0.0, ReasonCode.TARGET_REACHED)
    assert last.decided_at == site.now
    assert [limit.limit_w for limit in limits(outputs)].count(7400) >= 1
    assert all(limit.limit_w > 0 for limit in limits(outputs)[:-1])


def test_a_new_goal_is_acted_on_at_once() -> None:
    site = ScriptedSite()
    controller = started(site)
    feed(controller, site, site.meter())
    site.mode = facts.Mode.NOW

    outputs = feed(controller, site, site.message(topics.GOAL, site.goal(), station=STATION))

    assert limits(outputs)[0].limit_w == 7400
    assert limits(outputs)[0].reason.code is ReasonCode.CHARGING_NOW


def test_the_same_goal_again_changes_nothing() -> None:
    site = ScriptedSite()
    controller = started(site)
    feed(controller, site, site.meter())

    assert controller.handle(site.message(topics.GOAL, site.goal(), station=STATION)) == []


def test_new_prices_give_a_new_plan() -> None:
    site = ScriptedSite()
    controller = started(site)
    feed(controller, site, site.meter())
    cheap_now = [replace(s, price_per_kwh=0.01) for s in site.scenario.situation.slots[:4]]
    slots = (*cheap_now, *site.scenario.situation.slots[4:])
    site.scenario = replace(site.scenario, situation=replace(site.scenario.situation, slots=slots))

    outputs = feed(controller, site, site.message(topics.PRICE, site.price()))

    assert len(plans(outputs)) == 1
    assert limits(outputs)[0].limit_w == 7400


def test_unplugging_stops_and_plugging_in_plans_again() -> None:
    site = ScriptedSite()
    site.mode = facts.Mode.NOW
    controller = started(site)
    feed(controller, site, site.meter())
    site.advance()

    site.is_plugged_in = False
    away = feed(controller, site, site.meter())
    site.is_plugged_in = True
    back = feed(controller, site, site.meter())

    assert limits(away)[0].limit_w == 0
    assert limits(away)[0].reason.code is ReasonCode.NOT_PLUGGED_IN
    assert limits(back)[0].limit_w == 7400


def test_a_house_load_that_leaves_too_little_pauses_and_holds_for_a_while() -> None:
    site = ScriptedSite(reading_s=30)
    site.mode = facts.Mode.NOW
    controller = started(site)
    assert limits(feed(controller, site, site.meter()))[0].limit_w == 7400
    site.advance()

    site.extra_house_load_w = 5000
    paused = feed(controller, site, site.meter())
    site.extra_house_load_w = 0
    site.advance()
    still = feed(controller, site, site.meter())
    site.advance(300)
    on_again = feed(controller, site, site.meter())

    assert limits(paused)[0].limit_w == 0
    assert limits(paused)[0].reason.code is ReasonCode.PAUSED_FUSE
    assert "5.88 kW" in limits(paused)[0].reason.text
    assert limits(still) == []
    assert limits(on_again)[0].limit_w == 7400


def test_a_high_house_load_that_lasts_keeps_the_charger_off() -> None:
    site = ScriptedSite(reading_s=30)
    site.mode = facts.Mode.NOW
    controller = started(site)
    site.extra_house_load_w = 5000

    for _ in range(60):
        feed(controller, site, site.meter())
        assert site.limit_w == 0
        site.advance()


def test_a_start_ahead_of_its_slot_waits_for_the_house_as_it_is_now() -> None:
    site = ScriptedSite(reading_s=225)
    site.mode = facts.Mode.NOW
    site.now += timedelta(hours=20, minutes=58, seconds=30)
    controller = started(site)

    before = feed(controller, site, site.meter())
    site.advance(95)
    after = feed(controller, site, site.meter())

    assert [limit.limit_w for limit in limits(before)] == [0]
    assert [limit.limit_w for limit in limits(after)] == [7400]


def test_a_car_that_takes_less_than_planned_is_charged_on_to_its_target() -> None:
    site = ScriptedSite(reading_s=10, power_factor=0.96)
    site.target_soc_percent = 30
    controller = started(site)

    outputs = run_until(controller, site, lambda: site.soc_percent >= 30)

    powers_w = [limit.limit_w for limit in limits(outputs)]
    assert powers_w[powers_w.index(7400) :] == [7400, 7400, 0]
    assert limits(outputs)[-2].reason.code is ReasonCode.CHARGING_TO_TARGET


def test_a_household_meter_alone_can_stop_charging() -> None:
    site = ScriptedSite(reading_s=30)
    site.mode = facts.Mode.NOW
    controller = started(site)
    feed(controller, site, site.meter())
    household = facts.HouseholdMeter(
        at=site.now,
        house_load_w=6000,
        stations_power_w=7400,
        site_power_w=13_400,
        max_power_w=11_000,
    )

    outputs = feed(controller, site, site.message(topics.HOUSEHOLD_METER, household))

    assert limits(outputs)[0].limit_w == 0


def test_a_state_of_charge_off_the_plan_gives_a_new_plan() -> None:
    site = ScriptedSite(reading_s=10)
    controller = started(site)
    feed(controller, site, site.meter())
    site.advance()
    site.soc_percent = 60

    outputs = feed(controller, site, site.meter())

    assert len(plans(outputs)) == 1
    needed_wh = 0.2 * site.car.battery_capacity_wh
    assert plans(outputs)[0].plan.stations[0].expected_energy_wh == pytest.approx(needed_wh, abs=50)


def test_a_clock_that_is_set_back_gives_a_new_plan() -> None:
    site = ScriptedSite(reading_s=60)
    controller = started(site)
    for _ in range(100):
        feed(controller, site, site.meter())
        site.advance()
    site.now -= timedelta(seconds=90 * 60)

    outputs = feed(controller, site, site.meter())

    assert plans(outputs)[0].plan.planned_at == site.now


def test_a_departure_that_passes_short_of_the_target_is_finished_at_once() -> None:
    site = ScriptedSite(reading_s=60)
    site.departure_at = site.now + timedelta(minutes=90)
    controller = started(site)

    outputs = run_until(controller, site, lambda: site.soc_percent >= 50)

    assert ReasonCode.CHARGING_OVERDUE in {limit.reason.code for limit in limits(outputs)}
    assert 0.0 not in {limit.limit_w for limit in limits(outputs)[1:]}


def test_redelivered_and_older_messages_are_ignored() -> None:
    site = ScriptedSite()
    controller = started(site)
    site.mode = facts.Mode.NOW
    old = site.meter()
    site.advance()
    new = site.meter()
    assert limits(controller.handle(new))[0].limit_w == 7400
    was_at = controller.facts.now

    assert controller.handle(new) == []
    assert controller.handle(old) == []
    assert controller.facts.now == was_at


def test_what_an_ended_bridge_had_spooled_is_ignored_after_the_new_one_has_spoken() -> None:
    site = ScriptedSite()
    controller = started(site)
    spooled = site.meter()
    site.advance()
    site.boot_id = "bridge-boot-2"
    controller.handle(site.meter())
    was_at = controller.facts.now

    controller.handle(spooled)

    assert controller.facts.now == was_at


def test_a_station_that_tells_no_state_of_charge_is_reckoned_from_its_energy() -> None:
    site = ScriptedSite(reading_s=60)
    site.mode = facts.Mode.NOW
    controller = started(site)
    feed(controller, site, site.meter())
    site.reports_soc = False

    run_until(controller, site, lambda: site.limit_w == 0 and site.soc_percent > 50)

    assert site.soc_percent == pytest.approx(80, abs=0.3)


def test_nothing_is_decided_before_the_snapshot_is_complete() -> None:
    site = ScriptedSite()
    controller = controller_of()

    outputs = [controller.handle(message) for message in (*site.snapshot(), site.meter())]

    assert outputs == [[]] * 7
    assert controller.dry_plan() is not None


def test_the_same_messages_give_the_same_decisions() -> None:
    site = ScriptedSite(reading_s=450)
    messages = site.snapshot()
    first = started_with(messages)
    lived: list[Output] = []
    for _ in range(250):
        message = site.meter()
        messages.append(message)
        lived.extend(feed(first, site, message))
        site.advance()

    second = started_with(messages[:6])
    again = [output for message in messages[6:] for output in second.handle(message)]

    assert len(limits(lived)) > 4
    assert again == lived


def started_with(messages: list[Decoded]) -> Controller:
    controller = controller_of()
    for message in messages[:6]:
        controller.handle(message)
    controller.complete_snapshot()
    return controller
