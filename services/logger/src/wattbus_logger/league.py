"""The shadow league: what each scheduler's plans would have cost, on the same facts.

Pure: fed with messages in order, it keeps an account for each scheduler. The one that commands is
counted by what happened; for each other a virtual car is charged as its plans say.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import BaseModel, Field

from wattbus_contract import topics
from wattbus_contract.accounts import League, LeagueEntry
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState, Plan, StationPlan
from wattbus_contract.facts import MeterReading, StationEvent, StationEventKind
from wattbus_contract.room import make_room
from wattbus_contract.service import ServiceStatus, Status
from wattbus_logger.costs import QUARTER_S, energy_before_wh
from wattbus_logger.known import KnownSite, KnownStation

AHEAD_PERCENT = 0.2
"""So far above the virtual car, the real one makes plans that are for another car."""
FEWEST = 2
"""With fewer schedulers there is nothing to compare."""

MOST_SCHEDULERS = 16
"""Of more, the one that joined first is left out, but not the one that commands."""

PlannedPower = tuple[float, float, float]
"""From, to (POSIX seconds of the site's clock), W."""


class VirtualCar(BaseModel):
    """The car as it would be if a scheduler had commanded since it was plugged in."""

    soc_percent: float | None = None
    is_new: bool = True
    planned: list[PlannedPower] = Field(default_factory=list)


class Account(BaseModel):
    """One scheduler: grid energy, cost, and what was missing at departures, since the beginning."""

    strategy: str
    energy_wh: float = 0.0
    cost: float = 0.0
    shortfall_wh: float = 0.0
    is_gone: bool = False
    cars: dict[str, VirtualCar] = Field(default_factory=dict)

    def car(self, station_id: str, site: KnownSite) -> VirtualCar:
        """Return a station's car, a new one if there was none."""
        make_room(self.cars, station_id, site.own_stations)
        return self.cars.setdefault(station_id, VirtualCar())


class Reading(NamedTuple):
    """What the league keeps of a station's newest meter value.

    `spare_w` is its share of what the roof leaves over, by the number of cars that are there.
    """

    at_s: float
    is_plugged_in: bool
    soc_percent: float | None
    power_w: float
    register_wh: float
    price_per_kwh: float | None
    spare_w: float = 0.0
    feed_in_price_per_kwh: float | None = None

    def cost_of(self, energy_wh: float, seconds: float) -> float:
        """Return what energy costs that is drawn evenly: from the roof what selling it brought."""
        if self.price_per_kwh is None:
            return 0.0
        spare_wh = min(energy_wh, self.spare_w * seconds / 3600)
        bought = (energy_wh - spare_wh) / 1000 * self.price_per_kwh
        return bought + spare_wh / 1000 * (self.feed_in_price_per_kwh or 0.0)


class LeagueState(BaseModel):
    """All that the league remembers; kept over restarts."""

    since_s: float | None = None
    holder: str | None = None
    accounts: dict[str, Account] = Field(default_factory=dict)
    readings: dict[str, Reading] = Field(default_factory=dict)


class ShadowLeague:
    """Keeps the accounts. `note` each message after the site has noted it.

    The league begins anew when a scheduler joins or changes its strategy, so that all are compared
    over the same time. One that has ended is followed to the end of the session, then left out.
    """

    def __init__(self, state: LeagueState | None = None) -> None:
        self.state = state or LeagueState()
        # Counted on: with a thousand stations, counting for each reading would be the most work.
        self._plugged_in = sum(one.is_plugged_in for one in self.state.readings.values())

    def note(self, message: Decoded, site: KnownSite) -> None:
        """Take over what a message says."""
        match message.body:
            case MeterReading() as reading:
                self._note_meter(message.topic.station, reading, site)
            case Plan() as plan if message.topic.spec in {topics.PLAN, topics.SHADOW_PLAN}:
                self._note_plan(plan, site)
            case LeaseState() as lease:
                self.state.holder = lease.holder
            case ServiceStatus() as status:
                self._note_status(message.topic.ids.get("client", ""), status)
            case StationEvent(kind=StationEventKind.CLOCK_RESET):
                self._begin_anew()
                self.state.readings.clear()
                self._plugged_in = 0
            case _:
                pass

    def table(self, currency: str) -> League | None:
        """Return the league, least cost first; None while there is nothing to compare."""
        state = self.state
        if state.since_s is None or len(state.accounts) < FEWEST:
            return None
        entries = [
            LeagueEntry(
                instance=instance,
                strategy=account.strategy,
                is_commanding=instance == state.holder,
                energy_wh=max(0.0, round(account.energy_wh, 1)),
                cost=round(account.cost, 4),
                shortfall_wh=max(0.0, round(account.shortfall_wh, 1)),
            )
            for instance, account in sorted(state.accounts.items())
        ]
        entries.sort(key=lambda entry: entry.cost)
        since_at = datetime.fromtimestamp(state.since_s, UTC)
        return League(since_at=since_at, currency=currency, entries=tuple(entries))

    def _note_plan(self, plan: Plan, site: KnownSite) -> None:
        account = self.state.accounts.get(plan.instance)
        if account is None or account.strategy != plan.strategy:
            holder = () if self.state.holder is None else (self.state.holder,)
            make_room(self.state.accounts, plan.instance, holder, MOST_SCHEDULERS)
            account = self.state.accounts[plan.instance] = Account(strategy=plan.strategy)
            self._begin_anew()
        account.is_gone = False
        for station in plan.stations:
            car = account.car(station.station, site)
            if not self._is_for_another_car(car, station, plan.planned_at.timestamp()):
                car.planned = list(_charging(station))
                car.is_new = False

    def _note_status(self, client: str, status: ServiceStatus) -> None:
        account = self.state.accounts.get(client)
        if account is not None:
            account.is_gone = status.status is Status.DOWN

    def _leave_out_the_gone(self) -> None:
        for instance in [name for name, one in self.state.accounts.items() if one.is_gone]:
            del self.state.accounts[instance]

    def _is_for_another_car(self, car: VirtualCar, plan: StationPlan, planned_s: float) -> bool:
        """Tell whether a plan is made for a car that others have charged further already.

        Such a plan leaves out what this scheduler would still have to charge, so the plan before it
        is followed to its end.
        """
        real = self.state.readings.get(plan.station)
        if car.is_new or real is None or real.soc_percent is None or car.soc_percent is None:
            return False
        is_ahead = real.soc_percent > car.soc_percent + AHEAD_PERCENT
        return is_ahead and any(end_s > planned_s for _, end_s, _ in car.planned)

    def _begin_anew(self) -> None:
        self.state.since_s = None
        for account in self.state.accounts.values():
            account.energy_wh = account.cost = account.shortfall_wh = 0.0
            for station_id, car in account.cars.items():
                real = self.state.readings.get(station_id)
                car.soc_percent = real.soc_percent if real is not None else None
                car.is_new = True

    def _note_meter(self, station_id: str, reading: MeterReading, site: KnownSite) -> None:
        state = self.state
        before = state.readings.get(station_id)
        others = self._plugged_in - _plugged(before)
        now = _reading(reading, 1 + others)
        if before is not None and now.at_s <= before.at_s:
            return
        gone = make_room(state.readings, station_id, site.own_stations)
        state.readings[station_id] = now
        self._plugged_in = others - _plugged(gone) + _plugged(now)
        if before is not None and now.is_plugged_in and not before.is_plugged_in:
            self._leave_out_the_gone()
        if len(state.accounts) < FEWEST or before is None:
            return
        if state.since_s is None:
            state.since_s = before.at_s
        station = site.station(station_id)
        for instance, account in state.accounts.items():
            car = account.car(station_id, site)
            if car.soc_percent is None and before.is_plugged_in:
                car.soc_percent = before.soc_percent
            if before.is_plugged_in:
                is_real = instance == state.holder
                pieces = _real(before, now) if is_real else _virtual(before, now, car, station)
                for energy_wh, cost in pieces:
                    account.energy_wh += energy_wh
                    account.cost += cost
                    _fill(car, energy_wh, station)
            if before.is_plugged_in and not now.is_plugged_in:
                account.shortfall_wh += _room_wh(car, station) or 0.0
            elif now.is_plugged_in and not before.is_plugged_in:
                car.soc_percent, car.is_new = now.soc_percent, True


def _plugged(reading: Reading | None) -> int:
    return int(reading is not None and reading.is_plugged_in)


def _reading(reading: MeterReading, cars: int) -> Reading:
    spare_w = max(0.0, (reading.pv_power_w or 0.0) - (reading.house_load_w or 0.0))
    return Reading(
        at_s=reading.at.timestamp(),
        is_plugged_in=reading.is_plugged_in,
        soc_percent=reading.soc_percent,
        power_w=reading.power_active_import_w,
        register_wh=reading.energy_active_import_register_wh,
        price_per_kwh=reading.price_per_kwh,
        spare_w=spare_w / cars,
        feed_in_price_per_kwh=reading.feed_in_price_per_kwh,
    )


def _charging(plan: StationPlan) -> Iterator[PlannedPower]:
    for slot in plan.slots:
        if slot.limit_w > 0:
            start_s = slot.start_at.timestamp()
            yield start_s, start_s + slot.duration_s, slot.limit_w


def _boundary_s(before: Reading, now: Reading) -> float:
    """Return when the price changed between two readings: at a quarter of an hour, or at the end.

    The first reading's price holds before it, the second one's after it.
    """
    if before.price_per_kwh == now.price_per_kwh:
        return now.at_s
    quarter_s = now.at_s - now.at_s % QUARTER_S
    return quarter_s if before.at_s < quarter_s < now.at_s else now.at_s


def _real(before: Reading, now: Reading) -> Iterator[tuple[float, float]]:
    """Yield (Wh, cost) of what the register says was drawn between two readings."""
    energy_wh = max(0.0, now.register_wh - before.register_wh)
    boundary_s = _boundary_s(before, now)
    if boundary_s >= now.at_s:
        yield energy_wh, before.cost_of(energy_wh, now.at_s - before.at_s)
        return
    first_wh = energy_before_wh(
        before.power_w, now.power_w, now.at_s - before.at_s, energy_wh, boundary_s - before.at_s
    )
    yield first_wh, before.cost_of(first_wh, boundary_s - before.at_s)
    yield energy_wh - first_wh, now.cost_of(energy_wh - first_wh, now.at_s - boundary_s)


def _virtual(
    before: Reading, now: Reading, car: VirtualCar, station: KnownStation
) -> Iterator[tuple[float, float]]:
    """Yield (Wh, cost) of what the followed plan draws, until the car has its target."""
    most_w = station.info.max_power_w if station.info is not None else float("inf")
    boundary_s = _boundary_s(before, now)
    room_wh = _room_wh(car, station)
    for start_s, end_s, limit_w in car.planned:
        for from_s, to_s, reading in (
            (before.at_s, boundary_s, before),
            (boundary_s, now.at_s, now),
        ):
            seconds = min(end_s, to_s) - max(start_s, from_s)
            if seconds <= 0:
                continue
            energy_wh = min(limit_w, most_w) * seconds / 3600
            if room_wh is not None:
                energy_wh = min(energy_wh, room_wh)
                room_wh -= energy_wh
            yield energy_wh, reading.cost_of(energy_wh, seconds)


def _fill(car: VirtualCar, energy_wh: float, station: KnownStation) -> None:
    info = station.info
    if car.soc_percent is not None and info is not None:
        gained = energy_wh * info.charging_efficiency / info.battery_capacity_wh * 100
        car.soc_percent = min(100.0, car.soc_percent + gained)


def _room_wh(car: VirtualCar, station: KnownStation) -> float | None:
    """Return the grid energy that the car lacks of its target; None if that cannot be known."""
    if car.soc_percent is None or station.info is None or station.goal is None:
        return None
    missing = max(0.0, station.goal.target_soc_percent - car.soc_percent)
    return missing / 100 * station.info.battery_capacity_wh / station.info.charging_efficiency
