"""No raise breaks a fuse, not even between two limits of one decision.

Whoever sends them may be stopped in the middle: paused, killed, or no longer allowed to command.
"""

import random
from collections.abc import Iterator
from datetime import UTC
from itertools import count

import pytest

from wattbus_conformance import scenery
from wattbus_conformance.site import Say, ScriptedSite
from wattbus_contract.base import Envelope
from wattbus_contract.codec import Decoded, decode, encode
from wattbus_contract.facts import Mode
from wattbus_scheduler.controller import Controller, LimitDecided
from wattbus_scheduler.strategies import STRATEGIES, StrategySettings

FIGURES = StrategySettings()
POLLS = 100


class Play:
    """A controller at a scripted site, whose stations take over each limit as it is decided."""

    def __init__(self, strategy: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.seq = count(1)
        self.site = site_of(self.random)
        self.controller = Controller(lambda s, now: STRATEGIES[strategy](s, now, FIGURES))
        for say in self.site.announcements():
            self.controller.handle(self.message(say))
        self.controller.complete_snapshot()

    def batches(self) -> Iterator[list[LimitDecided]]:
        """Yield what each message leads to, while loads and wishes change."""
        for _ in range(POLLS):
            said = list(self.site.poll(now_s=0.0))
            if self.random.random() < 0.1:
                load_w = self.random.choice([500.0, 2000.0, 5000.0, 9000.0])
                self.site.house_load = lambda _, load_w=load_w: load_w
                said = list(self.site.readings())
            if self.random.random() < 0.2:
                name = self.random.choice(list(self.site.stations))
                mode = self.random.choice([Mode.NOW, Mode.NOW, Mode.SMART, Mode.OFF])
                said.append(self.site.with_goal(name, mode=mode))
            for say in said:
                outputs = self.controller.handle(self.message(say))
                yield [output for output in outputs if isinstance(output, LimitDecided)]

    def apply(self, limit: LimitDecided) -> float:
        """Let a station take over a limit; return by how many W that raised it."""
        station = self.site.stations[limit.station_id]
        before_w = station.limit_w or 0.0
        station.limit_w, station.limit_ends_s = limit.limit_w, float("inf")
        return limit.limit_w - before_w

    def message(self, say: Say) -> Decoded:
        envelope = Envelope(
            schema_id=say.spec.schema_id,
            sent_at=self.site.at.astimezone(UTC),
            source="station-bridge",
            boot_id="0123456789abcdef",
            seq=next(self.seq),
        )
        return decode(say.spec.topic("home", **say.ids), encode(say.body, envelope))


def site_of(rng: random.Random) -> ScriptedSite:
    kinds = [scenery.switched, scenery.with_current]
    everywhere = {"phases": (1, 2, 3), "max_power_w": 11_040.0, "max_current_a": 16.0}
    stations = {f"car{number}": rng.choice(kinds)() for number in range(1, 5)}
    is_three_phase = rng.random() < 0.5
    if is_three_phase:
        stations["car4"] = scenery.with_current().model_copy(update=everywhere)
    return scenery.site(
        stations,
        goal=scenery.wish(rng.choice([Mode.NOW, Mode.SMART])),
        step_s=600.0,
        house_load_w=2000.0,
        phases=3 if is_three_phase else 1,
        fuse_current_a=20.0 if is_three_phase else None,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_no_raise_goes_out_before_there_is_room_for_it(strategy: str, seed: int) -> None:
    play = Play(strategy, seed)
    raises = 0
    for batch in play.batches():
        for limit in batch:
            if play.apply(limit) > 0:
                raises += 1
                assert play.site.overload_w() == 0, limit
        assert play.site.overload_w() == 0
    assert raises > 0


def test_in_the_order_of_stations_raises_would_have_gone_out_too_early() -> None:
    too_early = 0
    for seed in range(3):
        play = Play("cheapest", seed)
        for batch in play.batches():
            for limit in sorted(batch, key=lambda limit: limit.station_id):
                if play.apply(limit) > 0 and play.site.overload_w() > 0:
                    too_early += 1
    assert too_early > 0
