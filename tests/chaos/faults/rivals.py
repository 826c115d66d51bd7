"""Others who command, or who arbitrate: a zombie, a greedy scheduler, a second bridge."""

import time

from chaos import house
from chaos.control_promises import LEASE, RESULT
from chaos.run import Fault
from chaos.scene import Scene
from chaos.senders import Sender
from chaos.system import BRIDGE, END_TIMEOUT_S, Options

RIVAL = "rival"
FOREIGN = "bridge-2"
ENOUGH_REFUSED = 30
MOST_EPOCHS_RISEN = 10
ONE = Options(schedulers=1)
NO_FENCE = Options(schedulers=1, without={BRIDGE: "fence"})
NO_GUARD = Options(schedulers=1, without={BRIDGE: "guard"})


def raise_a_zombie(scene: Scene) -> None:
    """Give the lease to one that never renews it and commands on for ever."""
    zombie, epoch = _begin(scene, "zombie")
    scene.happened(f"the zombie held epoch {epoch}")
    holder_s = scene.wait(
        lambda: scene.epoch() > epoch and scene.holder() in scene.system.schedulers,
        "a scheduler takes over",
        house.LEASE_TTL_S + 10,
    )
    scene.expect_recovery(holder_s)
    scene.pass_time(2.0, 4.0)
    zombie.end()
    answers = [s for s in scene.evidence.sent(BRIDGE, RESULT, holder_s) if _is_rivals(s.body)]
    proof = f"{len(answers)} commands of the zombie were answered after its epoch"
    scene.happened(proof, len(answers) >= ENOUGH_REFUSED)


def let_one_be_greedy(scene: Scene) -> None:
    """Give the lease to one that wants everything from every station, all the time."""
    greedy, epoch = _begin(scene, "greedy")
    begun_s = time.monotonic()
    scene.pass_time(4 * house.LEASE_TTL_S, 5 * house.LEASE_TTL_S)
    answers = [s for s in scene.evidence.sent(BRIDGE, RESULT, begun_s) if _is_rivals(s.body)]
    scene.happened(f"it held epoch {epoch} and got {len(answers)} answers", len(answers) > 0)
    greedy.end()
    scene.expect_recovery(time.monotonic())


def start_a_twin(scene: Scene) -> None:
    """Start a second bridge on the same state folder: it must not start."""
    scene.system.add_foreign_bridge(FOREIGN, scene.system.state_dir)
    scene.system.begin(FOREIGN)
    is_running = scene.system.lives_on(FOREIGN, END_TIMEOUT_S)
    member = scene.system[FOREIGN]
    log = member.service.log_file.read_text()
    status = None if member.child is None else member.child.exit_status
    scene.happened(f"the second bridge was started and ended with {status}")
    scene.verdict.expect(
        "one bridge a state folder",
        not is_running and bool(status) and "another station-bridge" in log,
        f"it ended with {status}, saying {log[-300:]!r}",
    )


def start_a_foreign_bridge(scene: Scene) -> None:
    """Start a second bridge with a state folder of its own: it must hear of the first and end."""
    epoch = scene.epoch()
    scene.system.add_foreign_bridge(FOREIGN, scene.folder / "foreign-state")
    begun_s = time.monotonic()
    scene.system.begin(FOREIGN)
    scene.wait(lambda: scene.evidence.sent(FOREIGN, LEASE), "the second announces a lease", 30)
    both_s = time.monotonic()
    scene.happened("two bridges announced leases for one site")
    is_running = scene.system.lives_on(FOREIGN, END_TIMEOUT_S)
    scene.verdict.figures["two_bridges_s"] = round(time.monotonic() - both_s, 2)
    scene.unguarded_until_now(begun_s)
    log = scene.system[FOREIGN].service.log_file.read_text()
    scene.verdict.expect(
        "the later bridge gives way",
        not is_running and "another station-bridge" in log,
        f"the second bridge is {'still running' if is_running else 'gone'}: {log[-300:]!r}",
    )
    told = [
        s
        for s in scene.evidence.sent(BRIDGE, "/status", begun_s)
        if "another station-bridge" in s.body["detail"]
    ]
    scene.verdict.expect("a foreign bridge is told", bool(told), "the first bridge said nothing")
    risen = scene.epoch() - epoch
    scene.verdict.figures["epochs_risen"] = risen
    scene.verdict.expect(
        "no race of epochs", risen <= MOST_EPOCHS_RISEN, f"the epoch rose by {risen}"
    )
    scene.expect_recovery(time.monotonic())


def _begin(scene: Scene, kind: str) -> tuple[Sender, int]:
    """Take the lease away from ours and start a rival; returns it with its epoch."""
    out = scene.folder / "rival.txt"
    for name in scene.system.schedulers:
        scene.system.kill(name)
    rival = Sender(scene, RIVAL, "scheduler", kind, str(out))
    scene.wait(out.exists, "the rival gets the lease", house.LEASE_TTL_S + 20)
    epoch = int(out.read_text().split()[0])
    for name in scene.system.schedulers:
        scene.restart(name)
    return rival, epoch


def _is_rivals(body: dict[str, object]) -> bool:
    return body["instance"] == RIVAL


FAULTS = (
    Fault("rival-zombie", "a scheduler that ignores the end of its lease", raise_a_zombie, ONE),
    Fault("rival-greedy", "a scheduler that commands more than the fuse", let_one_be_greedy, ONE),
    Fault("bridge-twin", "a second bridge on the same state folder", start_a_twin),
    Fault(
        "bridge-foreign",
        "a second bridge for the same site",
        start_a_foreign_bridge,
        leaves_alarm=True,
    ),
    Fault(
        "without-fence",
        "rival-zombie with a bridge that heeds no lease",
        raise_a_zombie,
        NO_FENCE,
        must_break="0 stale limits applied",
    ),
    Fault(
        "without-guard",
        "rival-greedy with a bridge that does not watch the fuse",
        let_one_be_greedy,
        NO_GUARD,
        must_break="Σ power ≤ fuse",
    ),
)
