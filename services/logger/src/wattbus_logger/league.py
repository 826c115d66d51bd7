"""The shadow league: what each scheduler's plans would have cost, on the same facts.

Pure: fed with messages in order, it keeps an account for each scheduler. The one that commands is
counted by what happened; for each other a virtual car is charged as its plans say.
"""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from wattbus_contract import topics
from wattbus_contract.accounts import League, LeagueEntry
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState, Plan, StationPlan
from wattbus_contract.facts import MeterReading, StationEvent, StationEventKind
from wattbus_contract.room import make_room
from wattbus_contract.service import ServiceStatus, Status
from wattbus_logger.known import KnownSite
from wattbus_logger.league_cars import (
    Reading,
    VirtualCar,
    charging_of,
    fill,
    reading_of,
    real_draw,
    room_wh,
    virtual_draw,
)

AHEAD_PERCENT = 0.2
"""So far above the virtual car, the real one makes plans that are for another car."""
FEWEST = 2
"""With fewer schedulers there is nothing to compare."""

MOST_SCHEDULERS = 16
"""Of more, the one that joined first is left out, but not the one that commands."""


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
                car.planned = list(charging_of(station))
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
        now = reading_of(reading, 1 + others)
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
                pieces = (
                    real_draw(before, now) if is_real else virtual_draw(before, now, car, station)
                )
                for energy_wh, cost in pieces:
                    account.energy_wh += energy_wh
                    account.cost += cost
                    fill(car, energy_wh, station)
            if before.is_plugged_in and not now.is_plugged_in:
                account.shortfall_wh += room_wh(car, station) or 0.0
            elif now.is_plugged_in and not before.is_plugged_in:
                car.soc_percent, car.is_new = now.soc_percent, True


def _plugged(reading: Reading | None) -> int:
    return int(reading is not None and reading.is_plugged_in)
