"""Scene: a person changes mode, target and departure, the car leaves, prices change."""

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.site import Say, instant
from wattbus_conformance.stage import Stage
from wattbus_contract import topics
from wattbus_contract.facts import Mode, StationEvent, StationEventKind

CAR = "car1"


def play(stage: Stage, findings: Findings) -> None:
    """Change one thing after the other, at a slow clock."""
    stage.begin(stage.subject)
    stage.run(0.5)
    _mode_now(stage, findings)
    stage.set_clock(instant(scenery.NIGHT))
    stage.require(
        lambda: stage.is_charging(CAR),
        stage.settings.react_s,
        "it did not charge in the cheapest hour, so that nothing can be stopped",
    )
    _mode_off(stage, findings)
    _target(stage, findings)
    _car_leaves_and_returns(stage, findings)
    _price_cap(stage, findings)
    _price_change(stage, findings)
    _at_a_high_price(stage, findings)


def _judge_charging(stage: Stage, findings: Findings, point: str, when: str) -> bool:
    return findings.judge(
        point,
        stage.reaches(lambda: stage.is_charging(CAR)),
        expected=f"a limit that lets {CAR} charge within {stage.settings.react_s:g} s, {when}",
        seen=stage.told(CAR),
    )


def _judge_pause(stage: Stage, findings: Findings, point: str, when: str) -> bool:
    return findings.judge(
        point,
        stage.reaches(lambda: stage.is_told_to_pause(CAR)),
        expected=f"limit 0 for {CAR} within {stage.settings.react_s:g} s, {when}",
        seen=stage.told(CAR),
    )


def _mode_now(stage: Stage, findings: Findings) -> None:
    stage.say(stage.site.with_goal(CAR, mode=Mode.NOW))
    _judge_charging(stage, findings, "mode-now", "mode now at the highest price")
    stage.say(stage.site.with_goal(CAR, mode=Mode.SMART))
    stage.run(0.5)


def _mode_off(stage: Stage, findings: Findings) -> None:
    stage.say(stage.site.with_goal(CAR, mode=Mode.OFF))
    _judge_pause(stage, findings, "mode-off", "mode off in the cheapest hour")
    stage.say(stage.site.with_goal(CAR, mode=Mode.SMART))
    _judge_charging(stage, findings, "mode-off", "mode smart again in the cheapest hour")


def _target(stage: Stage, findings: Findings) -> None:
    stage.say(stage.site.with_goal(CAR, target_soc_percent=15.0))
    _judge_pause(stage, findings, "goal-target", "target 15 % with the car above it")
    stage.say(stage.site.with_goal(CAR, target_soc_percent=100.0))
    _judge_charging(stage, findings, "goal-target", "target 100 % again in the cheapest hour")


def _car_leaves_and_returns(stage: Stage, findings: Findings) -> None:
    _plug(stage, is_plugged_in=False)
    _judge_pause(stage, findings, "car-leaves", "the car unplugged")
    _plug(stage, is_plugged_in=True)
    _judge_charging(stage, findings, "car-returns", "the car plugged in in the cheapest hour")


def _plug(stage: Stage, *, is_plugged_in: bool) -> None:
    stage.site.stations[CAR].is_plugged_in = is_plugged_in
    kind = StationEventKind.PLUGGED_IN if is_plugged_in else StationEventKind.UNPLUGGED
    event = StationEvent(at=stage.site.at, kind=kind, text="as scripted")
    stage.say(Say(topics.STATION_EVENT, event, {"station": CAR}), *stage.site.readings())


def _price_cap(stage: Stage, findings: Findings) -> None:
    stage.say(stage.site.with_goal(CAR, price_cap_per_kwh=scenery.CHEAP / 2))
    _judge_pause(stage, findings, "goal-price-cap", "the cap below the price")
    stage.say(stage.site.with_goal(CAR, price_cap_per_kwh=None))
    stage.until(lambda: stage.is_charging(CAR), stage.settings.react_s)


def _price_change(stage: Stage, findings: Findings) -> None:
    dear = {f"2025-01-16T{hour:02}:00": 2 * scenery.DEAR for hour in range(3)}
    stage.say(stage.site.replace_price(scenery.prices(dear)))
    _judge_pause(stage, findings, "price-change", "this hour now the dearest of the day")
    stage.say(stage.site.replace_price(scenery.prices()))
    _judge_charging(stage, findings, "price-change", "this hour the cheapest again")


def _at_a_high_price(stage: Stage, findings: Findings) -> None:
    stage.set_clock(instant("2025-01-16T08:00"))
    stage.run(0.5)
    stage.say(stage.site.with_goal(CAR, departure_at=instant("2025-01-16T10:00")))
    _judge_charging(
        stage, findings, "goal-departure", "departure in 2 h, with more than 2 h to charge"
    )
    stage.say(stage.site.with_goal(CAR, departure_at=instant(scenery.NEXT_MORNING)))
    stage.run(0.5)
    stage.say(stage.site.with_goal(CAR, min_soc_percent=60.0))
    _judge_charging(stage, findings, "goal-min-soc", "the car below min_soc_percent 60")


SCENE = Scene(
    "wishes",
    (
        "mode-now", "mode-off", "goal-target", "car-leaves", "car-returns", "goal-price-cap",
        "price-change", "goal-departure", "goal-min-soc",
    ),
    lambda: scenery.site({CAR: scenery.switched()}),
    play,
)  # fmt: skip
