"""A broker that is killed, stopped, hangs, or comes back without anything it knew."""

import time
from collections.abc import Callable

from chaos import house
from chaos.run import Fault
from chaos.scene import Scene
from chaos.system import BRIDGE, Options


def lose_broker(how: str) -> Callable[[Scene], None]:
    """Return the fault of losing the broker by `kill`, `stop` or `wipe`, twice."""

    def inflict(scene: Scene) -> None:
        for number in range(2):
            scene.pass_time(0.5, 2.0)
            scene.system.lose_broker(how)
            scene.pass_time(0.5, 3.0)
            starts = scene.system.broker.log().count(" starting")
            scene.system.restore_broker()
            begun_s = time.monotonic()
            is_new = scene.system.broker.log().count(" starting") == starts + 1
            scene.happened(f"{how} {number + 1}: the broker started anew", is_new)
            scene.expect_recovery(begun_s)

    return inflict


def pause_broker(scene: Scene) -> None:
    """Let the broker hang for longer than lease and fail-safe."""
    scene.pass_time(0.2, 1.0)
    scene.system.broker.pause()
    time.sleep(0.5)
    heard = len(scene.evidence.received(BRIDGE, ""))
    scene.pass_time(house.FAILSAFE_AFTER_S, house.FAILSAFE_AFTER_S + 2)
    is_silent = len(scene.evidence.received(BRIDGE, "")) == heard
    scene.happened("the bridge heard nothing meanwhile", is_silent)
    scene.expect_failsafe()
    scene.system.resume_broker()
    resumed_s = time.monotonic()
    scene.expect_recovery(resumed_s)


def lose_broker_and_bridge(scene: Scene) -> None:
    """Kill the bridge while what it has polled waits for a broker that is away."""
    scene.pass_time(0.2, 1.0)
    scene.system.lose_broker("kill")
    away_s = time.monotonic()
    scene.pass_time(2.0, 4.0)
    waiting = sum(poll.answered_s > away_s for poll in scene.evidence.polls)
    scene.happened(f"{waiting} readings waited for the broker", waiting > 0)
    scene.system.kill(BRIDGE)
    scene.happened("the bridge was killed with them", not scene.system[BRIDGE].is_running)
    scene.system.begin(BRIDGE)
    scene.pass_time(0.5, 2.0)
    scene.system.restore_broker()
    begun_s = time.monotonic()
    scene.expect_recovery(begun_s)
    scene.unguarded_until_now(away_s)


FAULTS = (
    Fault("broker-kill", "kill -9 of the broker", lose_broker("kill")),
    Fault("broker-stop", "SIGTERM of the broker", lose_broker("stop")),
    Fault("broker-wipe", "kill -9 of the broker; its volume is lost", lose_broker("wipe")),
    Fault("broker-pause", "SIGSTOP and SIGCONT of the broker", pause_broker),
    Fault(
        "broker-and-bridge",
        "kill -9 of the bridge while the broker is away",
        lose_broker_and_bridge,
    ),
    Fault(
        "without-spool",
        "broker-and-bridge with a bridge that keeps nothing on disk",
        lose_broker_and_bridge,
        Options(without={BRIDGE: "spool"}),
        must_break="0 missing",
    ),
)
