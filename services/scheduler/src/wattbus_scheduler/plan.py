"""What a strategy answers: per station and slot a limit, the reason and what it should cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise


class ReasonCode(StrEnum):
    """Why a station charges or does not, for machines."""

    CHARGING_NOW = "charging-now"
    CHARGING_MIN_SOC = "charging-min-soc"
    CHARGING_OVERDUE = "charging-overdue"
    CHARGING_CHEAPEST = "charging-cheapest"
    CHARGING_BELOW_THRESHOLD = "charging-below-threshold"
    CHARGING_LOWEST_LOAD = "charging-lowest-load"
    CHARGING_LOW_PRICE = "charging-low-price"
    CHARGING_TO_TARGET = "charging-to-target"
    CHARGING_ON = "charging-on"
    CHARGING_LEFT_OVER = "charging-left-over"
    WAITING_CHEAPER = "waiting-cheaper"
    WAITING_ABOVE_THRESHOLD = "waiting-above-threshold"
    WAITING_LOWER_LOAD = "waiting-lower-load"
    WAITING_HIGH_PRICE = "waiting-high-price"
    WAITING_NO_PRICE = "waiting-no-price"
    WAITING_FEWER_STARTS = "waiting-fewer-starts"
    PAUSED_FUSE = "paused-fuse"
    PAUSED_SHARED_FUSE = "paused-shared-fuse"
    PAUSED_PRICE_CAP = "paused-price-cap"
    TARGET_REACHED = "target-reached"
    MODE_OFF = "mode-off"
    MAX_CURRENT = "max-current"
    NOT_PLUGGED_IN = "not-plugged-in"
    NOT_ARRIVED = "not-arrived"
    DEPARTED = "departed"
    NO_PLAN = "no-plan"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code for machines and a sentence for people."""

    code: ReasonCode
    text: str


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """One station in one stretch of time; `expected_cost` in the site's currency."""

    start_at: datetime
    duration_s: float
    limit_w: float
    reason: Reason
    expected_energy_wh: float
    expected_cost: float

    @property
    def end_at(self) -> datetime:
        """The first instant that no longer belongs to the slot."""
        return self.start_at + timedelta(seconds=self.duration_s)


@dataclass(frozen=True, slots=True)
class StationPlan:
    """One station's slots in order, from now to the end of what is known.

    Energies are grid energies in Wh. `shortfall_wh` is what is missing at departure, or at the end
    of the known slots; `target_reached_at` is None if the target is missed.
    """

    station_id: str
    slots: tuple[PlannedSlot, ...]
    target_soc_percent: float
    expected_energy_wh: float
    expected_cost: float
    shortfall_wh: float
    target_reached_at: datetime | None

    def slot_at(self, instant: datetime) -> PlannedSlot | None:
        """Return the slot that holds `instant`, or None outside of the plan."""
        for slot in self.slots:
            if slot.start_at <= instant < slot.end_at:
                return slot
        return None

    @property
    def charging_slots(self) -> tuple[PlannedSlot, ...]:
        """The slots in which the station charges."""
        return tuple(slot for slot in self.slots if slot.limit_w > 0)

    @property
    def starts(self) -> int:
        """How often charging begins in this plan."""
        slots = self.charging_slots
        apart = sum(
            1
            for earlier, later in pairwise(slots)
            if (later.start_at - earlier.end_at).total_seconds() > 1e-3
        )
        return apart + bool(slots)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plans of all stations, as one strategy saw the situation at `planned_at`.

    `lower_bound`, where a strategy proves one, is what no plan undercuts that delivers as much.
    """

    planned_at: datetime
    strategy: str
    stations: tuple[StationPlan, ...]
    lower_bound: float | None = None

    @property
    def expected_cost(self) -> float:
        """The cost of all stations, in the site's currency."""
        return sum(station.expected_cost for station in self.stations)

    def station(self, station_id: str) -> StationPlan | None:
        """Return one station's plan, or None if it is not in this plan."""
        for station in self.stations:
            if station.station_id == station_id:
                return station
        return None
