"""Tells in `charging_log.txt` what happens, a line each: on, off, why, plug, fail-safe, plans."""

from collections.abc import Container
from datetime import date, datetime
from typing import NamedTuple

from pydantic import BaseModel, Field

from wattbus_contract import topics
from wattbus_contract.base import Reason
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LimitOutcome, LimitResult, Plan
from wattbus_contract.facts import Control, MeterReading, StationEvent, StationEventKind
from wattbus_contract.money import cost_text, price_text
from wattbus_contract.room import MOST_NAMES
from wattbus_logger.known import KnownSite, KnownStation
from wattbus_logger.rows import one_line

CHARGING_ABOVE_W = 10.0
"""What a station's electronics draw is no charging."""

_HEADLINES = {
    StationEventKind.PLUGGED_IN: "Plugged in",
    StationEventKind.UNPLUGGED: "Unplugged",
    StationEventKind.TARGET_REACHED: "Target reached",
    StationEventKind.STATION_LOST: "Station lost",
    StationEventKind.STATION_BACK: "Station back",
    StationEventKind.CLOCK_RESET: "Clock of the station reset",
    StationEventKind.FAILSAFE_ENTERED: "Fail-safe entered",
    StationEventKind.FAILSAFE_LEFT: "Fail-safe left",
    StationEventKind.GUARD_ENTERED: "Fuse guard lowers",
    StationEventKind.GUARD_LEFT: "Fuse guard releases",
    StationEventKind.LIMIT_APPLIED: "Limit",
    StationEventKind.MODE_CHANGED: "Mode changed",
    StationEventKind.GOAL_CHANGED: "Goal changed",
}
_WHY_ON = {
    "mode-now": "mode now",
    "charging-now": "mode now",
    "failsafe": "fail-safe",
    "guard": "fuse guard",
}


class ChargingSince(NamedTuple):
    """When a stretch of charging began, and the energy register then."""

    at: datetime
    register_wh: float


class NarrativeState(BaseModel):
    """What the log remembers from line to line; kept over restarts."""

    day: date | None = None
    known_stations: set[str] = Field(default_factory=set)
    charging: dict[str, ChargingSince] = Field(default_factory=dict)
    planner: tuple[str, str] | None = None
    refusals: dict[str, str] = Field(default_factory=dict)

    def forget_strangers(self, known: Container[str]) -> None:
        """Forget the stations that the site has forgotten, once they are many."""
        if len(self.known_stations) + len(self.refusals) > 3 * MOST_NAMES:
            self.known_stations = {name for name in self.known_stations if name in known}
            self.charging = {name: it for name, it in self.charging.items() if name in known}
            self.refusals = {name: it for name, it in self.refusals.items() if name in known}


class Narrative:
    """Turns messages, in order, into lines. `tell` after the site has noted the same message."""

    def __init__(self, state: NarrativeState | None = None) -> None:
        self.state = state or NarrativeState()

    def tell(self, message: Decoded, site: KnownSite) -> list[str]:
        """Return the lines that a message is worth, mostly none."""
        self.state.forget_strangers(site.stations)
        match message.body:
            case MeterReading() as reading:
                return self._tell_meter(message.topic.station, reading, site)
            case StationEvent() as event:
                return self._tell_event(message.topic.station, event, site)
            case Plan() as plan if message.topic.spec is topics.PLAN:
                return self._tell_plan(plan, site)
            case LimitResult() as result:
                return self._tell_refusal(message.topic.station, result, site)
            case _:
                return []

    def _tell_meter(self, station_id: str, reading: MeterReading, site: KnownSite) -> list[str]:
        state, station = self.state, site.station(station_id)
        since = state.charging.get(station_id)
        is_charging = reading.power_active_import_w > CHARGING_ABOVE_W
        is_first = station_id not in state.known_stations
        if is_charging == (since is not None) and not is_first:
            return []
        state.known_stations.add(station_id)
        lines = []
        if is_first:
            plug = "plugged in" if reading.is_plugged_in else "no car plugged in"
            lines += self._line(reading.at, station_id, f"Recording begins: {plug}", site)
        if is_charging and since is None:
            state.charging[station_id] = ChargingSince(
                reading.at, reading.energy_active_import_register_wh
            )
            label, sentence = _why_on(station.reason)
            lines += self._line(
                reading.at, station_id, f"Charging ON ({label})", site, after=sentence
            )
        elif since is not None and not is_charging:
            del state.charging[station_id]
            lines += self._line(
                reading.at,
                station_id,
                f"Charging OFF ({_why_off(station, reading)})",
                site,
                after=_amount(since, reading),
            )
        return lines

    def _tell_event(self, station_id: str, event: StationEvent, site: KnownSite) -> list[str]:
        headline = _HEADLINES[event.kind]
        if event.kind is StationEventKind.LIMIT_APPLIED:
            info = site.station(station_id).info
            # On and off of a switch are told by the charging itself.
            if info is None or info.control is Control.SWITCH or event.limit_w is None:
                return []
            headline = f"Limit {event.limit_w / 1000:.2f} kW"
        return self._line(event.at, station_id, headline, site, after=one_line(event.text))

    def _tell_plan(self, plan: Plan, site: KnownSite) -> list[str]:
        planner = (plan.strategy, plan.instance)
        if planner == self.state.planner:
            return []
        self.state.planner = planner
        energy_kwh = sum(station.expected_energy_wh for station in plan.stations) / 1000
        shortfall_kwh = sum(station.shortfall_wh for station in plan.stations) / 1000
        text = (
            f"Plan by {one_line(plan.strategy)} ({plan.instance}): {energy_kwh:.2f} kWh for "
            f"{cost_text(plan.expected_cost, plan.currency)}"
        )
        if shortfall_kwh > 0:
            text += f", {shortfall_kwh:.2f} kWh short of the goal"
        return self._dated(plan.planned_at, text, site)

    def _tell_refusal(self, station_id: str, result: LimitResult, site: KnownSite) -> list[str]:
        state = self.state
        if result.outcome is LimitOutcome.APPLIED:
            state.refusals.pop(station_id, None)
            return []
        refusal = f"Limit of {result.instance} {result.outcome.value}"
        # A refused scheduler tries again every few seconds: the first time is news.
        if state.refusals.get(station_id) == f"{refusal} {result.reason.code}":
            return []
        state.refusals[station_id] = f"{refusal} {result.reason.code}"
        meter = site.station(station_id).meter
        at = result.at or (meter.at if meter is not None else None)
        if at is None:
            return []
        return self._line(at, station_id, refusal, site, after=one_line(result.reason.text))

    def _line(
        self, at: datetime, station_id: str, text: str, site: KnownSite, *, after: str = ""
    ) -> list[str]:
        who = f"{station_id}: " if site.has_several_stations else ""
        parts = [who + text, *_circumstances(site.station(station_id), site.currency)]
        if after:
            parts.append(after)
        return self._dated(at, " | ".join(parts), site)

    def _dated(self, at: datetime, text: str, site: KnownSite) -> list[str]:
        local = site.local(at)
        line = f"[{local:%H:%M}] {text}"
        if local.date() == self.state.day:
            return [line]
        self.state.day = local.date()
        return [f"--- {local:%A %Y-%m-%d} ---", line]


def _circumstances(station: KnownStation, currency: str) -> list[str]:
    reading = station.meter
    if reading is None:
        return []
    parts = []
    if reading.soc_percent is not None:
        parts.append(f"SoC {reading.soc_percent:.2f} %")
    if reading.price_per_kwh is not None:
        parts.append(f"price {price_text(reading.price_per_kwh, currency)}")
    if reading.house_load_w is not None:
        parts.append(f"load {reading.house_load_w / 1000:.2f} kW")
    return parts


def _why_on(reason: Reason | None) -> tuple[str, str]:
    """Return a word for the parentheses and the scheduler's sentence."""
    if reason is None:
        return "by the station itself", ""
    return _WHY_ON.get(reason.code, "scheduled"), one_line(reason.text)


def _why_off(station: KnownStation, reading: MeterReading) -> str:
    if not reading.is_plugged_in:
        return "unplugged"
    reason = station.reason
    if reason is None or reason.code.startswith("charging-") or reason.code == "mode-now":
        return "by the car or the station"
    return one_line(reason.text)


def _amount(since: ChargingSince, reading: MeterReading) -> str:
    energy_kwh = (reading.energy_active_import_register_wh - since.register_wh) / 1000
    minutes = round((reading.at - since.at).total_seconds() / 60)
    if energy_kwh < 0 or minutes < 0:  # The station has been reset meanwhile.
        return ""
    return f"{energy_kwh:.2f} kWh in {minutes // 60} h {minutes % 60:02d} min"
