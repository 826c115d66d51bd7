"""What a car's sentences are made of: where a stretch lies and what comes after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from wattbus_scheduler.headroom import TIME_EPSILON_S
from wattbus_scheduler.selection import Stretch
from wattbus_scheduler.situation import Car, Site
from wattbus_scheduler.wording import clock, duration_text, span_text


@dataclass(frozen=True, slots=True)
class Block:
    """Charging without a break; prices and house load are means, weighted by energy."""

    start_s: float
    end_s: float
    price_per_kwh: float | None
    house_load_w: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """One car as its plan is put into words."""

    site: Site
    car: Car
    now: datetime
    stretches: Sequence[Stretch]
    blocks: Sequence[Block]

    def next_block(self, after_s: float) -> Block | None:
        """Return the first block that starts at or after an instant."""
        for block in self.blocks:
            if block.start_s >= after_s - TIME_EPSILON_S:
                return block
        return None

    def block_text(self, block: Block) -> str:
        """Return `22:00 to 24:00`."""
        return span_text(instant(block.start_s), instant(block.end_s), self.now, self.zone)

    def clock(self, at_s: float) -> str:
        """Return a local time of day."""
        return clock(instant(at_s), self.now, self.zone)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.site.time_zone

    @property
    def time_needed_text(self) -> str:
        """Return `3 h 45 min`, the time that the plan charges."""
        return duration_text(sum(s.end_s - s.start_s for s in self.stretches))

    @property
    def deadline_text(self) -> str:
        """Return ` before 07:00`, or nothing for a car that stays."""
        if self.car.departure_at is None or self.car.departure_at <= self.now:
            return ""
        return f" before {clock(self.car.departure_at, self.now, self.zone)}"


def blocks_of(stretches: Sequence[Stretch]) -> list[Block]:
    """Join stretches (in order of time) that follow each other without a break."""
    groups: list[list[Stretch]] = []
    for stretch in stretches:
        if groups and stretch.start_s - groups[-1][-1].end_s <= TIME_EPSILON_S:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    return [_block(group) for group in groups]


def _block(group: list[Stretch]) -> Block:
    energies_wh = [part.energy_wh for part in group]
    total_wh = sum(energies_wh)
    mean = None
    if all(part.price_per_kwh is not None for part in group):
        costs = [
            (part.price_per_kwh or 0.0) * wh for part, wh in zip(group, energies_wh, strict=True)
        ]
        mean = sum(costs) / total_wh
    loads = [part.house_load_w * wh for part, wh in zip(group, energies_wh, strict=True)]
    load_w = sum(loads) / total_wh
    return Block(group[0].start_s, group[-1].end_s, mean, load_w)


@lru_cache(maxsize=4096)
def instant(at_s: float) -> datetime:
    """Return POSIX seconds as an aware UTC datetime, rounded to milliseconds."""
    return datetime.fromtimestamp(round(at_s, 3), UTC)
