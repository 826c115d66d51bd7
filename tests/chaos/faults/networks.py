"""Networks that are slow, that swallow everything, or that know only one end of a connection."""

import time
from collections.abc import Callable

from chaos import house
from chaos.network import Link
from chaos.run import Fault
from chaos.scene import Scene
from chaos.system import BRIDGE, LOGGER, SCHEDULERS

DELAY_S = 0.2
LONGER_THAN_KEEPALIVE_S = 32.0


def slow_down(scene: Scene) -> None:
    """Delay everything between all services, the broker and the stations."""
    links = [*scene.system.broker_links, scene.system.stations]
    for link in links:
        link.delay(DELAY_S)
    delayed_s = time.monotonic()
    # Recovery here is: all works in spite of it.
    scene.expect_recovery(delayed_s)
    scene.pass_time(4.0, 6.0)
    chunks = [link.delayed_chunks for link in links]
    scene.happened(f"{sum(chunks)} pieces came {DELAY_S:g} s late, some on each link", all(chunks))
    # A poll and the request after it, there and back.
    scene.slower_s = 4 * DELAY_S
    for link in links:
        link.heal()
    healed_s = time.monotonic()
    scene.expect_recovery(healed_s)


def black_hole(
    name: str, least_s: float, most_s: float, *, is_failsafe: bool = False
) -> Callable[[Scene], None]:
    """Return the fault that nothing gets through between a service and the broker."""

    def inflict(scene: Scene) -> None:
        scene.pass_time(0.2, 1.0)
        link = _link(scene, name)
        begun_s = time.monotonic()
        link.hold()
        scene.pass_time(least_s, most_s)
        if is_failsafe:
            scene.expect_failsafe()
        scene.happened(f"{link.held_bytes} bytes of {name} were held", link.held_bytes > 0)
        link.heal()
        healed_s = time.monotonic()
        scene.expect_recovery(healed_s)
        if name == STATIONS:
            scene.is_disturbed = True
            scene.unguarded_until_now(begun_s)

    return inflict


def holder_cut_off(scene: Scene) -> None:
    """Cut the scheduler that commands off from the broker: it stops, the other one takes over."""
    scene.pass_time(0.2, 1.0)
    holder, epoch = scene.holder(), scene.epoch()
    link = _link(scene, holder)
    cut_s = time.monotonic()
    link.hold()
    scene.expect_swap(epoch, cut_s, house.LEASE_TTL_S + 2.0, "crash_gap_s")
    scene.happened(f"{link.held_bytes} bytes of {holder} were held", link.held_bytes > 0)
    scene.pass_time(0.5, 3.0)
    link.heal()
    healed_s = time.monotonic()
    scene.expect_recovery(healed_s)


def half_open(*names: str) -> Callable[[Scene], None]:
    """Return the fault that the broker has lost connections which the services believe in."""

    def inflict(scene: Scene) -> None:
        scene.pass_time(0.2, 1.0)
        torn_s = time.monotonic()
        links = [_link(scene, name) for name in names]
        torn = [link.tear() for link in links]
        if STATIONS in names:
            # What was read just before is still on its way, and looks like work.
            scene.wait(
                lambda: scene.has_polled_all(torn_s + IN_FLIGHT_S), "stations answer again", 30
            )
        scene.expect_recovery(torn_s)
        swallowed = [link.swallowed_bytes for link in links]
        proof = f"{sum(torn)} connections torn, {sum(swallowed)} bytes went nowhere"
        scene.happened(proof, all(torn) and all(swallowed))
        if STATIONS in names:
            scene.is_disturbed = True
            scene.unguarded_until_now(torn_s)

    return inflict


IN_FLIGHT_S = 0.1
"""From a poll that was answered to its meter value on the wire."""
STATIONS = "stations"
"""Stands for the link between bridge and stations."""


def _link(scene: Scene, name: str) -> Link:
    link = scene.system.stations if name == STATIONS else scene.system[name].link
    if link is None:
        raise ValueError(f"{name} has no link")
    return link


FAULTS = (
    Fault("network-slow", "200 ms on every way in both directions", slow_down),
    Fault(
        "network-bridge-hole",
        "a black hole between bridge and broker",
        black_hole(BRIDGE, 4.0, 7.0, is_failsafe=True),
    ),
    Fault("network-holder-hole", "a black hole before the scheduler that commands", holder_cut_off),
    Fault(
        "network-logger-hole",
        "a black hole between logger and broker, longer than the keep-alive",
        black_hole(LOGGER, LONGER_THAN_KEEPALIVE_S, LONGER_THAN_KEEPALIVE_S + 2),
    ),
    Fault(
        "network-stations-hole",
        "a black hole between bridge and stations",
        black_hole(STATIONS, 4.0, 7.0),
    ),
    Fault(
        "network-scheduler-half-open",
        "the broker has lost the schedulers",
        half_open(*SCHEDULERS),
    ),
    Fault("network-bridge-half-open", "the broker has lost the bridge", half_open(BRIDGE)),
    Fault("network-logger-half-open", "the broker has lost the logger", half_open(LOGGER)),
    Fault("network-stations-half-open", "the stations have lost the bridge", half_open(STATIONS)),
)
