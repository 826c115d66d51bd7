"""Scene: the broker is stopped and comes back two seconds later."""

import time

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.site import instant
from wattbus_conformance.stage import Stage

CAR = "car1"
AWAY_S = 2.0
BACK_WITHIN_S = 15.0


def play(stage: Stage, findings: Findings) -> None:
    """Restart the broker under a waiting scheduler, and see it command again."""
    broker = stage.settings.own_broker
    if broker is None:
        findings.leave_untried(("broker-restart",), "a broker of others is not restarted")
        return
    stage.begin(stage.subject)
    broker.stop()
    stage.run(AWAY_S)
    broker.start()
    back_s = time.monotonic()
    stage.require(lambda: stage.bus.is_connected, 10.0, "the suite itself did not reconnect")
    since = stage.recording.mark()
    stage.set_clock(instant(scenery.NIGHT))
    came_back = stage.until(
        lambda: stage.lease.is_held_by(stage.subject, time.monotonic()) and stage.is_charging(CAR),
        BACK_WITHIN_S - (time.monotonic() - back_s),
    )
    findings.judge(
        "broker-restart",
        came_back,
        expected=f"lease held and charging in the cheapest hour {BACK_WITHIN_S:g} s after the "
        "broker's return",
        seen=f"{len(stage.recording.limits(since))} limits since; {stage.told(CAR)}",
    )


SCENE = Scene(
    "restart",
    ("broker-restart",),
    lambda: scenery.site({CAR: scenery.switched()}),
    play,
    restarts_broker=True,
)
