"""Wall clocks that are set an hour ahead or back while everything runs."""

import os
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

from chaos import house
from chaos.control_promises import LEASE, RESULT
from chaos.evidence import Sighting
from chaos.run import FAKETIME, Fault
from chaos.scene import CRASH_GAP_S, Scene
from chaos.system import BRIDGE, Options
from fixtures.broker_process import ROOT

HOUR_S = 3600.0
CONTROL = {BRIDGE: "monotonic"}
CLOCK_TICK_S = 0.05
STILL_FRESH_S = house.FAILSAFE_AFTER_S - 1.0
"""A limit stands longer than this, even if its answer was told a second late."""
FILE = "wall-clock"
"""What libfaketime reads: an offset to the real time."""


def set_clocks(offset_s: float) -> Callable[[Scene], None]:
    """Return the fault of setting the wall clock of every service, and then losing the holder."""

    def inflict(scene: Scene) -> None:
        scene.pass_time(0.5, 2.0)
        (scene.folder / FILE).write_text(f"{offset_s:+.0f}s\n")
        set_s = time.monotonic()
        scene.wait(lambda: _is_off(scene, set_s, offset_s), "the clocks are set", 10)
        for name in scene.system.names:
            scene.happened(f"{name}: {_offset_s(scene, name, set_s):+.0f} s")
        # Longer than lease and fail-safe: either would be over if it followed the wall clock.
        time.sleep(house.FAILSAFE_AFTER_S + house.LEASE_TTL_S)
        leases, failsafes = _leases_cut_short(scene), _failsafes_too_early(scene, set_s)
        scene.verdict.expect(
            "leases heed no wall clock",
            not leases and not failsafes,
            f"{leases} leases ended and {failsafes} stations fell back before it was time",
        )
        scene.expect_recovery(time.monotonic())
        holder = scene.holder()
        epoch, killed_s = scene.epoch(), time.monotonic()
        scene.system.kill(holder)
        scene.expect_swap(epoch, killed_s, CRASH_GAP_S, "crash_gap_s")
        scene.restart(holder)

    return inflict


def _leases_cut_short(scene: Scene) -> int:
    """Count the leases that the bridge took back before they had run out."""
    asked = scene.evidence.received(BRIDGE, "/lease/request")
    asked_s = {request.body["nonce"]: request.at_s for request in asked}
    return sum(
        bool(before.body.get("holder"))
        and not after.body.get("holder")
        and after.at_s - asked_s[before.body["nonce"]] < house.LEASE_TTL_S - CLOCK_TICK_S
        for before, after in pairwise(scene.evidence.sent(BRIDGE, LEASE))
    )


def _failsafes_too_early(scene: Scene, since_s: float) -> int:
    """Count how often a station fell back although a limit had just been applied."""
    entered = [
        event
        for event in scene.evidence.sent(BRIDGE, "/event", since_s)
        if event.body["kind"] == "failsafe-entered"
    ]
    applied = [s for s in scene.evidence.sent(BRIDGE, RESULT) if s.body["outcome"] == "applied"]
    return sum(
        any(
            _station(s) == _station(event) and 0 < event.at_s - s.at_s < STILL_FRESH_S
            for s in applied
        )
        for event in entered
    )


def _station(sighting: Sighting) -> str:
    return sighting.topic.split("/station/")[1].split("/")[0]


def _offset_s(scene: Scene, name: str, since_s: float) -> float:
    """Return how far a service's newest message is ahead of the real time of its sending."""
    sent = scene.evidence.sent(name, "", since_s)
    if not sent:
        return 0.0
    real_s = time.time() - (time.monotonic() - sent[-1].at_s)
    return datetime.fromisoformat(sent[-1].body["sent_at"]).timestamp() - real_s


def _is_off(scene: Scene, since_s: float, offset_s: float) -> bool:
    return all(
        abs(_offset_s(scene, name, since_s) - offset_s) < HOUR_S / 2 for name in scene.system.names
    )


def faked(without: dict[str, str] | None = None) -> Options:
    """Return a system whose services read the wall clock from a file; the monotonic one is real."""
    return Options(
        without=without or {},
        environment={
            "PYTHONPATH": os.pathsep.join([f"{ROOT}/tests/chaos/faked", f"{ROOT}/tests"]),
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_TIMESTAMP_FILE": FILE,
            "FAKETIME_CACHE_DURATION": "1",
        },
        files={FILE: "+0s\n"},
    )


NEEDS = frozenset({"faketime"})
FAULTS = (
    Fault("clock-ahead", "every wall clock an hour ahead", set_clocks(HOUR_S), faked(), NEEDS),
    Fault("clock-back", "every wall clock an hour back", set_clocks(-HOUR_S), faked(), NEEDS),
    Fault(
        "without-monotonic",
        "clock-ahead with a bridge that reckons by the wall clock",
        set_clocks(HOUR_S),
        faked(CONTROL),
        NEEDS,
        must_break="leases heed no wall clock",
    ),
)
