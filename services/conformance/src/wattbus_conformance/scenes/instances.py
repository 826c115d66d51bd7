"""Scene: two schedulers at once; the holder is killed, its successor is asked to end."""

import time

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.stage import Stage
from wattbus_contract import topics
from wattbus_contract.control import Plan
from wattbus_contract.facts import Mode
from wattbus_contract.service import ServiceStatus, Status

CAR = "car1"
WATCH_S = 4.0


def play(stage: Stage, findings: Findings) -> None:
    """Let one command and the other wait; then make the waiting one take over, twice."""
    stage.begin(stage.subject)
    stage.start(stage.second)
    stage.require(
        lambda: bool(stage.recording.lease_requests(instance=stage.second)),
        stage.settings.start_s,
        "the second instance never asked for the lease, so it cannot be its successor",
    )
    _only_the_holder_commands(stage, findings)
    _the_holder_dies(stage, findings)
    _the_holder_is_asked_to_end(stage, findings)


def _only_the_holder_commands(stage: Stage, findings: Findings) -> None:
    since, plans_since = stage.recording.mark(), 0
    for mode in (Mode.NOW, Mode.OFF, Mode.NOW, Mode.SMART):
        stage.say(stage.site.with_goal(CAR, mode=mode))
        stage.run(WATCH_S / 4)
    others = stage.recording.limits(since, stage.second)
    own = stage.recording.limits(since, stage.subject)
    findings.judge(
        "instances-one",
        bool(own) and not others,
        expected=f"limits from {stage.subject}, which holds the lease, none from {stage.second}",
        seen=f"{len(own)} limits from {stage.subject}, {len(others)} from {stage.second}"
        + (f": {others[0].heard.excerpt}" if others else ""),
    )
    shadow = [h for h in stage.recording.of(topics.SHADOW_PLAN, plans_since) if h.body is not None]
    open_plans = [
        h
        for h in stage.recording.of(topics.PLAN, plans_since)
        if isinstance(h.body, Plan) and h.body.instance == stage.second
    ]
    findings.judge(
        "plan-shadow",
        bool(shadow) and not open_plans,
        expected=f"plans of {stage.second} on shadow/{stage.second}/plan, none on plan",
        seen=f"{len(shadow)} shadow plans, {len(open_plans)} of its plans on plan",
    )


def _takes_over(stage: Stage, who: str, within_s: float, since: int) -> bool:
    return stage.until(
        lambda: (
            stage.lease.is_held_by(who, time.monotonic())
            and bool(stage.recording.limits(since, who))
        ),
        within_s,
    )


def _the_holder_dies(stage: Stage, findings: Findings) -> None:
    since, ttl_s = stage.recording.mark(), stage.lease.ttl_s
    stage.children[stage.subject].kill()
    within_s = ttl_s + 2.0
    took_over = _takes_over(stage, stage.second, within_s, since)
    findings.judge(
        "instances-crash",
        took_over,
        expected=f"{stage.second} holds the lease and commands within ttl_s + 2 s = "
        f"{within_s:g} s of the death of {stage.subject}",
        seen=stage.told(CAR),
    )
    statuses = _statuses(stage, stage.subject)
    findings.judge(
        "status",
        Status.UP in statuses and statuses[-1] is Status.DOWN,
        expected="service-status/1 with status up, retained, and a will that says down",
        seen=", ".join(status.value for status in statuses) or "no status message",
    )
    stage.require(
        lambda: stage.lease.is_held_by(stage.second, time.monotonic()),
        2 * ttl_s,
        "nobody took over",
    )


def _the_holder_is_asked_to_end(stage: Stage, findings: Findings) -> None:
    since = stage.recording.mark()
    stage.start(stage.subject)
    stage.require(
        lambda: bool(stage.recording.lease_requests(since, stage.subject)),
        stage.settings.start_s,
        f"{stage.subject} did not ask for the lease after its restart",
    )
    since = stage.recording.mark()
    stage.children[stage.second].ask_to_end()
    took_over = _takes_over(stage, stage.subject, stage.settings.react_s, since)
    findings.judge(
        "instances-swap",
        took_over,
        expected=f"{stage.subject} holds the lease and commands within "
        f"{stage.settings.react_s:g} s of the SIGTERM to {stage.second}",
        seen=stage.told(CAR),
    )


def _statuses(stage: Stage, instance: str) -> list[Status]:
    topic = topics.SERVICE_STATUS.topic(stage.site_id, user="scheduler", client=instance)
    heard = [h for h in stage.recording.of(topics.SERVICE_STATUS) if h.topic == topic]
    return [h.body.status for h in heard if isinstance(h.body, ServiceStatus)]


SCENE = Scene(
    "instances",
    ("instances-one", "plan-shadow", "instances-crash", "status", "instances-swap"),
    lambda: scenery.site({CAR: scenery.switched()}),
    play,
)
