"""Scene: the lease is withheld, handed over, taken away, freed, and its bridge restarts."""

import math
import time

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.lease import RIVAL
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.stage import IN_FLIGHT_S, Stage
from wattbus_contract.control import LeaseAction
from wattbus_contract.facts import Mode

CAR = "car1"


def play(stage: Stage, findings: Findings) -> None:
    """Go through a lease's life with one scheduler."""
    _waits(stage, findings)
    _takes_a_handover(stage, findings)
    _is_fenced(stage, findings)
    _takes_and_renews(stage, findings)
    _survives_a_bridge_restart(stage, findings)
    _stops_by_itself(stage, findings)
    _releases(stage, findings)


def _holds(stage: Stage) -> bool:
    return stage.lease.is_held_by(stage.subject, time.monotonic())


def _provoke(stage: Stage, for_s: float) -> None:
    """Give every reason to command: what is wanted changes again and again."""
    for mode in (Mode.NOW, Mode.OFF, Mode.NOW, Mode.OFF):
        stage.say(stage.site.with_goal(CAR, mode=mode))
        stage.run(for_s / 4)
    stage.say(stage.site.with_goal(CAR, mode=Mode.SMART))


def _silent(stage: Stage, findings: Findings, point: str, since: int, when: str) -> None:
    limits = stage.recording.limits(since)
    findings.judge(
        point,
        not limits,
        expected=f"no limit {when}",
        seen=f"{len(limits)} limits, the first: {limits[0].heard.excerpt}" if limits else "none",
    )


def _waits(stage: Stage, findings: Findings) -> None:
    stage.lease.give(RIVAL, "of-the-rival", math.inf)
    stage.start(stage.subject)
    asked = stage.until(
        lambda: bool(stage.recording.lease_requests(instance=stage.subject)), stage.settings.start_s
    )
    since = stage.recording.mark()
    _provoke(stage, 3.0)
    # Two renewals' time: whoever waits has asked again by then.
    stage.run(max(0.0, stage.lease.ttl_s - 3.0))
    _silent(stage, findings, "lease-needed", 0, "while another instance holds the lease")
    again = stage.recording.lease_requests(since, stage.subject)
    findings.judge(
        "lease-waiting",
        any(request.action is LeaseAction.ACQUIRE for request in again),
        expected=f"another acquire within {stage.lease.ttl_s:g} s (ttl_s) of the first",
        seen=f"{len(again)} requests after the first" if asked else "no request at all",
    )


def _commands_since(stage: Stage, since: int) -> bool:
    epoch = stage.lease.epoch
    return any(h.limit.epoch == epoch for h in stage.recording.limits(since, stage.subject))


def _takes_a_handover(stage: Stage, findings: Findings) -> None:
    since = stage.recording.mark()
    stage.lease.give(stage.subject, "of-the-rival-too", time.monotonic())
    stage.say_lease()
    took_over = stage.until(lambda: _commands_since(stage, since), stage.settings.react_s)
    findings.judge(
        "lease-handed-over",
        took_over,
        expected=f"a limit in the new epoch within {stage.settings.react_s:g} s of a lease/state "
        "that names it as holder, with the nonce of the instance that handed over",
        seen=stage.told(CAR),
    )


def _is_fenced(stage: Stage, findings: Findings) -> None:
    # One that did not take the handover may hold it all the same, and must hear of its end.
    stage.run(0.5)
    stage.lease.give(RIVAL, "of-the-rival-again", math.inf)
    stage.say_lease()
    stage.run(IN_FLIGHT_S)
    since = stage.recording.mark()
    _provoke(stage, 3.0)
    _silent(
        stage, findings, "lease-fenced", since,
        f"later than {IN_FLIGHT_S:g} s after lease/state named another holder",
    )  # fmt: skip


def _takes_and_renews(stage: Stage, findings: Findings) -> None:
    stage.lease.free("of-the-rival-at-last")
    stage.say_lease()
    took = stage.until(lambda: _holds(stage), stage.settings.react_s)
    findings.judge(
        "lease-acquire",
        took,
        expected=f"an acquire within {stage.settings.react_s:g} s of a lease/state without holder",
        seen="none" + stage.epitaph() if not took else "acquired",
    )
    if not took:
        # One that asks on its own schedule only gets it later, so that the rest can be tried.
        stage.require(lambda: _holds(stage), stage.lease.ttl_s, "it never took the free lease")
    stage.lost_lease.clear()
    since = stage.recording.mark()
    stage.run(1.6 * stage.lease.ttl_s)
    renewals = [
        request
        for request in stage.recording.lease_requests(since, stage.subject)
        if request.action is LeaseAction.RENEW
    ]
    findings.judge(
        "lease-renew",
        not stage.lost_lease and bool(renewals),
        expected=f"a renew with epoch {stage.lease.epoch} every {stage.lease.ttl_s:g} s (ttl_s) "
        "at the latest, better three times as often",
        seen=f"{len(renewals)} renewals in {1.6 * stage.lease.ttl_s:.1f} s"
        + (", the lease ran out" if stage.lost_lease else ""),
    )
    stage.require(lambda: _holds(stage), stage.lease.ttl_s, "it does not hold the lease")


def _survives_a_bridge_restart(stage: Stage, findings: Findings) -> None:
    since = stage.recording.mark()
    stage.restart_bridge()
    came_back = stage.until(
        lambda: _holds(stage) and _commands_since(stage, since), stage.settings.react_s
    )
    findings.judge(
        "lease-bridge-restart",
        came_back,
        expected=f"an acquire and a limit in the new epoch within {stage.settings.react_s:g} s "
        "of a lease/state with a higher epoch and no holder",
        seen=stage.told(CAR),
    )
    stage.require(lambda: _holds(stage), stage.lease.ttl_s, "it does not hold the lease")


def _stops_by_itself(stage: Stage, findings: Findings) -> None:
    lease = stage.lease
    lease.answers = False
    kept_epoch, ends_s = lease.epoch, lease.expires_s
    # As cut off, the bridge announces nothing either, not even that the lease has run out.
    lease.expires_s = math.inf
    stage.run(max(0.0, ends_s - time.monotonic()))
    since = stage.recording.mark()
    _provoke(stage, 3.0)
    _silent(
        stage, findings, "lease-self-stop", since,
        f"later than {lease.ttl_s:g} s (ttl_s) after the last renewal that was answered",
    )  # fmt: skip
    lease.answers, lease.expires_s = True, time.monotonic()
    stage.require(
        lambda: _holds(stage) and lease.epoch > kept_epoch,
        lease.ttl_s,
        "it did not take the lease again after its renewals were not answered",
    )


def _releases(stage: Stage, findings: Findings) -> None:
    child = stage.children[stage.subject]
    stage.require(
        lambda: _commands_since(stage, 0),
        stage.settings.react_s,
        "it did not command in the newest epoch",
    )
    # An acquire that was on its way when another one was granted may raise the epoch once more.
    stage.run(IN_FLIGHT_S)
    since = stage.recording.mark()

    def has_given() -> bool:
        requests = stage.recording.lease_requests(since, stage.subject)
        return any(r.action in {LeaseAction.RELEASE, LeaseAction.HANDOVER} for r in requests)

    child.ask_to_end()
    stage.until(lambda: not child.is_running and has_given(), 10.0)
    findings.judge(
        "lease-release",
        has_given() and not child.is_running and stage.lease.holder != stage.subject,
        expected="release or handover, with the epoch, and the end of the process within 10 s of "
        "SIGTERM",
        seen=f"{'gave' if has_given() else 'did not give'} the lease back, "
        f"{'holds it again, ' if has_given() and stage.lease.holder == stage.subject else ''}"
        f"{'runs on' if child.is_running else 'ended'}",
    )
    findings.judge(
        "exit-status",
        child.exit_status == 0,
        expected="exit status 0",
        seen=f"exit status {child.exit_status}",
    )


SCENE = Scene(
    "holding",
    (
        "lease-acquire", "lease-renew", "lease-needed", "lease-handed-over", "lease-fenced",
        "lease-self-stop", "lease-bridge-restart", "lease-release", "lease-waiting", "exit-status",
    ),
    lambda: scenery.site({CAR: scenery.switched()}),
    play,
)  # fmt: skip
