"""Turns what the bridge knows into the contract's messages: pure, nothing is sent here."""

from datetime import datetime, timedelta

from wattbus_contract.base import Reason
from wattbus_contract.facts import (
    ConnectorStatus,
    CurveCorner,
    HouseholdMeter,
    MeterReading,
    SiteInfo,
    StationInfo,
    StationState,
)
from wattbus_contract.forecasts import PriceSlot
from wattbus_station_bridge.control.guard import PhaseLoads
from wattbus_station_bridge.desk import Desk
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.reading import StationReading, StationTraits

CLOCK_MAY_LAG = timedelta(minutes=5)
"""By so much of its own time a station's state may be outdated that is otherwise true."""


def site_info(
    file: SiteFile, time_scale: float, peaks_so_far_w: tuple[float, ...] | None = None
) -> SiteInfo:
    """Return what is known of the site; `peaks_so_far_w` are known where they are billed."""
    site, has_peaks = file.site, file.tariff.peak_price_per_kw is not None
    return SiteInfo(
        name=site.name,
        time_zone=site.time_zone,
        currency=site.currency,
        bidding_zone=site.bidding_zone,
        phases=site.phases,
        voltage_v=site.voltage_v,
        fuse_current_a=site.max_phase_power_w / site.voltage_v,
        max_power_w=site.max_power_w,
        time_scale=time_scale,
        failsafe_after_s=site.failsafe_after_s,
        stations=tuple(station.id for station in file.station),
        peak_price_per_kw=file.tariff.peak_price_per_kw,
        peak_hours=file.tariff.peak_hours if has_peaks else None,
        peaks_so_far_w=peaks_so_far_w,
        co2_price_per_kg=file.co2.price_per_kg,
    )


def station_info(desk: Desk, traits: StationTraits) -> StationInfo:
    """Return what is known of a station and its car."""
    car = desk.table.car
    corners = tuple(CurveCorner(soc_percent=soc, max_power_w=w) for soc, w in car.charging_curve)
    return StationInfo(
        name=traits.name,
        control=traits.control,
        phases=traits.phases,
        voltage_v=traits.voltage_v,
        min_current_a=traits.min_current_a,
        max_current_a=traits.max_current_a,
        current_step_a=traits.current_step_a,
        max_power_w=traits.max_power_w,
        failsafe_limit_w=desk.failsafe_w,
        poll_interval_s=desk.poll_interval_s,
        car_name=traits.car_name,
        battery_capacity_wh=traits.battery_capacity_wh,
        charging_efficiency=traits.charging_efficiency,
        charging_curve=corners or None,
        high_soc_percent=car.high_soc_percent,
        high_soc_price_per_kwh_h=car.high_soc_price_per_kwh_h,
        high_power_w=car.high_power_w,
        high_power_price_per_kwh=car.high_power_price_per_kwh,
        overhead_w=car.overhead_w,
    )


def station_state(desk: Desk, at: datetime) -> StationState:
    """Return how a station stands; one that does not answer is `Unavailable`, its last SoC kept."""
    reading = desk.reading
    reason = Reason(code=desk.intent.code, text=desk.intent.text)
    if desk.intent.limited:
        reason = Reason(code="max-current", text=f"{desk.intent.text}, but {desk.intent.limited}")
    if desk.order_problem is not None:
        reason = Reason(code="not-applied", text=desk.order_problem[:2000])
    if desk.is_guarded:
        reason = Reason(code="guard", text="the main fuse leaves less than the station should have")
    is_here = reading is not None and desk.is_reachable
    return StationState(
        at=at,
        connector_status=(
            reading.connector_status
            if reading is not None and desk.is_reachable
            else ConnectorStatus.UNAVAILABLE
        ),
        is_reachable=is_here,
        is_plugged_in=reading is not None and reading.is_plugged_in,
        soc_percent=None if reading is None else reading.soc_percent,
        power_active_import_w=reading.power_w if reading is not None and is_here else 0.0,
        offered_limit_w=desk.offered_w,
        mode=desk.mode,
        is_failsafe=desk.intent.is_failsafe,
        is_guarded=desk.is_guarded,
        transaction_id=None if reading is None else reading.transaction_id,
        reason=reason,
    )


def meter_reading(
    desk: Desk,
    reading: StationReading,
    *,
    house_load_w: float | None,
    pv_power_w: float | None,
    price: PriceSlot | None,
) -> MeterReading:
    """Return one poll as the logger stores it."""
    one_a, two_a, three_a = reading.currents_a or (None, None, None)
    return MeterReading(
        at=reading.at,
        connector_status=reading.connector_status,
        is_plugged_in=reading.is_plugged_in,
        mode=desk.mode,
        is_failsafe=desk.intent.is_failsafe,
        power_active_import_w=reading.power_w,
        energy_active_import_register_wh=reading.energy_register_wh,
        offered_limit_w=desk.offered_w,
        soc_percent=reading.soc_percent,
        transaction_id=reading.transaction_id,
        current_import_l1_a=one_a,
        current_import_l2_a=two_a,
        current_import_l3_a=three_a,
        house_load_w=house_load_w,
        pv_power_w=pv_power_w,
        price_per_kwh=None if price is None else price.price_per_kwh,
        feed_in_price_per_kwh=None if price is None else price.feed_in_price_per_kwh,
        co2_g_per_kwh=None if price is None else price.co2_g_per_kwh,
        reported_base_current_load_kw=reading.reported_base_current_load_kw,
        reported_battery_energy_kwh=reading.reported_battery_energy_kwh,
        round_trip_s=desk.round_trip_s,
    )


def household_meter(
    at: datetime,
    house: PhaseLoads,
    stations_power_w: float,
    file: SiteFile,
    *,
    pv_power_w: float | None,
    price: PriceSlot | None,
) -> HouseholdMeter:
    """Return the household at its main fuse; production stands beside it."""
    site = file.site
    currents_a = [
        max(0.0, house[phase]) / site.voltage_v if phase < site.phases else None
        for phase in range(3)
    ]
    return HouseholdMeter(
        at=at,
        house_load_w=sum(house),
        stations_power_w=stations_power_w,
        site_power_w=sum(house) + stations_power_w,
        max_power_w=site.max_power_w,
        house_current_l1_a=currents_a[0],
        house_current_l2_a=currents_a[1],
        house_current_l3_a=currents_a[2],
        pv_power_w=pv_power_w,
        price_per_kwh=None if price is None else price.price_per_kwh,
    )


def essence_of(state: StationState) -> tuple[object, ...]:
    """Return what makes a state worth saying at once."""
    return (
        state.connector_status, state.is_reachable, state.is_plugged_in, state.offered_limit_w,
        state.mode, state.is_failsafe, state.is_guarded, state.transaction_id, state.reason,
    )  # fmt: skip


def has_moved(before: StationState, state: StationState) -> bool:
    """Whether a figure is another one, or the clock has gone on by more than a moment."""
    return (
        state.soc_percent != before.soc_percent
        or state.power_active_import_w != before.power_active_import_w
        or abs(state.at - before.at) >= CLOCK_MAY_LAG
    )
