"""Services that are killed, that hang, or that are replaced."""

import time

from chaos import house
from chaos.evidence import Evidence
from chaos.run import Fault
from chaos.scene import CRASH_GAP_S, PLANNED_GAP_S, Scene
from chaos.system import BRIDGE, SIMULATOR, Options


def kill_holder(scene: Scene) -> None:
    """Kill the scheduler that holds the lease, twice; the other one takes over."""
    for _ in range(2):
        holder, epoch = scene.holder(), scene.epoch()
        scene.pass_time(0.2, 2.0)
        epoch = scene.epoch()
        killed_s = time.monotonic()
        scene.system.kill(holder)
        scene.happened(f"{holder} was killed", not scene.system[holder].is_running)
        scene.expect_swap(epoch, killed_s, CRASH_GAP_S, "crash_gap_s")
        scene.restart(holder)
        scene.expect_recovery(killed_s)


def pause_holder(scene: Scene) -> None:
    """Let the holder hang until it has lost the lease, then go on."""
    scene.pass_time(0.2, 1.0)
    holder, epoch = scene.holder(), scene.epoch()
    paused_s = time.monotonic()
    scene.system.pause(holder)
    scene.expect_swap(epoch, paused_s, CRASH_GAP_S, "crash_gap_s")
    silent = not scene.evidence.sent(holder, "", paused_s + 0.2)
    scene.happened(f"{holder} was silent while another took over", silent)
    scene.pass_time(0.5, 2.0)
    scene.system.resume(holder)
    resumed_s = time.monotonic()
    scene.expect_recovery(resumed_s)
    scene.wait(lambda: _asks(scene.evidence, holder, resumed_s), f"{holder} asks again", 10)


def swap_holder(scene: Scene) -> None:
    """Ask the holder to end, three times: it hands over to the one who waits."""
    for _ in range(3):
        scene.pass_time(house.LEASE_TTL_S / 3, house.LEASE_TTL_S)
        holder, epoch = scene.holder(), scene.epoch()
        asked_s = time.monotonic()
        scene.system.terminate(holder)
        scene.expect_swap(epoch, asked_s, PLANNED_GAP_S, "planned_gap_s")
        handed = scene.evidence.sent(holder, "/lease/request", asked_s)
        is_handed_over = any(s.body["action"] == "handover" for s in handed)
        scene.happened(f"{holder} handed over", is_handed_over)
        scene.restart(holder)
        scene.expect_recovery(asked_s)


def lose_all_schedulers(scene: Scene) -> None:
    """Kill the only scheduler: the stations go to their fail-safe limits until it is back."""
    scene.pass_time(0.2, 2.0)
    (name,) = scene.system.schedulers
    scene.system.kill(name)
    scene.expect_failsafe()
    scene.happened(f"{name} was killed and stayed away")
    begun_s = time.monotonic()
    scene.restart(name)
    scene.expect_recovery(begun_s)


def kill_bridge(scene: Scene) -> None:
    """Kill the bridge in the middle of its work, three times."""
    for number in range(3):
        scene.pass_time(0.5, 2.0)
        killed_s = time.monotonic()
        scene.system.kill(BRIDGE)
        scene.happened(f"kill {number + 1}", not scene.system[BRIDGE].is_running)
        scene.restart(BRIDGE)
        scene.expect_recovery(killed_s)
        scene.unguarded_until_now(killed_s)
    boots = {s.body["boot_id"] for s in scene.evidence.sent(BRIDGE, "/lease/state")}
    scene.happened(f"{len(boots)} processes of the bridge", len(boots) == 4)


def pause_bridge(scene: Scene) -> None:
    """Let the bridge hang for longer than lease and fail-safe."""
    scene.pass_time(0.2, 1.0)
    scene.is_disturbed = True
    polls = len(scene.evidence.polls)
    paused_s = time.monotonic()
    scene.system.pause(BRIDGE)
    time.sleep(0.3)
    polls = len(scene.evidence.polls)
    scene.pass_time(house.FAILSAFE_AFTER_S, house.FAILSAFE_AFTER_S + 2)
    scene.happened("the bridge polled nothing meanwhile", len(scene.evidence.polls) == polls)
    scene.system.resume(BRIDGE)
    resumed_s = time.monotonic()
    scene.unguarded_until_now(paused_s)
    scene.expect_recovery(resumed_s)


def kill_simulator(scene: Scene) -> None:
    """Kill the stations: when they are back they know no limits and begin their day anew."""
    scene.is_disturbed = True
    scene.pass_time(0.2, 1.0)
    killed_s = time.monotonic()
    scene.system.kill(SIMULATOR)
    scene.system.stations.refuse()
    scene.wait(lambda: _is_lost(scene.evidence, killed_s), "the stations are told to be lost", 10)
    scene.happened("the bridge says that its stations do not answer")
    scene.system.begin(SIMULATOR)
    scene.system.wait_for_simulator()
    scene.system.stations.accept()
    begun_s = time.monotonic()
    scene.expect_recovery(begun_s)
    scene.unguarded_until_now(killed_s)


def pause_simulator(scene: Scene) -> None:
    """Let the stations hang: every request runs into its timeout."""
    scene.is_disturbed = True
    scene.pass_time(0.2, 1.0)
    paused_s = time.monotonic()
    scene.system.pause(SIMULATOR)
    scene.wait(lambda: _is_lost(scene.evidence, paused_s), "the stations are told to be lost", 15)
    scene.happened("the bridge says that its stations do not answer")
    scene.system.resume(SIMULATOR)
    resumed_s = time.monotonic()
    scene.expect_recovery(resumed_s)
    scene.unguarded_until_now(paused_s)


def _asks(evidence: Evidence, name: str, since_s: float) -> bool:
    return bool(evidence.sent(name, "/lease/request", since_s))


def _is_lost(evidence: Evidence, since_s: float) -> bool:
    states = evidence.sent(BRIDGE, "/state", since_s)
    return any(s.body.get("is_reachable") is False for s in states)


FAULTS = (
    Fault("scheduler-kill", "kill -9 of the scheduler that commands", kill_holder),
    Fault("scheduler-pause", "SIGSTOP and SIGCONT of the scheduler that commands", pause_holder),
    Fault("scheduler-swap", "SIGTERM of the scheduler that commands: a hand-over", swap_holder),
    Fault(
        "scheduler-away",
        "kill -9 of the only scheduler: fail-safe",
        lose_all_schedulers,
        Options(schedulers=1),
    ),
    Fault("bridge-kill", "kill -9 of the bridge", kill_bridge),
    Fault("bridge-pause", "SIGSTOP and SIGCONT of the bridge", pause_bridge),
    Fault("stations-kill", "kill -9 of the stations, which forget their limits", kill_simulator),
    Fault("stations-pause", "SIGSTOP and SIGCONT of the stations", pause_simulator),
)
