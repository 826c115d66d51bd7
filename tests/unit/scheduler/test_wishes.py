"""What people wish while the scheduler runs: less current, another strategy."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from unit.scheduler.scripted_site import STATION, ScriptedSite
from unit.scheduler.test_controller import feed, limits, plans, run_until
from unit.scheduler.test_replay import INSTANCE, Recorder
from wattbus_contract import facts, topics
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState
from wattbus_contract.requests import StrategyWish
from wattbus_scheduler.controller import Controller, LimitDecided, PlanMade
from wattbus_scheduler.plan import Plan, ReasonCode
from wattbus_scheduler.replay import replay
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.shell import controller_of
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings, strategy_named
from wattbus_scheduler.verify import violations
from wattbus_scheduler.wire import limit_message, plan_message


def started(site: ScriptedSite, strategy: str = "cheapest", *more: Decoded) -> Controller:
    controller = controller_of(SchedulerSettings(strategy=strategy))
    for message in (*site.snapshot(), *more):
        controller.handle(message)
    controller.complete_snapshot()
    return controller


def goal_of(site: ScriptedSite) -> Decoded:
    return site.message(topics.GOAL, site.goal(), station=STATION)


def wish_for(site: ScriptedSite, strategy: str) -> Decoded:
    return site.message(topics.STRATEGY, StrategyWish(strategy=strategy))


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize(("allowed_a", "level_a"), [(10.7, 10), (6, 6), (40, 32)])
def test_no_strategy_plans_more_current_than_a_person_allows(
    strategy: str, allowed_a: float, level_a: float
) -> None:
    site = ScriptedSite(control=facts.Control.CURRENT, max_current_a=allowed_a)

    made = plans(feed(started(site, strategy), site, site.meter()))[0].plan

    levels_w = [slot.limit_w for slot in made.stations[0].charging_slots]
    assert levels_w
    assert max(levels_w) <= level_a * 230 + 1e-6 or allowed_a == 40
    assert max(levels_w) <= allowed_a * 230


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize("mode", [facts.Mode.SMART, facts.Mode.NOW])
def test_a_charger_that_needs_more_than_a_person_allows_is_off_and_the_shortfall_is_stated(
    strategy: str, mode: facts.Mode
) -> None:
    site = ScriptedSite(max_current_a=16, mode=mode)

    outputs = feed(started(site, strategy), site, site.meter())

    (limit,) = limits(outputs)
    assert (limit.limit_w, limit.reason.code) == (0, ReasonCode.MAX_CURRENT)
    assert limit.reason.text == "off: somebody allows at most 16 A, the charger needs 32.2 A"
    assert plans(outputs)[0].plan.stations[0].shortfall_wh == pytest.approx(27_780, abs=1)


def test_a_limit_of_the_current_that_is_taken_back_gives_a_new_plan() -> None:
    site = ScriptedSite(max_current_a=16, mode=facts.Mode.NOW)
    controller = started(site)
    feed(controller, site, site.meter())

    site.max_current_a = None
    outputs = feed(controller, site, goal_of(site))

    assert limits(outputs)[0].limit_w == 7400


def test_a_limited_car_reaches_its_target_at_its_lower_power() -> None:
    site = ScriptedSite(control=facts.Control.CURRENT, max_current_a=10, reading_s=60)
    site.departure_at = site.now + timedelta(hours=24)
    controller = started(site, "optimal")

    outputs = run_until(controller, site, lambda: site.soc_percent >= 80)

    assert max(limit.limit_w for limit in limits(outputs)) == pytest.approx(2300)
    assert site.now <= site.departure_at + timedelta(minutes=1)


def test_another_strategy_is_followed_at_once_and_given_back() -> None:
    site = ScriptedSite()
    controller = started(site)
    feed(controller, site, site.meter())

    load = feed(controller, site, wish_for(site, "load"))
    same = feed(controller, site, wish_for(site, "load"))
    unknown = feed(controller, site, wish_for(site, "my-own"))
    now = feed(controller, site, wish_for(site, "now"))
    own = feed(controller, site, wish_for(site, ""))

    assert [made.plan.strategy for made in plans(load + now + own)] == ["load", "now", "cheapest"]
    assert same == unknown == []
    assert [limit.reason.code for limit in limits(load)] == [ReasonCode.CHARGING_LOWEST_LOAD]
    assert plans(load)[0].caused_by.seq < plans(now)[0].caused_by.seq


def test_an_unknown_strategy_is_remembered_until_another_wish() -> None:
    site = ScriptedSite()
    controller = started(site, "cheapest", wish_for(site, "my-own"))

    first = controller.unknown_strategy
    feed(controller, site, wish_for(site, "load"))

    assert (first, controller.unknown_strategy) == ("my-own", "")


def test_a_strategy_that_was_chosen_before_the_start_is_followed_from_the_start() -> None:
    site = ScriptedSite()

    controller = started(site, "cheapest", wish_for(site, "load"))

    assert plans(feed(controller, site, site.meter()))[0].plan.strategy == "load"


def test_strategies_see_the_plan_that_runs_until_the_clock_is_set_back_or_another_is_chosen() -> (
    None
):
    seen: list[Plan | None] = []

    def planner(situation: Situation, now: datetime) -> Plan:
        seen.append(situation.running_plan)
        return strategy_named("cheapest")(situation, now, StrategySettings())

    site = ScriptedSite()
    controller = Controller(planner, planner_named={"same": partial(planner)}.get)
    for message in site.snapshot():
        controller.handle(message)
    controller.complete_snapshot()

    first = plans(feed(controller, site, site.meter()))[0].plan
    site.target_soc_percent = 90
    second = plans(feed(controller, site, goal_of(site)))[0].plan
    feed(controller, site, wish_for(site, "my-own"))
    feed(controller, site, wish_for(site, "same"))
    site.now -= timedelta(hours=1)
    feed(controller, site, site.meter())

    assert seen == [None, first, second, None, None]


def test_the_joint_planner_costs_the_least_live_with_few_starts() -> None:
    site = ScriptedSite(control=facts.Control.CURRENT, reading_s=60)
    controller = started(site, "optimal")

    outputs = run_until(controller, site, lambda: site.soc_percent >= 80)

    assert site.cost <= 13.73 * 1.02
    powers_w = [limit.limit_w for limit in limits(outputs)]
    starts = sum(
        1 for before, after in zip([0.0, *powers_w], powers_w, strict=False) if after > 0 == before
    )
    assert starts <= 3


def recorded(site: ScriptedSite, *wishes: str, is_chosen_before: bool) -> Recorder:
    """Half a day in which people choose one strategy after the other."""
    recorder, left = Recorder(), list(wishes)
    before = [wish_for(site, left.pop(0))] if is_chosen_before else []
    snapshot = [*site.snapshot(), *before]
    controller = controller_of(SchedulerSettings(strategy="cheapest"))
    for message in snapshot:
        recorder.add_decoded(message)
        controller.handle(message)
    controller.complete_snapshot()
    lease = LeaseState(epoch=1, ttl_s=15, bridge_boot_id="bridge-boot-1", holder=INSTANCE)
    recorder.add_decoded(site.message(topics.LEASE_STATE, lease))
    for number in range(60):
        messages = [site.meter()]
        if left and number % 15 == 14:
            messages.append(wish_for(site, left.pop(0)))
        for message in messages:
            recorder.add_decoded(message)
            for output in feed(controller, site, message):
                if isinstance(output, PlanMade):
                    recorder.add_own(site, topics.PLAN, plan_message(output, INSTANCE))
                elif isinstance(output, LimitDecided):
                    sent = limit_message(output, INSTANCE, 1, 60, "whatever")
                    recorder.add_own(site, topics.SET_LIMIT, sent, station=STATION)
        site.advance()
    return recorder


@pytest.mark.parametrize(
    ("wishes", "is_chosen_before"),
    [
        (("load", "my-own", ""), False),
        (("load", "", "now"), True),
        (("my-own", "load", "price"), True),
        (("load", "now", "price"), True),
    ],
)
def test_a_day_on_which_people_chose_strategies_gives_the_very_same_decisions(
    tmp_path: Path, wishes: tuple[str, ...], is_chosen_before: bool
) -> None:
    path = recorded(ScriptedSite(reading_s=450), *wishes, is_chosen_before=is_chosen_before).write(
        tmp_path / "events.jsonl"
    )
    out = StringIO()

    status = replay(path, None, SchedulerSettings(strategy="threshold"), out)

    assert status == 0, out.getvalue()


def test_a_recording_replayed_with_a_named_strategy_follows_no_wishes(tmp_path: Path) -> None:
    recorder = recorded(ScriptedSite(reading_s=450), "load", is_chosen_before=True)
    out = StringIO()

    replay(recorder.write(tmp_path / "events.jsonl"), "now", SchedulerSettings(), out)

    charging = [line for line in out.getvalue().splitlines() if "7.4 kW (charging" in line]
    assert charging
    assert all("at once" in line for line in charging)


def test_a_plan_under_a_person_s_limit_breaks_no_rule() -> None:
    site = ScriptedSite(control=facts.Control.CURRENT, max_current_a=10.7)
    controller = started(site, "optimal")
    seen: list[tuple[Situation, datetime, Plan]] = []
    planner = controller.planner

    def watched(situation: Situation, now: datetime) -> Plan:
        seen.append((situation, now, planner(situation, now)))
        return seen[-1][2]

    controller.planner = watched
    feed(controller, site, site.meter())

    ((situation, _, plan),) = seen
    assert list(violations(plan, situation)) == []
    wrong = replace(plan.stations[0], shortfall_wh=5000.0)
    assert list(violations(replace(plan, stations=(wrong,)), situation))
