"""What is known of a site at the moment when a row is written: the newest message of each kind."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from wattbus_contract import topics
from wattbus_contract.base import MessageId, Reason
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LimitOutcome, LimitResult, Plan, SetLimit, StationPlan
from wattbus_contract.facts import (
    Control,
    Goal,
    MeterReading,
    Mode,
    SiteInfo,
    StationInfo,
    StationState,
)
from wattbus_contract.room import make_room

REMEMBERED_SPECS = frozenset(
    spec.name
    for spec in (
        topics.SITE_INFO,
        topics.STATION_INFO,
        topics.STATION_STATE,
        topics.GOAL,
        topics.PRICE,
        topics.BASE_LOAD,
        topics.PLAN,
        topics.LEASE_STATE,
        topics.METER,
        topics.SET_LIMIT,
        topics.LIMIT_RESULT,
    )
)
"""Kinds of messages whose newest one says how the site stands."""

MODE_REASONS = {
    Mode.NOW: Reason(code="mode-now", text="mode now"),
    Mode.OFF: Reason(code="mode-off", text="mode off"),
}
FAILSAFE = Reason(code="failsafe", text="no scheduler commands")
GUARD = Reason(code="guard", text="the main fuse leaves less than the station should have")


@dataclass(slots=True)
class KnownStation:
    """The newest facts of one station."""

    info: StationInfo | None = None
    goal: Goal | None = None
    meter: MeterReading | None = None
    is_guarded: bool = False
    limit_reason: Reason | None = None
    _asked: tuple[MessageId, Reason] | None = None
    fixed_cells: str | None = None
    """The cells of a row that only a new info or goal changes, once they have been made."""
    _plan_starts_s: list[float] = field(default_factory=list)
    _plan: StationPlan | None = None

    @property
    def reason(self) -> Reason | None:
        """Why the station now charges or not, in the order in which the bridge decides."""
        if self.meter is not None:
            if self.meter.mode in MODE_REASONS:
                return MODE_REASONS[self.meter.mode]
            if self.meter.is_failsafe:
                return FAILSAFE
        if self.is_guarded:
            return GUARD
        return self.limit_reason

    def planned_limit_w(self, at: datetime) -> float | None:
        """Return what the newest plan holds for an instant, or None outside of it."""
        if self._plan is None:
            return None
        at_s = at.timestamp()
        index = bisect_right(self._plan_starts_s, at_s + 1e-3) - 1
        if index < 0:
            return None
        slot = self._plan.slots[index]
        return slot.limit_w if at_s < self._plan_starts_s[index] + slot.duration_s else None

    def note_plan(self, plan: StationPlan) -> None:
        """Follow this plan from now on."""
        self._plan = plan
        self._plan_starts_s = [slot.start_at.timestamp() for slot in plan.slots]

    def note_limit(self, message_id: MessageId, reason: Reason) -> None:
        """Remember what was asked, until the bridge tells what became of it."""
        self._asked = (message_id, reason)

    def note_result(self, result: LimitResult) -> None:
        """Take over the reason of a limit that was applied."""
        if self._asked is None or result.outcome is not LimitOutcome.APPLIED:
            return
        message_id, reason = self._asked
        if message_id == result.command:
            self.limit_reason = reason


class KnownSite:
    """Folds messages into the site's present situation; `note` them in order.

    `stations_power_w` is the sum of the newest powers of all stations.
    """

    def __init__(self) -> None:
        self.info: SiteInfo | None = None
        self.zone: tzinfo = UTC
        self.zone_name = "UTC"
        self.stations: dict[str, KnownStation] = {}
        self.stations_power_w = 0.0
        self.plan: Plan | None = None

    @property
    def currency(self) -> str:
        """The site's currency, or `?` before the site has said so."""
        return self.info.currency if self.info is not None else "?"

    @property
    def has_several_stations(self) -> bool:
        """Whether texts must tell stations apart."""
        return len(self.stations) > 1 or (self.info is not None and len(self.info.stations) > 1)

    def local(self, instant: datetime) -> datetime:
        """Return the site's local time."""
        return instant.astimezone(self.zone)

    def station(self, station_id: str) -> KnownStation:
        """Return what is known of a station, perhaps nothing yet."""
        known = self.stations.get(station_id)
        if known is None:
            self._make_room(station_id)
            known = self.stations[station_id] = KnownStation()
        return known

    @property
    def own_stations(self) -> tuple[str, ...]:
        """The stations that the site names, none before it has."""
        return () if self.info is None else self.info.stations

    def note(self, message: Decoded) -> None:
        """Take over what a message says."""
        match message.body:
            case MeterReading() as reading:
                self._note_meter(self.station(message.topic.station), reading)
            case StationState() as state:
                self.station(message.topic.station).is_guarded = state.is_guarded
            case SetLimit() as limit if message.envelope is not None:
                self.station(message.topic.station).note_limit(message.message_id, limit.reason)
            case LimitResult() as result:
                self.station(message.topic.station).note_result(result)
            case SiteInfo() as info:
                self._note_info(info)
            case StationInfo() as info:
                station = self.station(message.topic.station)
                station.info, station.fixed_cells = info, None
            case Goal() as goal:
                station = self.station(message.topic.station)
                station.goal, station.fixed_cells = goal, None
            case Plan() as plan if message.topic.spec is topics.PLAN:
                self.plan = plan
                for station_plan in plan.stations:
                    self.station(station_plan.station).note_plan(station_plan)
            case _:
                pass

    def _make_room(self, station_id: str) -> None:
        gone = make_room(self.stations, station_id, self.own_stations)
        if gone is not None and gone.meter is not None:
            self.stations_power_w -= gone.meter.power_active_import_w

    def _note_meter(self, station: KnownStation, reading: MeterReading) -> None:
        # Kept as a sum: with a thousand stations, adding up for each row would be the most work.
        former_w = station.meter.power_active_import_w if station.meter is not None else 0.0
        self.stations_power_w += reading.power_active_import_w - former_w
        station.meter = reading

    def _note_info(self, info: SiteInfo) -> None:
        self.info = info
        self.zone, self.zone_name = ZoneInfo(info.time_zone), info.time_zone


def full_power_w(info: StationInfo) -> tuple[float, float]:
    """Return the lowest power above 0 and the highest that a station can be told."""
    if info.control is Control.SWITCH:
        return info.max_power_w, info.max_power_w
    return info.min_current_a * info.voltage_v * len(info.phases), info.max_power_w
