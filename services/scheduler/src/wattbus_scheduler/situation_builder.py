"""Turns the facts into a situation: price and house load on one grid of slots, and the cars."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattbus_contract.facts import SiteInfo, StationInfo
from wattbus_contract.forecasts import BaseLoadForecast, PriceForecast
from wattbus_scheduler.facts import Facts, StationFacts
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Car, CarControl, CarMode, Site, Situation, Slot

SHORTEST_HORIZON = timedelta(hours=24)
LONGEST_HORIZON = timedelta(days=7)
DAYS_LOOKED_BACK = 7
"""Where no forecast reaches, the same local time of the newest day that is known is taken."""

SHORTEST_SLOT_S = 1e-3
SHORTEST_STEP_A = 1e-3
"""A station with finer steps takes any current."""

EXACT_A = 1e-9
FULL_SOC = 80.0
"""From where on a battery counts as full for its wear, where nobody says."""


@dataclass(frozen=True, slots=True)
class HeldLoad:
    """A measured house load that plans have to reckon with for a while."""

    house_load_w: float
    since_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class _Series:
    """Values by time: POSIX start and end seconds in order, without overlap."""

    starts_s: Sequence[float]
    ends_s: Sequence[float]
    values: Sequence[float | None]

    def value_at(self, at_s: float) -> float | None:
        index = bisect_right(self.starts_s, at_s) - 1
        if index >= 0 and at_s < self.ends_s[index]:
            return self.values[index]
        return None

    def value_of_earlier_day(self, at_s: float, zone: ZoneInfo) -> float | None:
        local = datetime.fromtimestamp(at_s, zone)
        for days in range(1, DAYS_LOOKED_BACK + 1):
            value = self.value_at((local - timedelta(days=days)).timestamp())
            if value is not None:
                return value
        return None

    def expected_at(self, at_s: float, zone: ZoneInfo) -> float | None:
        """Return the value, or where there is none that of the same time on an earlier day."""
        value = self.value_at(at_s)
        return self.value_of_earlier_day(at_s, zone) if value is None else value

    def with_values(self, values: Sequence[float | None]) -> "_Series":
        """Return the same stretches of time with other values."""
        return _Series(self.starts_s, self.ends_s, values)


def build_situation(
    facts: Facts, now: datetime, held: HeldLoad | None = None, running_plan: Plan | None = None
) -> Situation | None:
    """Return what a strategy plans on, or None while the site itself is unknown.

    The grid has an edge wherever price or house load changes, and reaches at least a day and to the
    last departure. Stations of which too little is known are left out.
    """
    if facts.site is None:
        return None
    site = _site(facts.site)
    ready = {
        station_id: station
        for station_id, station in sorted(facts.stations.items())
        if station.is_complete() and station_id in facts.site.stations
    }
    cars = tuple(
        _car(station_id, station, facts.site, site) for station_id, station in ready.items()
    )
    return Situation(site, _slots(facts, site, now, cars, held), cars, running_plan)


def half_intervals(facts: Facts) -> dict[str, timedelta]:
    """Return per station half the time between two readings, on the site's clock."""
    if facts.site is None:
        return {}
    return {
        station_id: _half_interval(station.info, facts.site)
        for station_id, station in facts.stations.items()
        if station.info is not None
    }


def _half_interval(info: StationInfo, site: SiteInfo) -> timedelta:
    # No plan reaches further; and more than some millennia would be no time at all.
    longest_s = LONGEST_HORIZON.total_seconds()
    return timedelta(seconds=min(longest_s, info.poll_interval_s * site.time_scale / 2))


def _site(info: SiteInfo) -> Site:
    return Site(
        max_power_w=info.max_power_w,
        fuse_current_a=info.fuse_current_a,
        phases=info.phases,
        voltage_v=info.voltage_v,
        currency=info.currency,
        time_zone=ZoneInfo(info.time_zone),
        peak_price_per_kw=info.peak_price_per_kw or 0.0,
        peak_so_far_w=max(info.peaks_so_far_w or (), default=0.0),
        peak_hours=info.peak_hours or 1,
        peaks_so_far_w=info.peaks_so_far_w or (),
        co2_price_per_kg=info.co2_price_per_kg or 0.0,
    )


def _car(station_id: str, station: StationFacts, site_info: SiteInfo, site: Site) -> Car:
    info, goal = station.info, station.goal
    assert info is not None and goal is not None  # noqa: S101, PT018 - is_complete() has checked
    phases = tuple(phase for phase in info.phases if phase <= site.phases) or (1,)
    car = Car(
        station_id=station_id,
        battery_capacity_wh=info.battery_capacity_wh,
        soc_percent=station.soc_percent or 0.0,
        target_soc_percent=goal.target_soc_percent,
        max_power_w=info.max_power_w,
        control=CarControl(info.control.value),
        phases=phases,
        voltage_v=info.voltage_v,
        min_current_a=info.min_current_a,
        max_current_a=info.max_current_a,
        current_step_a=info.current_step_a if info.current_step_a >= SHORTEST_STEP_A else 0.0,
        efficiency=info.charging_efficiency,
        is_plugged_in=station.is_plugged_in,
        is_charging=station.power_w > 0,
        arrival_at=goal.arrival_at,
        departure_at=goal.departure_at,
        mode=CarMode(station.mode.value),
        price_cap_per_kwh=goal.price_cap_per_kwh,
        min_soc_percent=goal.min_soc_percent,
        overhead_w=info.overhead_w or 0.0,
        taper=tuple(
            (corner.soc_percent, corner.max_power_w) for corner in info.charging_curve or ()
        ),
        high_soc_percent=FULL_SOC if info.high_soc_percent is None else info.high_soc_percent,
        high_soc_price_per_kwh_h=info.high_soc_price_per_kwh_h or 0.0,
        high_power_w=info.high_power_w or 0.0,
        high_power_price_per_kwh=info.high_power_price_per_kwh or 0.0,
    )
    if goal.max_current_a is not None:
        car = _within(car, goal.max_current_a)
    return replace(car, reserve_wh=_reserve_wh(car, info, site_info))


def _within(car: Car, allowed_a: float) -> Car:
    """Return the car with a person's limit of the current: its highest level not above it.

    Rounded as the bridge does, which keeps that limit whatever is commanded.
    """
    watts_per_ampere = car.voltage_v * len(car.phases)
    full_a = car.max_power_w / watts_per_ampere
    least_a = full_a if car.control is CarControl.SWITCH else car.min_current_a
    if allowed_a < least_a - EXACT_A:
        return replace(car, mode=CarMode.OFF, too_little_a=allowed_a)
    if allowed_a >= min(full_a, car.max_current_a) or car.control is CarControl.SWITCH:
        return car
    most_a = allowed_a
    if car.current_step_a > 0:
        steps = math.floor((allowed_a - car.min_current_a) / car.current_step_a + EXACT_A)
        most_a = car.min_current_a + steps * car.current_step_a
    most_w = min(car.max_power_w, most_a * watts_per_ampere)
    return replace(car, max_current_a=most_a, max_power_w=most_w)


def _reserve_wh(car: Car, info: StationInfo, site: SiteInfo) -> float:
    """Return what is planned on top of the target, since switching happens at readings only.

    Half a reading's worth of energy, for a start that comes late; and at least so much that the
    time planned is no shorter than from one reading to the next, or it could fall between them.
    """
    half_interval_h = _half_interval(info, site).total_seconds() / 3600
    half_wh = car.max_power_w * car.efficiency * half_interval_h
    missing_wh = (car.target_soc_percent - car.soc_percent) / 100 * car.battery_capacity_wh
    return max(half_wh, 2 * half_wh - missing_wh)


def _slots(
    facts: Facts, site: Site, now: datetime, cars: Sequence[Car], held: HeldLoad | None
) -> tuple[Slot, ...]:
    price, load = _price_series(facts.price), _load_series(facts.base_load)
    prices = facts.price.slots if facts.price is not None else ()
    loads = facts.base_load.slots if facts.base_load is not None else ()
    sold = price.with_values([slot.feed_in_price_per_kwh for slot in prices])
    co2 = price.with_values([slot.co2_g_per_kwh for slot in prices])
    roof = load.with_values([slot.pv_power_w for slot in loads])
    zone = site.time_zone
    slots = []
    for start_s, end_s in pairwise(_edges(price, load, now, cars, held)):
        known_price = price.value_at(start_s)
        price_value = known_price
        if known_price is None:
            price_value = price.value_of_earlier_day(start_s, zone)
        load_w = _house_load_w(load, start_s, zone, facts.house_load_w)
        if (
            held is not None
            and now.timestamp() - SHORTEST_SLOT_S <= start_s < held.until_at.timestamp()
        ):
            load_w = max(load_w, held.house_load_w)
        is_estimate = known_price is None and price_value is not None
        slots.append(
            Slot(
                start_at=datetime.fromtimestamp(start_s, UTC),
                duration_s=end_s - start_s,
                price_per_kwh=price_value,
                house_load_w=load_w,
                is_estimate=is_estimate,
                surplus_w=max(0.0, (roof.expected_at(start_s, zone) or 0.0) - load_w),
                feed_in_price_per_kwh=sold.expected_at(start_s, zone) or 0.0,
                co2_g_per_kwh=co2.expected_at(start_s, zone) or 0.0,
            )
        )
    return tuple(slots)


def _house_load_w(load: _Series, at_s: float, zone: ZoneInfo, measured_w: float | None) -> float:
    forecast_w = load.expected_at(at_s, zone)
    if forecast_w is None:
        forecast_w = measured_w
    return max(0.0, forecast_w or 0.0)


def _edges(
    price: _Series, load: _Series, now: datetime, cars: Sequence[Car], held: HeldLoad | None
) -> list[float]:
    """Return the instants (POSIX seconds) at which a slot begins or ends."""
    now_s = now.timestamp()
    departures = [car.departure_at for car in cars if car.departure_at is not None]
    wanted = max([now + SHORTEST_HORIZON, *departures])
    horizon_s = min(wanted, now + LONGEST_HORIZON).timestamp()
    edges = {*price.starts_s, *price.ends_s}
    edges.update(at.timestamp() for at in departures if at > now)
    edges.update(edge for edge in (*load.starts_s, *load.ends_s) if edge > now_s - 86_400)
    # Whole hours where nothing is known, so that estimates follow the pattern of the day.
    hour_s = now_s - now_s % 3600
    while hour_s < horizon_s + 3600:
        edges.add(hour_s)
        hour_s += 3600
    if held is not None:
        edges.update((now_s, held.until_at.timestamp()))
    ordered = sorted(edge for edge in edges if edge <= now_s + LONGEST_HORIZON.total_seconds())
    return _apart(ordered)


def _apart(ordered: list[float]) -> list[float]:
    kept: list[float] = []
    for edge in ordered:
        if not kept or edge - kept[-1] > SHORTEST_SLOT_S:
            kept.append(edge)
    return kept


def _price_series(forecast: PriceForecast | None) -> _Series:
    slots = forecast.slots if forecast is not None else ()
    starts_s = [slot.start_at.timestamp() for slot in slots]
    ends_s = [start_s + slot.duration_s for start_s, slot in zip(starts_s, slots, strict=True)]
    return _Series(starts_s, ends_s, [slot.price_per_kwh for slot in slots])


def _load_series(forecast: BaseLoadForecast | None) -> _Series:
    slots = forecast.slots if forecast is not None else ()
    starts_s = [slot.start_at.timestamp() for slot in slots]
    ends_s = [start_s + slot.duration_s for start_s, slot in zip(starts_s, slots, strict=True)]
    return _Series(starts_s, ends_s, [slot.power_w for slot in slots])
