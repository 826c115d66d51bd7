"""Wall clocks that are set an hour ahead or back while everything runs."""

import time
from collections.abc import Callable
from datetime import datetime

from chaos import house
from chaos.run import FAKETIME, Fault
from chaos.scene import Scene
from chaos.system import BRIDGE, Options

HOUR_S = 3600.0
CONTROL = {BRIDGE: "monotonic"}
FILE = "wall-clock"
"""What libfaketime reads: an offset to the real time."""


def set_clocks(offset_s: float) -> Callable[[Scene], None]:
    """Return the fault of setting the wall clock of every service."""

    def inflict(scene: Scene) -> None:
        scene.pass_time(0.5, 2.0)
        epoch = scene.epoch()
        (scene.folder / FILE).write_text(f"{offset_s:+.0f}s\n")
        set_s = time.monotonic()
        scene.wait(lambda: _is_off(scene, set_s, offset_s), "the clocks are set", 10)
        for name in scene.system.names:
            scene.happened(f"{name}: {_offset_s(scene, name, set_s):+.0f} s")
        # Longer than lease and fail-safe: either would be over if it followed the wall clock.
        time.sleep(house.FAILSAFE_AFTER_S + house.LEASE_TTL_S)
        scene.expect_recovery(time.monotonic())
        failsafes = [
            s
            for s in scene.evidence.sent(BRIDGE, "/event", set_s)
            if s.body["kind"] == "failsafe-entered"
        ]
        scene.verdict.expect(
            "leases heed no wall clock",
            scene.epoch() == epoch and not failsafes,
            f"epoch {epoch} became {scene.epoch()}, {len(failsafes)} times into fail-safe",
        )

    return inflict


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
