"""The cars of the shadow league: what a real one drew, and what a virtual one would have drawn."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel, Field

from wattbus_contract.control import StationPlan
from wattbus_contract.facts import MeterReading
from wattbus_logger.costs import QUARTER_S, energy_before_wh
from wattbus_logger.known import KnownStation

PlannedPower = tuple[float, float, float]
"""From, to (POSIX seconds of the site's clock), W."""


class VirtualCar(BaseModel):
    """The car as it would be if a scheduler had commanded since it was plugged in."""

    soc_percent: float | None = None
    is_new: bool = True
    planned: list[PlannedPower] = Field(default_factory=list)


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


def reading_of(reading: MeterReading, cars: int) -> Reading:
    """Return what is kept of a meter value; `cars` are there and share what the roof gives."""
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


def charging_of(plan: StationPlan) -> Iterator[PlannedPower]:
    """Yield when a plan charges, and with what."""
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


def real_draw(before: Reading, now: Reading) -> Iterator[tuple[float, float]]:
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


def virtual_draw(
    before: Reading, now: Reading, car: VirtualCar, station: KnownStation
) -> Iterator[tuple[float, float]]:
    """Yield (Wh, cost) of what the followed plan draws, until the car has its target."""
    most_w = station.info.max_power_w if station.info is not None else float("inf")
    boundary_s = _boundary_s(before, now)
    left_wh = room_wh(car, station)
    for start_s, end_s, limit_w in car.planned:
        for from_s, to_s, reading in (
            (before.at_s, boundary_s, before),
            (boundary_s, now.at_s, now),
        ):
            seconds = min(end_s, to_s) - max(start_s, from_s)
            if seconds <= 0:
                continue
            energy_wh = min(limit_w, most_w) * seconds / 3600
            if left_wh is not None:
                energy_wh = min(energy_wh, left_wh)
                left_wh -= energy_wh
            yield energy_wh, reading.cost_of(energy_wh, seconds)


def fill(car: VirtualCar, energy_wh: float, station: KnownStation) -> None:
    """Let a car take grid energy, as far as its battery is known."""
    info = station.info
    if car.soc_percent is not None and info is not None:
        gained = energy_wh * info.charging_efficiency / info.battery_capacity_wh * 100
        car.soc_percent = min(100.0, car.soc_percent + gained)


def room_wh(car: VirtualCar, station: KnownStation) -> float | None:
    """Return the grid energy that the car lacks of its target; None if that cannot be known."""
    if car.soc_percent is None or station.info is None or station.goal is None:
        return None
    missing = max(0.0, station.goal.target_soc_percent - car.soc_percent)
    return missing / 100 * station.info.battery_capacity_wh / station.info.charging_efficiency
