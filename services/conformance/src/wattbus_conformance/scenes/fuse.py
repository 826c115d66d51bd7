"""Scenes: the house's load rises and falls, stations share a fuse, cars share a phase."""

from collections.abc import Callable

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.stage import Stage
from wattbus_contract.facts import Mode, StationInfo

HALF_HOUR_S = 1800.0


def _set_house(stage: Stage, load_w: float) -> None:
    stage.site.house_load = lambda _: load_w
    stage.say(*stage.site.readings())


def _judge_fits(stage: Stage, findings: Findings, point: str, then: Callable[[], bool]) -> None:
    """Judge that what is promised fits again in time, stays so, and what else must hold."""
    stage.overload.reset()
    fits = stage.reaches(lambda: stage.site.overload_w() == 0, 1.0)
    is_right = stage.until(then, stage.settings.react_s)
    stays = stage.overload.longest_s <= stage.settings.react_s * stage.settings.patience
    told = "; ".join(stage.told(name) for name in stage.site.stations)
    findings.judge(
        point,
        fits and stays and is_right,
        expected=f"house and limits within {stage.site.info.max_power_w:.0f} W "
        f"{stage.settings.react_s:g} s after the reading, and charging where there is room",
        seen=f"{stage.overload.worst or 'no overload'}; {told}",
    )


def _play_house(stage: Stage, findings: Findings) -> None:
    stage.begin(stage.subject)
    charges = stage.until(lambda: stage.is_charging("car1"), stage.settings.react_s)
    if not charges:
        findings.leave_untried(("fuse-house", "fuse-freed"), "it did not charge in mode now")
        return
    _set_house(stage, 5000.0)
    _judge_fits(stage, findings, "fuse-house", lambda: not stage.is_charging("car1"))
    _set_house(stage, 1000.0)
    time_scale = stage.site.info.time_scale
    charges = stage.until(
        lambda: stage.is_charging("car1"), stage.settings.react_s + HALF_HOUR_S / time_scale
    )
    findings.judge(
        "fuse-freed",
        charges,
        expected="charging again within half an hour of site time after the load has fallen to "
        "1000 W (mode now)",
        seen=stage.told("car1"),
    )


def _play_two(stage: Stage, findings: Findings) -> None:
    stage.begin(stage.subject)
    any_charges = lambda: any(map(stage.is_charging, stage.site.stations))  # noqa: E731 - said thrice below
    if not stage.until(any_charges, stage.settings.react_s):
        untried = ("fuse-two", "fuse-order", "fuse-modulate")
        findings.leave_untried(untried, "it did not charge in mode now")
        return
    _judge_fits(stage, findings, "fuse-two", any_charges)
    _play_turns(stage, findings)
    _set_house(stage, 5000.0)
    _judge_fits(stage, findings, "fuse-two", lambda: True)
    stage.say(stage.site.with_goal("car1", mode=Mode.OFF))
    _set_house(stage, 8000.0)
    findings.judge(
        "fuse-modulate",
        stage.reaches(lambda: stage.is_charging("car2") and stage.site.overload_w() == 0),
        expected="a limit of 1380 to 3000 W for car2 (6 to 32 A, mode now): the house takes "
        "8000 of 11000 W",
        seen=stage.told("car2"),
    )


def _play_turns(stage: Stage, findings: Findings) -> None:
    """Let each car take over from the other, as the order of stations must not matter."""
    if stage.site.overload_w() > 0:
        findings.leave_untried(("fuse-order",), "its limits exceed the fuse anyway")
        return
    stage.hasty.clear()
    for leaves, takes_over in (("car1", "car2"), ("car2", "car1"), ("car1", "car2")):
        stage.say(stage.site.with_goal(leaves, mode=Mode.OFF))
        has_changed = lambda on=takes_over, off=leaves: (  # noqa: E731 - bound to this turn
            stage.is_charging(on) and not stage.is_charging(off)
        )
        if not stage.until(has_changed, stage.settings.react_s):
            findings.leave_untried(("fuse-order",), f"{takes_over} did not charge in mode now")
            return
        stage.say(stage.site.with_goal(leaves, mode=Mode.NOW))
        stage.run(stage.settings.react_s / 2)
    findings.judge(
        "fuse-order",
        not stage.hasty,
        expected="no limit that is raised while house and the other limits in force leave too "
        "little under the fuse",
        seen="; ".join(limit.heard.excerpt for limit in stage.hasty[:2]) or "none",
    )


def _play_phase(stage: Stage, findings: Findings) -> None:
    stage.begin(stage.subject)
    any_charges = lambda: any(map(stage.is_charging, stage.site.stations))  # noqa: E731 - as above
    if not stage.until(any_charges, stage.settings.react_s):
        findings.leave_untried(("fuse-phase",), "it did not charge in mode now")
        return
    _judge_fits(stage, findings, "fuse-phase", any_charges)


def _two_stations() -> dict[str, StationInfo]:
    return {"car1": scenery.switched(), "car2": scenery.with_current()}


def _three_phase_stations() -> dict[str, StationInfo]:
    everywhere = {"phases": (1, 2, 3), "max_power_w": 11_040.0, "max_current_a": 16.0}
    return {
        "car1": scenery.with_current(),
        "car2": scenery.with_current(),
        "car3": scenery.with_current().model_copy(update=everywhere),
    }


NOW = scenery.wish(Mode.NOW)

HOUSE = Scene(
    "fuse-house",
    ("fuse-house", "fuse-freed"),
    lambda: scenery.site({"car1": scenery.switched()}, goal=NOW, house_load_w=2000.0, step_s=120.0),
    _play_house,
)
TWO = Scene(
    "fuse-two",
    ("fuse-two", "fuse-order", "fuse-modulate"),
    lambda: scenery.site(_two_stations(), goal=NOW, house_load_w=2000.0, step_s=120.0),
    _play_two,
)
PHASE = Scene(
    "fuse-phase",
    ("fuse-phase",),
    lambda: scenery.site(
        _three_phase_stations(), goal=NOW, house_load_w=1500.0, phases=3, fuse_current_a=20.0
    ),
    _play_phase,
)
