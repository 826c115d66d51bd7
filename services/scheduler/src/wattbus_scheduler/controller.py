"""Decides: a reducer from messages to plans and limits; reads no clock and no network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wattbus_contract.base import MessageId
from wattbus_contract.codec import Decoded
from wattbus_contract.facts import (
    Goal,
    HouseholdMeter,
    MeterReading,
    SiteInfo,
    StationEvent,
    StationEventKind,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_contract.requests import StrategyWish
from wattbus_scheduler.facts import Facts
from wattbus_scheduler.following import CLOCK_JITTER, Following, follow
from wattbus_scheduler.freshness import Freshness
from wattbus_scheduler.headroom import with_car
from wattbus_scheduler.plan import Plan, Reason, ReasonCode
from wattbus_scheduler.plausible import implausible
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.situation_builder import HeldLoad, build_situation, half_intervals

FACTS = (
    SiteInfo,
    StationInfo,
    StationState,
    MeterReading,
    StationEvent,
    HouseholdMeter,
    Goal,
    PriceForecast,
    BaseLoadForecast,
    StrategyWish,
)
"""What a decision may follow from; lease, plans and statuses of services are none."""

NO_ROOM_YET = Reason(
    ReasonCode.PAUSED_SHARED_FUSE, "waiting: until the others have been told to make room"
)

Planner = Callable[[Situation, datetime], Plan]
"""A strategy with its settings."""

PlannerNamed = Callable[[str], Planner | None]
"""The planner of a strategy that people may ask for; None for a name that it does not know."""


def no_other(_: str) -> None:
    """Know no strategy by name, so that the controller's own planner always plans."""


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """When to plan anew. Times are on the site's clock.

    A state of charge further than `soc_tolerance_percent` (and one reading's worth of energy) off
    the plan starts a new plan; a house load that does not leave what was planned is reckoned with
    for `hold_load_s`, so that a switched charger does not go on and off with every reading.
    """

    soc_tolerance_percent: float = 2.0
    hold_load_s: float = 300.0


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A new plan; `currency` is that of its costs."""

    plan: Plan
    currency: str
    caused_by: MessageId


@dataclass(frozen=True, slots=True)
class LimitDecided:
    """What a station may draw from now on, until the next decision."""

    station_id: str
    limit_w: float
    reason: Reason
    decided_at: datetime
    caused_by: MessageId


Output = PlanMade | LimitDecided


@dataclass(slots=True)
class Controller:
    """Feed it the retained snapshot, call `complete_snapshot`, then feed it every message.

    The same messages in the same order give the same outputs. A plain reading costs a look-up;
    planning happens on events only: new price, load forecast, goal or info, plug, mode, another
    strategy that people chose, a state of charge off the plan, the end of a slot, a house load that
    breaks the plan, a clock set back. A strategy that nobody knows changes nothing.
    """

    planner: Planner
    settings: ControlSettings = field(default_factory=ControlSettings)
    planner_named: PlannerNamed = no_other
    facts: Facts = field(default_factory=Facts)
    limits: dict[str, LimitDecided] = field(default_factory=dict)
    newest_plan: PlanMade | None = None
    unknown_strategy: str = ""
    _chosen: Planner | None = None
    _freshness: Freshness = field(default_factory=Freshness)
    _following: Following | None = None
    _running: Plan | None = None
    _held: HeldLoad | None = None
    _is_live: bool = False

    def complete_snapshot(self) -> None:
        """Note that all retained messages were fed; from now on messages have consequences."""
        self._is_live = True

    def dry_plan(self) -> Plan | None:
        """Return what would be planned now, without consequences; None if too little is known."""
        if self.facts.now is None:
            return None
        situation = build_situation(self.facts, self.facts.now)
        if situation is None or not situation.cars:
            return None
        return (self._chosen or self.planner)(situation, self.facts.now)

    def handle(self, message: Decoded) -> list[Output]:
        """Take one message and return what follows from it: nothing, mostly."""
        if implausible(message.body) is not None or not self._freshness.admits(message):
            return []
        if not isinstance(message.body, FACTS):
            return []
        is_new_fact = self.facts.apply(message)
        if isinstance(message.body, StrategyWish):
            self._choose(message.body.strategy)
        now = self.facts.now
        if not self._is_live or now is None or self.facts.site is None:
            return []
        if is_new_fact or self._must_plan(message, now):
            self._follow_new_plan(now)
            stations = tuple(self._following.courses) if self._following is not None else ()
            plans = list(self._plan_if_changed(message.message_id))
            return [*plans, *self._decide(stations, now, message.message_id)]
        if isinstance(message.body, MeterReading):
            return list(self._decide((message.topic.station,), now, message.message_id))
        return []

    def _choose(self, strategy: str) -> None:
        """Take the strategy that people chose, or give it back to the scheduler's setting."""
        chosen = self.planner_named(strategy) if strategy else None
        is_known = chosen is not None or not strategy
        self.unknown_strategy = "" if is_known else strategy
        if is_known and chosen is not self._chosen:
            # People want the other strategy's plan, not the one that runs for good reasons.
            self._chosen, self._running = chosen, None

    def _must_plan(self, message: Decoded, now: datetime) -> bool:
        following = self._following
        if following is None or not following.is_current_at(now):
            return True
        if self._held is not None and not _holds(self._held, now):
            return True
        match message.body:
            case MeterReading() | StationState():
                is_overloaded = following.overload_w(self.facts, now) > 0
                return is_overloaded or self._is_off_the_plan(message.topic.station, now)
            case HouseholdMeter():
                return following.overload_w(self.facts, now) > 0
            case StationEvent(kind=StationEventKind.CLOCK_RESET):
                return True
            case _:
                return False

    def _is_off_the_plan(self, station_id: str, now: datetime) -> bool:
        following, station = self._following, self.facts.station(station_id)
        if following is None:
            return False
        if following.is_left(station_id, station, now, self.settings.soc_tolerance_percent):
            return True
        limit = self.limits.get(station_id)
        is_idle = limit is not None and limit.limit_w == 0
        return is_idle and following.is_unfinished(station_id, station, now)

    def _follow_new_plan(self, now: datetime) -> None:
        """Plan; and once more if the house as it is measured leaves too little for that plan."""
        if self._held is not None and not _holds(self._held, now):
            self._held = None
        if self._running is not None and now < self._running.planned_at - CLOCK_JITTER:
            # The clock was set back: that plan was made for another run of this time.
            self._running = None
        self._plan(now)
        load_w = self.facts.house_load_w
        if self._following is None:
            return
        if load_w is not None and self._following.overload_w(self.facts, now) > 0:
            intervals = self._following.half_intervals.values()
            hold = max([timedelta(seconds=self.settings.hold_load_s), *(4 * i for i in intervals)])
            self._held = HeldLoad(load_w, now, now + hold)
            self._plan(now)
        self._running = self._following.plan

    def _plan(self, now: datetime) -> None:
        situation = build_situation(self.facts, now, self._held, self._running)
        if situation is not None:
            plan = (self._chosen or self.planner)(situation, now)
            self._following = follow(plan, situation, half_intervals(self.facts), now)
            for gone in self.limits.keys() - self._following.courses.keys():
                del self.limits[gone]

    def _plan_if_changed(self, cause: MessageId) -> Iterator[PlanMade]:
        following, newest = self._following, self.newest_plan
        if following is None or not following.plan.stations:
            return
        if newest is None or _essence(newest.plan) != _essence(following.plan):
            self.newest_plan = PlanMade(following.plan, following.site.currency, cause)
            yield self.newest_plan

    def _decide(
        self, stations: tuple[str, ...], now: datetime, cause: MessageId
    ) -> Iterator[LimitDecided]:
        """Yield the limits that differ, in power or reason, from what was decided before.

        Those that make room come first. One that takes room waits for its station's next reading
        while what the others were told leaves too little: so no raise that goes out takes the
        limits that are out above the fuse beside the measured house, whatever becomes of the rest.
        """
        following = self._following
        if following is None:
            return
        raised: dict[str, tuple[float, Reason]] = {}
        for station_id in stations:
            if station_id not in following.courses:
                continue
            told_w = self._told_w(station_id)
            limit_w, reason = following.limit_of(station_id, self.facts, now, told_w)
            if limit_w > told_w:
                raised[station_id] = limit_w, reason
            else:
                yield from self._tell(LimitDecided(station_id, limit_w, reason, now, cause))
        if not raised:
            return
        used_w = following.used_w({name: told.limit_w for name, told in self.limits.items()})
        for station_id, (limit_w, reason) in raised.items():
            more_w = limit_w - self._told_w(station_id)
            then_w = with_car(used_w, following.cars[station_id], more_w)
            if following.overload_of(then_w, self.facts) == 0:
                used_w = then_w
                yield from self._tell(LimitDecided(station_id, limit_w, reason, now, cause))
            elif station_id not in self.limits:
                yield from self._tell(LimitDecided(station_id, 0.0, NO_ROOM_YET, now, cause))

    def _told_w(self, station_id: str) -> float:
        told = self.limits.get(station_id)
        return told.limit_w if told is not None else 0.0

    def _tell(self, limit: LimitDecided) -> Iterator[LimitDecided]:
        last = self.limits.get(limit.station_id)
        if last is None or (last.limit_w, last.reason) != (limit.limit_w, limit.reason):
            self.limits[limit.station_id] = limit
            yield limit


def _essence(plan: Plan) -> tuple[object, ...]:
    return plan.strategy, plan.stations


def _holds(held: HeldLoad, now: datetime) -> bool:
    return held.since_at - CLOCK_JITTER <= now < held.until_at
