"""Scene: nothing happens for a while, so limits have to be repeated; and the plan is read."""

import time
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.recording import HeardLimit
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.stage import Stage
from wattbus_contract import topics
from wattbus_contract.control import Plan

STATIONS = ("car1", "car2")


def play(stage: Stage, findings: Findings) -> None:
    """Take the lease, then watch an uneventful quarter of a minute."""
    stage.start(stage.subject)
    stage.require(
        lambda: stage.lease.holder == stage.subject,
        stage.settings.start_s,
        "it did not take the lease",
    )

    def untold() -> list[str]:
        told = {heard.station for heard in stage.recording.limits()}
        return [name for name in STATIONS if name not in told]

    told_all = stage.until(lambda: not untold(), stage.settings.react_s)
    missing = untold()
    findings.judge(
        "limit-all",
        told_all,
        expected=f"a limit for each station within {stage.settings.react_s:g} s of the lease",
        seen=f"none for {', '.join(missing)}" if missing else "one for each",
    )
    stage.run(scenery.FAILSAFE_AFTER_S + 2.0)
    _judge_refresh(stage, findings)
    _judge_plan(stage, findings)


def _judge_refresh(stage: Stage, findings: Findings) -> None:
    by_station: dict[str, list[HeardLimit]] = defaultdict(list)
    for heard in stage.recording.limits():
        by_station[heard.station].append(heard)
    failsafe_s = scenery.FAILSAFE_AFTER_S
    late = []
    gaps = {
        name: max(
            (later - earlier for earlier, later in pairwise(_instants(limits))),
            default=float("inf"),
        )
        for name, limits in by_station.items()
    }
    for name, limits in by_station.items():
        if gaps[name] > min(failsafe_s, *(h.limit.valid_for_s for h in limits)):
            late.append(name)
    findings.judge(
        "limit-refresh",
        bool(by_station) and not late,
        expected=f"each limit again before valid_for_s and the site's failsafe_after_s "
        f"({failsafe_s:g} s) have passed",
        seen="; ".join(
            f"{name}: " + (f"{gap:.1f} s between two limits" if gap < 1e9 else "never repeated")
            for name, gap in gaps.items()
        )
        or "no limit at all",
    )


def _instants(limits: list[HeardLimit]) -> list[float]:
    """Return when a station's limits were heard, and the end of the watch."""
    return [*(limit.heard.at_s for limit in limits), time.monotonic()]


def _judge_plan(stage: Stage, findings: Findings) -> None:
    heard = stage.recording.of(topics.PLAN)
    plans = [h.body for h in heard if isinstance(h.body, Plan) and h.is_retained]
    planned = {s.station for s in plans[-1].stations} if plans else set()
    problems = [str(h.problem) for h in heard if h.problem is not None]
    findings.judge(
        "plan-valid",
        planned == set(STATIONS) and not problems,
        expected=f"a retained plan/1 with {', '.join(STATIONS)}",
        seen=problems[0] if problems else f"{len(plans)} plans, stations {sorted(planned)}",
    )
    if plans:
        over = _overloads(stage, plans[-1])
        findings.judge(
            "plan-fits",
            not over,
            expected="limits of every slot plus the expected house load within "
            f"{stage.site.info.max_power_w:.0f} W",
            seen=over[0] if over else "all slots fit",
        )
    else:
        findings.leave_untried(("plan-fits",), "it published no plan")


def _overloads(stage: Stage, plan: Plan) -> list[str]:
    """Hold the plan against the forecast, at the middle of each of its slots."""
    over = []
    slots = [slot for station in plan.stations for slot in station.slots]
    for slot in slots:
        middle = slot.start_at + timedelta(seconds=slot.duration_s / 2)
        house_w = next(
            (
                load.power_w
                for load in stage.site.base_load.slots
                if load.start_at <= middle < load.start_at + timedelta(seconds=load.duration_s)
            ),
            0.0,
        )
        cars_w = sum(
            other.limit_w
            for station in plan.stations
            for other in station.slots
            if other.start_at <= middle < other.start_at + timedelta(seconds=other.duration_s)
        )
        if cars_w > 0 and house_w + cars_w > stage.site.info.max_power_w + 1:
            over.append(f"{middle:%a %H:%M}Z: house {house_w:.0f} W, limits {cars_w:.0f} W")
    return over


SCENE = Scene(
    "quiet",
    ("limit-all", "limit-refresh", "plan-valid", "plan-fits"),
    lambda: scenery.site(
        {"car1": scenery.switched(), "car2": scenery.with_current()}, starts=scenery.NIGHT
    ),
    play,
)
