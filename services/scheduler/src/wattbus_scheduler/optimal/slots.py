"""The slots of a station's plan, one after the other: charging, and waiting for one reason."""

from dataclasses import dataclass

from wattbus_scheduler.headroom import TIME_EPSILON_S
from wattbus_scheduler.outlook import instant
from wattbus_scheduler.plan import PlannedSlot, Reason
from wattbus_scheduler.selection import Stretch


@dataclass(slots=True)
class _Run:
    """Waiting for one reason, over as many pieces as it holds."""

    start_s: float
    end_s: float
    reason: Reason


class Slots:
    """A station's slots so far; waiting goes on in one slot as long as its reason is the same."""

    def __init__(self) -> None:
        self.slots: list[PlannedSlot] = []
        self.run: _Run | None = None

    def charge(self, stretch: Stretch, paid_per_kwh: float | None, reason: Reason) -> None:
        """Add a stretch of charging."""
        self.finished()
        self.slots.append(_charging_slot(stretch, paid_per_kwh, reason))

    def wait(self, start_s: float, end_s: float, reason: Reason) -> None:
        """Add a time of waiting."""
        run = self.run
        if run is not None and run.reason == reason and run.end_s > start_s - TIME_EPSILON_S:
            run.end_s = end_s
            return
        self.finished()
        self.run = _Run(start_s, end_s, reason)

    def finished(self) -> tuple[PlannedSlot, ...]:
        """Return all slots, the running one included."""
        if self.run is not None:
            self.slots.append(_waiting_slot(self.run))
            self.run = None
        return tuple(self.slots)


def _charging_slot(stretch: Stretch, paid_per_kwh: float | None, reason: Reason) -> PlannedSlot:
    start_at, end_at = instant(stretch.start_s), instant(stretch.end_s)
    energy_wh = stretch.energy_wh
    cost = energy_wh / 1000 * (paid_per_kwh or 0.0)
    duration_s = (end_at - start_at).total_seconds()
    return PlannedSlot(start_at, duration_s, stretch.power_w, reason, energy_wh, float(cost))


def _waiting_slot(run: _Run) -> PlannedSlot:
    start_at, end_at = instant(run.start_s), instant(run.end_s)
    return PlannedSlot(start_at, (end_at - start_at).total_seconds(), 0.0, run.reason, 0.0, 0.0)
