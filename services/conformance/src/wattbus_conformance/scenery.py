"""Builds the sites of the scenes: one plain day with cheap nights, and stations of either kind."""

import uuid
from datetime import datetime, timedelta

from wattbus_conformance.lease import ScriptedLease
from wattbus_conformance.site import ZONE, ScriptedSite, instant
from wattbus_conformance.station import ScriptedStation
from wattbus_contract.facts import Control, Goal, Mode, SiteInfo, StationInfo
from wattbus_contract.forecasts import BaseLoadForecast, BaseLoadSlot, PriceForecast, PriceSlot

EVENING = "2025-01-15T20:00"
NIGHT = "2025-01-16T01:00"
NEXT_MORNING = "2025-01-17T07:00"
DAYS = 3
CHEAP, LESS_CHEAP, DEAR = 0.20, 0.40, 1.50
FUSE_W = 11_000.0
TTL_S = 6.0
FAILSAFE_AFTER_S = 12.0
"""Shorter than the default of 60 s, so that a missing refresh shows soon."""


def is_night(at: datetime) -> bool:
    """Whether the local time is between midnight and six."""
    return at.astimezone(ZONE).hour < 6


def usual_price(at: datetime) -> float:
    """Return a price that every strategy reads alike: cheap at night, the first night cheapest."""
    if not is_night(at):
        return DEAR
    return CHEAP if at < instant("2025-01-16T12:00") else LESS_CHEAP


def usual_load_w(at: datetime) -> float:
    """Return a house load that is low when the price is low."""
    if not is_night(at):
        return 2500.0
    return 500.0 if at < instant("2025-01-16T12:00") else 800.0


def hours() -> list[datetime]:
    """Return the hours that forecasts are made for."""
    first = instant("2025-01-15T00:00")
    return [first + timedelta(hours=number) for number in range(24 * DAYS)]


def prices(price_at: dict[str, float] | None = None) -> PriceForecast:
    """Return the usual prices by the hour, some local hours replaced."""
    instead = {instant(text): value for text, value in (price_at or {}).items()}
    slots = tuple(
        PriceSlot(
            start_at=hour, duration_s=3600, price_per_kwh=instead.get(hour, usual_price(hour))
        )
        for hour in hours()
    )
    return PriceForecast(currency="SEK", unit="SEK/kWh", provider="conformance", slots=slots)


def base_load(load_at: dict[str, float] | None = None) -> BaseLoadForecast:
    """Return the usual house load by the hour, some local hours replaced."""
    instead = {instant(text): value for text, value in (load_at or {}).items()}
    slots = tuple(
        BaseLoadSlot(start_at=hour, duration_s=3600, power_w=instead.get(hour, usual_load_w(hour)))
        for hour in hours()
    )
    return BaseLoadForecast(provider="conformance", slots=slots)


def switched(poll_s: float = 0.2) -> StationInfo:
    """Return a station that knows on and off: 7.4 kW on one phase."""
    return StationInfo(
        name="Switched",
        control=Control.SWITCH,
        phases=(1,),
        voltage_v=230.0,
        min_current_a=6.0,
        max_current_a=32.0,
        current_step_a=1.0,
        max_power_w=7400.0,
        failsafe_limit_w=0.0,
        poll_interval_s=poll_s,
        battery_capacity_wh=50_000.0,
        charging_efficiency=0.9,
    )


def with_current(poll_s: float = 0.2) -> StationInfo:
    """Return a station that takes 6 to 32 A on one phase."""
    return switched(poll_s).model_copy(
        update={"name": "Current", "control": Control.CURRENT, "max_power_w": 7360.0}
    )


def wish(mode: Mode = Mode.SMART, **more: object) -> Goal:
    """Return a goal with much to charge and much time."""
    plain = Goal(mode=mode, target_soc_percent=100.0, departure_at=instant(NEXT_MORNING))
    return plain.model_copy(update=more)


def site(
    stations: dict[str, StationInfo],
    *,
    goal: Goal | None = None,
    starts: str = EVENING,
    step_s: float = 12.0,
    poll_s: float = 0.2,
    house_load_w: float | None = None,
    phases: int = 1,
    fuse_current_a: float | None = None,
    ttl_s: float = TTL_S,
) -> ScriptedSite:
    """Return a site whose cars stand at 20 %; a constant house load, or the usual one."""
    boot_id = uuid.uuid4().hex[:16]
    max_power_w = FUSE_W if fuse_current_a is None else fuse_current_a * 230.0 * phases
    return ScriptedSite(
        info=SiteInfo(
            name="Conformance",
            time_zone="Europe/Stockholm",
            currency="SEK",
            phases=phases,
            voltage_v=230.0,
            fuse_current_a=fuse_current_a,
            max_power_w=max_power_w,
            time_scale=step_s / poll_s,
            failsafe_after_s=FAILSAFE_AFTER_S,
            stations=tuple(stations),
        ),
        stations={
            name: ScriptedStation(info, goal or wish(), soc_percent=20.0)
            for name, info in stations.items()
        },
        price=prices(),
        base_load=base_load(),
        house_load=usual_load_w if house_load_w is None else lambda _: house_load_w,
        at=instant(starts),
        step_s=step_s,
        lease=ScriptedLease(ttl_s, boot_id, epoch=7),
    )
