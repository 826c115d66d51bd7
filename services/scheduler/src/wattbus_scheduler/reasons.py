"""Says why a car charges at once, or does not charge, whatever the strategy."""

import math
from collections.abc import Callable

from wattbus_scheduler.allocation import is_overdue, needed_wh, window_of
from wattbus_scheduler.headroom import (
    TIME_EPSILON_S,
    Piece,
    is_above_cap,
    offered_power_w,
    power_within_cap_w,
)
from wattbus_scheduler.outlook import Outlook
from wattbus_scheduler.plan import Reason, ReasonCode
from wattbus_scheduler.selection import SHORTFALL_EPSILON_WH, Stretch, energy_of
from wattbus_scheduler.situation import Car, CarControl, CarMode
from wattbus_scheduler.wording import power_text, price_text

WhyCharging = Callable[[Outlook, Stretch], Reason]
"""Why the strategy charges in this stretch."""

WhyWaiting = Callable[[Outlook, Stretch], Reason | None]
"""Why the strategy itself waits; None if it would have charged, had it been able to."""


def why_urgent(outlook: Outlook) -> Reason:
    """Return why the car charges without waiting for anything."""
    car = outlook.car
    if car.mode is CarMode.NOW:
        return Reason(ReasonCode.CHARGING_NOW, "charging: mode now asks for it at once")
    if is_overdue(car, outlook.now):
        return Reason(
            ReasonCode.CHARGING_OVERDUE, "charging: the departure has passed and the car is here"
        )
    return Reason(
        ReasonCode.CHARGING_MIN_SOC,
        f"charging: at once up to the minimum of {car.min_soc_percent:g} %",
    )


def why_not(outlook: Outlook, stretch: Stretch, piece: Piece, why_waiting: WhyWaiting) -> Reason:
    """Return the first reason that holds: person, presence, target, fuse, cap, then strategy."""
    return (
        _why_absent(outlook, stretch.start_s)
        or _why_full(outlook, stretch.start_s)
        or _why_fuse(outlook, piece)
        or _why_cap(outlook, piece)
        or why_waiting(outlook, stretch)
        or _why_shared(outlook, piece)
        or Reason(ReasonCode.NO_PLAN, "waiting: nothing is planned for this time")
    )


def _why_absent(outlook: Outlook, at_s: float) -> Reason | None:
    if outlook.car.too_little_a is not None:
        return _why_too_little(outlook.car, outlook.car.too_little_a)
    if outlook.car.mode is CarMode.OFF:
        return Reason(ReasonCode.MODE_OFF, "off: mode off forbids charging")
    window = window_of(outlook.car, outlook.now)
    if window is None:
        return Reason(ReasonCode.NOT_PLUGGED_IN, "waiting: no car is plugged in")
    if at_s < window[0] - TIME_EPSILON_S:
        text = f"waiting: the car comes at {outlook.clock(window[0])}"
        return Reason(ReasonCode.NOT_ARRIVED, text)
    if at_s >= window[1] - TIME_EPSILON_S:
        text = f"away: the car leaves at {outlook.clock(window[1])}"
        return Reason(ReasonCode.DEPARTED, text)
    return None


def _why_too_little(car: Car, allowed_a: float) -> Reason:
    needed_a = car.max_power_w / (car.voltage_v * len(car.phases))
    if car.control is CarControl.CURRENT:
        needed_a = car.min_current_a
    needed = f"{math.ceil(10 * needed_a - 1e-6) / 10:g} A"
    text = f"off: somebody allows at most {allowed_a:g} A, the charger needs {needed}"
    return Reason(ReasonCode.MAX_CURRENT, text)


def _why_full(outlook: Outlook, at_s: float) -> Reason | None:
    if outlook.next_block(at_s) is not None:
        return None
    car = outlook.car
    wanted_wh = min(needed_wh(car), car.grid_energy_to_wh(car.target_soc_percent))
    if wanted_wh - energy_of(outlook.stretches) > SHORTFALL_EPSILON_WH:
        return None
    return Reason(ReasonCode.TARGET_REACHED, f"done: target {car.target_soc_percent:g} % reached")


def _why_fuse(outlook: Outlook, piece: Piece) -> Reason | None:
    car, site = outlook.car, outlook.site
    no_cars = (0.0,) * site.phases
    if offered_power_w(site, car, piece.house_load_w, no_cars) > 0:
        return None
    least_w = car.max_power_w
    if car.control is CarControl.CURRENT:
        least_w = min(least_w, car.min_current_a * car.voltage_v * len(car.phases))
    house, needs = power_text(piece.house_load_w), f"the charger needs {power_text(least_w)}"
    if site.max_power_w is not None and piece.house_load_w + least_w > site.max_power_w:
        left = power_text(max(0.0, site.max_power_w - piece.house_load_w))
        fuse = power_text(site.max_power_w)
        text = f"paused: house load {house} leaves {left} under the {fuse} fuse, {needs}"
    elif site.fuse_current_a is not None:
        fuse = f"{site.fuse_current_a:g} A"
        text = f"paused: house load {house} leaves too little on a phase of {fuse}, {needs}"
    else:
        text = "paused: the station can be told no power above 0 W"
    return Reason(ReasonCode.PAUSED_FUSE, text)


def _why_cap(outlook: Outlook, piece: Piece) -> Reason | None:
    cap, price = outlook.car.price_cap_per_kwh, piece.price_per_kwh
    if cap is None or price is None or not is_above_cap(outlook.car, price):
        return None
    if power_within_cap_w(outlook.site, outlook.car, piece) > 0:
        return None
    currency = outlook.site.currency
    text = f"paused: {price_text(price, currency)} is above the cap of {price_text(cap, currency)}"
    return Reason(ReasonCode.PAUSED_PRICE_CAP, text)


def _why_shared(outlook: Outlook, piece: Piece) -> Reason | None:
    if offered_power_w(outlook.site, outlook.car, piece.house_load_w, piece.used_w) > 0:
        return None
    cars, house = power_text(sum(piece.used_w)), power_text(piece.house_load_w)
    text = f"waiting: other cars take {cars} beside the house's {house}"
    return Reason(ReasonCode.PAUSED_SHARED_FUSE, text)
