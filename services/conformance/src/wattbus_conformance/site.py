"""A scripted site: its clock, house, prices and stations, and which limits it accepts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_conformance.lease import ScriptedLease
from wattbus_conformance.station import EPSILON_W, ScriptedStation
from wattbus_contract import topics
from wattbus_contract.base import Body, MessageId, Reason
from wattbus_contract.control import LimitOutcome, LimitResult, SetLimit
from wattbus_contract.facts import Goal, HouseholdMeter, SiteInfo
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast, PriceSlot
from wattbus_contract.topics import TopicSpec

ZONE = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True, slots=True)
class Say:
    """One message that the bridge is to publish."""

    spec: TopicSpec
    body: Body
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ScriptedSite:
    """State of one site; `at` is its clock and `step_s` how far a poll moves it.

    `house_load` gives the house's true load in W, which need not be what `base_load` foresees.
    """

    info: SiteInfo
    stations: dict[str, ScriptedStation]
    price: PriceForecast
    base_load: BaseLoadForecast
    house_load: Callable[[datetime], float]
    at: datetime
    step_s: float
    lease: ScriptedLease
    _last_seqs: dict[tuple[int, str], int] = field(default_factory=dict)

    @property
    def house_load_w(self) -> float:
        """The house's load now, in W."""
        return self.house_load(self.at)

    @property
    def promised_w(self) -> float:
        """House plus what the limits in force allow at plugged-in stations, in W."""
        return self.house_load_w + sum(self.allowed_w(name) for name in self.stations)

    def allowed_w(self, station: str) -> float:
        """Return what a station may draw under the limit in force, in W."""
        scripted = self.stations[station]
        if not scripted.is_plugged_in or scripted.limit_w is None:
            return 0.0
        return min(scripted.limit_w, scripted.info.max_power_w)

    def phase_powers_w(self) -> tuple[float, ...]:
        """Return house plus allowed power on each phase, the house spread evenly, in W."""
        phases = range(1, self.info.phases + 1)
        sums = dict.fromkeys(phases, self.house_load_w / self.info.phases)
        for name, station in self.stations.items():
            for phase in station.info.phases:
                sums[phase] += self.allowed_w(name) / len(station.info.phases)
        return tuple(sums[phase] for phase in phases)

    def overload_w(self) -> float:
        """Return by how much the limits in force could exceed the fuse, in W; 0 if they fit."""
        over_w = self.promised_w - self.info.max_power_w
        if self.info.fuse_current_a is not None:
            phase_w = self.info.fuse_current_a * self.info.voltage_v
            over_w = max(over_w, max(self.phase_powers_w()) - phase_w)
        is_charging = any(self.allowed_w(name) > 0 for name in self.stations)
        return over_w if over_w > EPSILON_W and is_charging else 0.0

    def price_at(self, at: datetime) -> PriceSlot | None:
        """Return the slot that holds an instant."""
        for slot in self.price.slots:
            if slot.start_at <= at < slot.start_at + timedelta(seconds=slot.duration_s):
                return slot
        return None

    def poll(self, now_s: float) -> Iterator[Say]:
        """Let one step of site time pass; yield what the stations and the house then say."""
        slot = self.price_at(self.at)
        price = slot.price_per_kwh if slot is not None else None
        for station in self.stations.values():
            station.draw(self.step_s, price)
            if now_s >= station.limit_ends_s:
                station.limit_w = None
        self.at += timedelta(seconds=self.step_s)
        yield from self.readings()

    def readings(self) -> Iterator[Say]:
        """Yield meter values and states as of the site's clock."""
        slot = self.price_at(self.at)
        price = slot.price_per_kwh if slot is not None else None
        stations_w = sum(station.power_w for station in self.stations.values())
        house_a = self.house_load_w / self.info.phases / self.info.voltage_v
        phases = range(1, self.info.phases + 1)
        yield Say(
            topics.HOUSEHOLD_METER,
            HouseholdMeter(
                at=self.at,
                house_load_w=self.house_load_w,
                stations_power_w=stations_w,
                site_power_w=self.house_load_w + stations_w,
                max_power_w=self.info.max_power_w,
                price_per_kwh=price,
                house_current_l1_a=house_a,
                house_current_l2_a=house_a if 2 in phases else None,
                house_current_l3_a=house_a if 3 in phases else None,
            ),
        )
        for name, station in self.stations.items():
            ids = {"station": name}
            yield Say(topics.METER, station.reading(self.at, self.house_load_w, price), ids)
            yield Say(topics.STATION_STATE, station.state(self.at), ids)

    def announcements(self) -> Iterator[Say]:
        """Yield everything retained, as a bridge publishes it on every connect."""
        yield Say(topics.SITE_INFO, self.info)
        for name, station in self.stations.items():
            yield Say(topics.STATION_INFO, station.info, {"station": name})
            yield Say(topics.GOAL, station.goal, {"station": name})
            yield Say(topics.STATION_STATE, station.state(self.at), {"station": name})
        yield Say(topics.PRICE, self.price)
        yield Say(topics.BASE_LOAD, self.base_load)
        yield Say(topics.LEASE_STATE, self.lease.state)

    def set_goal(self, station: str, goal: Goal) -> Say:
        """Change what is wanted of a car."""
        self.stations[station].goal = goal
        return Say(topics.GOAL, goal, {"station": station})

    def command(
        self,
        station: str,
        limit: SetLimit,
        command: MessageId,
        now_s: float,
        *,
        is_retained: bool,
        expires_in_s: float | None,
    ) -> LimitResult:
        """Accept or refuse a limit, as docs/lease-protocol.md has it."""
        refusal = self._refusal(station, limit, command, now_s, is_retained=is_retained)
        if station not in self.stations:
            refusal = Reason(code="unknown-station", text=f"no station {station} at this site")
        applied_w = None
        if refusal is None:
            self._last_seqs[limit.epoch, station] = command.seq
            scripted = self.stations[station]
            scripted.limit_w = applied_w = self._in_watts(scripted, limit)
            valid_s = limit.valid_for_s if expires_in_s is None else expires_in_s
            valid_s = min(valid_s, limit.valid_for_s, self.info.failsafe_after_s)
            scripted.limit_ends_s = now_s + valid_s
        return LimitResult(
            at=self.at,
            command=command,
            epoch=limit.epoch,
            instance=limit.instance,
            outcome=LimitOutcome.APPLIED if refusal is None else LimitOutcome.REFUSED,
            reason=refusal or Reason(code="applied", text="applied as asked"),
            applied_limit_w=applied_w,
        )

    def replace_price(self, price: PriceForecast) -> Say:
        """Bring a new price forecast."""
        self.price = price
        return Say(topics.PRICE, price)

    def with_goal(self, station: str, **changes: object) -> Say:
        """Change some fields of a goal."""
        goal = self.stations[station].goal
        return self.set_goal(station, goal.model_copy(update=changes))

    @staticmethod
    def _in_watts(station: ScriptedStation, limit: SetLimit) -> float:
        if limit.limit_w is not None:
            return limit.limit_w
        return (limit.limit_a or 0.0) * station.info.voltage_v * len(station.info.phases)

    def _refusal(
        self, station: str, limit: SetLimit, command: MessageId, now_s: float, *, is_retained: bool
    ) -> Reason | None:
        if is_retained:
            return Reason(code="retained", text="a limit must never be retained")
        if limit.epoch != self.lease.epoch:
            text = f"epoch {limit.epoch} is not the current {self.lease.epoch}"
            return Reason(code="wrong-epoch", text=text)
        if not self.lease.is_held_by(limit.instance, now_s):
            return Reason(code="not-holder", text=f"{limit.instance} does not hold the lease")
        if command.seq <= self._last_seqs.get((limit.epoch, station), -1):
            return Reason(code="old-seq", text=f"seq {command.seq} has been passed already")
        return None


def instant(text: str) -> datetime:
    """Return the UTC instant of a local time at the scripted sites, such as 2025-01-15T20:00."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZONE)
    return local.astimezone(ZoneInfo("UTC"))
