"""What all stations of a plan may draw together at any time, on each phase."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass

from wattbus_scheduler.headroom import with_car
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Car


@dataclass(frozen=True, slots=True)
class PowerProfile:
    """Power per phase by time: `used_w[i]` from `starts_s[i]` (POSIX seconds) on."""

    starts_s: list[float]
    used_w: list[tuple[float, ...]]

    def used_at(self, at_s: float) -> tuple[float, ...]:
        """Return the power on each phase at an instant."""
        return self.used_w[max(0, bisect_right(self.starts_s, at_s) - 1)]


def profile_of(plan: Plan, cars: dict[str, Car], phases: int) -> PowerProfile:
    """Add up the limits of all stations."""
    changes: dict[float, list[float]] = defaultdict(lambda: [0.0] * phases)
    nothing = (0.0,) * phases
    for station in plan.stations:
        car = cars[station.station_id]
        for slot in station.charging_slots:
            shares_w = with_car(nothing, car, slot.limit_w)
            for phase, share_w in enumerate(shares_w):
                changes[slot.start_at.timestamp()][phase] += share_w
                changes[slot.end_at.timestamp()][phase] -= share_w
    starts_s, used_w = [float("-inf")], [nothing]
    for at_s in sorted(changes):
        starts_s.append(at_s)
        pairs = zip(used_w[-1], changes[at_s], strict=True)
        used_w.append(tuple(max(0.0, used + change) for used, change in pairs))
    return PowerProfile(starts_s, used_w)
