"""What has to be reckoned beside a course station, since it has no date and no energy meter."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from wattbus_station_bridge.clock import UnwrappedClock

STALE_AFTER = timedelta(minutes=30)
"""Two quarters without a rise: such a station counts in quarters."""


@dataclass(frozen=True, slots=True)
class CourseState:
    """The dated clock and the energy register of one station.

    `energy_kwh` is what the station said of its battery last; `risen_at` when that last rose.
    """

    clock: UnwrappedClock
    register_wh: float = 0.0
    energy_kwh: float | None = None
    risen_at: datetime | None = None

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at": self.clock.at.isoformat(),
            "shown": self.clock.shown.isoformat(),
            "reset_count": self.clock.reset_count,
            "register_wh": self.register_wh,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "CourseState":
        """Return it from JSON; what was not kept is learned anew from the next answer."""
        clock = UnwrappedClock(
            datetime.fromisoformat(document["at"]),
            time.fromisoformat(document["shown"]),
            int(document["reset_count"]),
        )
        return cls(clock, float(document["register_wh"]))


def advance(
    state: CourseState,
    clock: UnwrappedClock,
    energy_kwh: float | None,
    power_w: float,
    efficiency: float,
) -> CourseState:
    """Return the state after an answer. The register never falls.

    Where the station tells its battery's energy, a rise of that is what was charged; else the
    power is counted over the time that has passed. A fall, by more than a round-off, is a reset.
    """
    if energy_kwh is None:
        hours = (clock.at - state.clock.at) / timedelta(hours=1)
        is_plain = clock.reset_count == state.clock.reset_count
        added_wh = power_w * hours if is_plain else 0.0
        return replace(state, clock=clock, register_wh=state.register_wh + max(0.0, added_wh))
    before_kwh = state.energy_kwh
    if before_kwh is None:
        return replace(state, clock=clock, energy_kwh=energy_kwh)
    risen_kwh = energy_kwh - before_kwh
    if risen_kwh < -0.1 and clock.reset_count == state.clock.reset_count:
        clock = replace(clock, reset_count=clock.reset_count + 1)
    if risen_kwh <= 0:
        return replace(state, clock=clock, energy_kwh=energy_kwh)
    return CourseState(
        clock, state.register_wh + risen_kwh * 1000 / efficiency, energy_kwh, clock.at
    )


def has_stalled(state: CourseState, percent: float | None) -> bool:
    """Whether a full battery takes no more, although the station says that it charges."""
    if percent is None or percent < 100 or state.risen_at is None:
        return percent is not None and percent >= 100
    return state.clock.at - state.risen_at > STALE_AFTER
