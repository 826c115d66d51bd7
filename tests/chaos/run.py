"""Runs one fault against a fresh system and judges what independent observers saw."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos.control_promises import judge_control
from chaos.data_promises import judge_data
from chaos.evidence import Evidence
from chaos.logbook import read_logbook
from chaos.network import Network
from chaos.scene import Scene
from chaos.system import BRIDGE, LOGGER, NotReady, Options, System
from chaos.verdict import Verdict

QUIET_S = 10.0
SLOWER_S = 1.0
"""How much later a busy machine may lower a current, for each further measure of patience."""
SHORT_QUIET_S = 3.0
"""A control that is to lose something need not be waited for."""
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path("libfaketime.so.1"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: what it is, what it does, and what it needs of the machine.

    `must_break` makes it a negative control: it has passed when that promise was broken.
    `leaves_alarm` is set where a service rightly goes on telling people what has happened.
    """

    name: str
    what: str
    inflict: Callable[[Scene], None]
    options: Options = field(default_factory=Options)
    needs: frozenset[str] = frozenset()
    must_break: str | None = None
    leaves_alarm: bool = False

    def missing(self) -> str | None:
        """Return what this machine lacks for it, and what to do about that."""
        for need in sorted(self.needs):
            if not _NEEDS[need][0]():
                return _NEEDS[need][1]
        return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that is over."""

    fault: Fault
    seed: int
    verdict: Verdict
    took_s: float

    @property
    def is_good(self) -> bool:
        """Whether all promises were kept, or a negative control broke the one it should."""
        broken = self.verdict.broken
        if "fault" not in self.verdict.figures or "the fault happened" in broken:
            return False
        return not broken if self.fault.must_break is None else self.fault.must_break in broken


def run_fault(
    fault: Fault, seed: int, folder: Path, mosquitto: str, *, patience: float = 1.0
) -> Outcome:
    """Start a system in an empty folder, inflict the fault, judge, and end every process.

    What was seen on the wire stays in the folder, beside the services' logs. `patience` multiplies
    every promised time.
    """
    begun_s = time.monotonic()
    evidence = Evidence()
    with Network() as network:
        system = System(folder, network, evidence, mosquitto, fault.options)
        scene = Scene(system, network, evidence, Random(f"{fault.name} {seed}"), folder, patience)
        try:
            _play(fault, scene)
            book = read_logbook(system.data)
        finally:
            system.stop()
            system.clean()
            evidence.write(folder / "wire.jsonl")
    scene.verdict.take(judge_data(evidence, book, BRIDGE, scene.others_sent))
    scene.verdict.take(
        judge_control(
            evidence,
            BRIDGE,
            scene.unguarded,
            slower_s=scene.slower_s + (patience - 1) * SLOWER_S,
            is_disturbed=scene.is_disturbed,
        )
    )
    return Outcome(fault, seed, scene.verdict, time.monotonic() - begun_s)


def _play(fault: Fault, scene: Scene) -> None:
    try:
        scene.system.start()
        scene.settle()
        fault.inflict(scene)
        # What comes late must do no harm either.
        scene.pass_time(1.0, 2.0)
        scene.expect_recovery(time.monotonic())
        if not fault.leaves_alarm:
            scene.expect_health()
        _wind_up(scene, scene.patience * QUIET_S if fault.must_break is None else SHORT_QUIET_S)
    except NotReady as late:
        scene.verdict.broken["in time"] = str(late)


def _wind_up(scene: Scene, quiet_s: float) -> None:
    """Let what was sent so far be logged, end those who send, and cut the logger off.

    A bridge that ends before it has sent everything again keeps that for its next start; here only
    what is on the logger's disk counts.
    """
    _wait_until_logged(scene, scene.evidence.so_far(), quiet_s)
    ended_s = time.monotonic()
    for name in (*scene.system.schedulers, BRIDGE):
        scene.system.terminate(name)
    _wait_until_logged(scene, scene.evidence, quiet_s)
    scene.system.kill(LOGGER)
    scene.unguarded_until_now(ended_s)


def _wait_until_logged(scene: Scene, evidence: Evidence, timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        book = read_logbook(scene.system.data)
        if "0 missing" not in judge_data(evidence, book, BRIDGE, scene.others_sent).broken:
            return
        time.sleep(0.1)


_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (lambda: os.geteuid() == 0, "needs root, to mount a file system of its own"),
    "faketime": (FAKETIME.exists, "needs libfaketime: sudo apt-get install libfaketime"),
}
