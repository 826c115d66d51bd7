"""What the bridge knows and wants of one station, in one place."""

from dataclasses import dataclass, field
from datetime import datetime

from wattbus_contract.base import MessageId
from wattbus_contract.control import SetLimit
from wattbus_contract.facts import Goal, Mode, StationInfo, StationState
from wattbus_station_bridge.control.failsafe import Command, Intent
from wattbus_station_bridge.control.levels import Levels
from wattbus_station_bridge.goals import RecurringGoal, Wishes, max_current_a
from wattbus_station_bridge.site_file import StationTable
from wattbus_station_bridge.stations.reading import StationReading, StationTraits
from wattbus_station_bridge.stations.worker import StationWorker

UNTOLD = Intent(0.0, "failsafe", "nothing is known of the station yet", is_failsafe=True)


@dataclass(frozen=True, slots=True)
class Pending:
    """A limit that was accepted and not answered yet."""

    message: MessageId
    limit: SetLimit


@dataclass(slots=True)
class Desk:
    """One station's papers. Powers in W; `…_s` on the monotonic clock."""

    table: StationTable
    poll_interval_s: float
    recurring: RecurringGoal
    wishes: Wishes = field(default_factory=Wishes)
    worker: StationWorker | None = None

    traits: StationTraits | None = None
    told_traits: StationTraits | None = None
    levels: Levels | None = None
    failsafe_w: float = 0.0
    reading: StationReading | None = None
    round_trip_s: float | None = None
    is_reachable: bool = False
    has_been_asked: bool = False
    has_been_reached: bool = False
    plugged_in_at: datetime | None = None
    has_reached_target: bool = False

    command: Command | None = None
    command_key: tuple[int, int] | None = None
    pending: Pending | None = None
    intent: Intent = UNTOLD
    granted_w: float = 0.0
    ordered_w: float | None = None
    is_ordered: bool = False
    told_w: float = 0.0
    applied_w: float | None = None
    is_reading_outdated: bool = False
    is_guarded: bool = False
    is_waiting: bool = False
    was_failsafe: bool = False
    order_problem: str | None = None
    repeats: int = 0
    repeat_after_s: float = 0.0

    goal: Goal | None = None
    info: StationInfo | None = None
    state: StationState | None = None
    state_said_s: float = float("-inf")

    @property
    def id(self) -> str:
        """The station's id."""
        return self.table.id

    @property
    def mode(self) -> Mode:
        """What people want of the station."""
        return self.wishes.mode or self.recurring.mode

    @property
    def max_current_a(self) -> float | None:
        """A person's limit of the station's current, per phase."""
        return max_current_a(self.recurring, self.wishes)

    @property
    def is_full(self) -> bool:
        """Whether the car has its target."""
        soc_percent = self.reading.soc_percent if self.reading is not None else None
        return self.goal is not None and (
            soc_percent is not None and soc_percent >= self.goal.target_soc_percent
        )

    @property
    def offered_w(self) -> float:
        """What the station offers, as far as is known.

        That is what it says; what it was told last where it does not say, or until it is asked
        again after an order.
        """
        if self.is_reading_outdated and self.order_problem is None:
            return self.applied_w or 0.0
        return self._said_w if self._said_w is not None else self.applied_w or 0.0

    @property
    def is_offer_known(self) -> bool:
        """Whether there is ground for `offered_w`: not before the first answer, nor after a failed
        order, which may have had its effect all the same."""
        if self.is_reading_outdated:
            return self.order_problem is None
        return self._said_w is not None or self.applied_w is not None

    @property
    def _said_w(self) -> float | None:
        return None if self.reading is None else self.reading.offered_limit_w

    @property
    def exposure_w(self) -> float:
        """The most that the station can be drawing right now.

        A station that has never answered may draw all it can; one that fell silent what it could
        draw then. What it was told counts until it confirms that it went down.
        """
        if self.levels is None:
            return self.table.max_power_w or 0.0
        if self.reading is None:
            return self.levels.max_power_w
        said_w = self._said_w or 0.0
        return max(self.granted_w, self.told_w, self.offered_w, said_w, self.reading.power_w)
