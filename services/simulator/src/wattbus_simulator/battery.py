"""Charging a battery: exact closed forms for power and energy under a constant offer."""

import math
from dataclasses import dataclass
from itertools import pairwise

MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Battery:
    """A car's battery as its charger sees it.

    `acceptance` is the most AC power that the car takes, as (energy_wh, power_w) corners joined
    by straight lines: flat before the first and after the last corner, every power above zero.
    Without corners the car takes whatever is offered.
    """

    capacity_wh: float
    charging_efficiency: float
    acceptance: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Ramp:
    """A stretch of stored energy over which AC power runs straight between its two ends."""

    from_wh: float
    to_wh: float
    from_w: float
    to_w: float


def charging_power_w(battery: Battery, energy_wh: float, offered_w: float) -> float:
    """AC power drawn at this stored energy when `offered_w` is offered; 0 when full."""
    if energy_wh >= battery.capacity_wh or offered_w <= 0:
        return 0.0
    return min(offered_w, _accepted_w(battery, energy_wh))


def energy_after_wh(
    battery: Battery, energy_wh: float, offered_w: float, duration_ms: int
) -> float:
    """Stored energy after `duration_ms` of a constant offer; never above the capacity.

    On a ramp the power is linear in the stored energy, P = P0 + b (E - E0), so that
    dE/dt = efficiency * P has the solution E0 + efficiency * P0 * (exp(k t) - 1) / k with
    k = efficiency * b, and E1 is reached after ln(P1 / P0) / k.
    """
    if offered_w <= 0:
        return energy_wh
    hours_left = duration_ms / MS_PER_HOUR
    for ramp in _ramps(battery, energy_wh, offered_w):
        hours_on_ramp = _crossing_time_h(ramp, battery.charging_efficiency)
        if hours_left < hours_on_ramp:
            return min(ramp.to_wh, _energy_on_ramp_wh(ramp, battery, hours_left))
        hours_left -= hours_on_ramp
        energy_wh = ramp.to_wh
    return energy_wh


def _accepted_w(battery: Battery, energy_wh: float) -> float:
    corners = battery.acceptance
    if not corners:
        return math.inf
    if energy_wh <= corners[0][0]:
        return corners[0][1]
    for (left_wh, left_w), (right_wh, right_w) in pairwise(corners):
        if energy_wh <= right_wh:
            return left_w + (energy_wh - left_wh) / (right_wh - left_wh) * (right_w - left_w)
    return corners[-1][1]


def _ramps(battery: Battery, energy_wh: float, offered_w: float) -> list[Ramp]:
    """Cut the way from `energy_wh` to the full battery where the slope of the power changes."""
    cuts = {energy_wh, battery.capacity_wh}
    corners = battery.acceptance
    cuts.update(wh for wh, _ in corners if energy_wh < wh < battery.capacity_wh)
    for (left_wh, left_w), (right_wh, right_w) in pairwise(corners):
        if (left_w - offered_w) * (right_w - offered_w) < 0:
            share = (offered_w - left_w) / (right_w - left_w)
            crossing_wh = left_wh + share * (right_wh - left_wh)
            if energy_wh < crossing_wh < battery.capacity_wh:
                cuts.add(crossing_wh)
    ends = sorted(cuts)
    return [
        Ramp(
            from_wh,
            to_wh,
            min(offered_w, _accepted_w(battery, from_wh)),
            min(offered_w, _accepted_w(battery, to_wh)),
        )
        for from_wh, to_wh in pairwise(ends)
        if from_wh < battery.capacity_wh
    ]


def _slope_per_h(ramp: Ramp, efficiency: float) -> float:
    return efficiency * (ramp.to_w - ramp.from_w) / (ramp.to_wh - ramp.from_wh)


def _crossing_time_h(ramp: Ramp, efficiency: float) -> float:
    ratio = ramp.to_w / ramp.from_w
    if abs(ratio - 1) < 1e-9:
        return (ramp.to_wh - ramp.from_wh) / (efficiency * ramp.from_w)
    return math.log(ratio) / _slope_per_h(ramp, efficiency)


def _energy_on_ramp_wh(ramp: Ramp, battery: Battery, hours: float) -> float:
    gained_wh = battery.charging_efficiency * ramp.from_w * hours
    if abs(ramp.to_w / ramp.from_w - 1) >= 1e-9:
        exponent = _slope_per_h(ramp, battery.charging_efficiency) * hours
        gained_wh *= math.expm1(exponent) / exponent if exponent else 1.0
    return ramp.from_wh + gained_wh
