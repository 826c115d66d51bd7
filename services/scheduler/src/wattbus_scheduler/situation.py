"""What a strategy plans on: the site, its slots and its cars, as plain immutable data."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattbus_scheduler.plan import Plan


class CarMode(StrEnum):
    """What a person wants of a car: planned, at once, or not at all."""

    SMART = "smart"
    NOW = "now"
    OFF = "off"


class CarControl(StrEnum):
    """What a car's station can be told: on or off, or a current in steps."""

    SWITCH = "switch"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time with one price and one expected house load.

    `start_at` is aware; `duration_s` is any positive length, so slots of 15, 30 and 60 minutes mix
    freely and a local day of 23 or 25 hours needs no special case. `price_per_kwh` is in the
    site's currency per kWh and may be negative; None means that nobody knows it (a gap).
    `surplus_w` is own production that the house is expected to leave over: it can be sold at
    `feed_in_price_per_kwh`, so that is what it costs to charge with it. The fuse does not count
    on it.
    """

    start_at: datetime
    duration_s: float
    price_per_kwh: float | None
    house_load_w: float
    is_estimate: bool = False
    co2_g_per_kwh: float = 0.0
    surplus_w: float = 0.0
    feed_in_price_per_kwh: float = 0.0

    @property
    def end_at(self) -> datetime:
        """The first instant that no longer belongs to the slot."""
        return self.start_at + timedelta(seconds=self.duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The household behind one main fuse.

    `max_power_w` bounds house plus chargers in total; `fuse_current_a` bounds each phase, the house
    being spread evenly over `phases`. None leaves that bound out. With a capacity tariff every kW
    by which the site's highest mean power of a clock hour exceeds `peak_so_far_w` costs
    `peak_price_per_kw`. With `peak_hours` above 1 it is the mean of so many highest hours, and
    `peaks_so_far_w` are the highest until now. `co2_price_per_kg` weighs emissions against money;
    it is never paid.
    """

    max_power_w: float | None
    fuse_current_a: float | None = None
    phases: int = 1
    voltage_v: float = 230.0
    currency: str = "SEK"
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Stockholm"))
    peak_price_per_kw: float = 0.0
    peak_so_far_w: float = 0.0
    peak_hours: int = 1
    peaks_so_far_w: tuple[float, ...] = ()
    co2_price_per_kg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """A car at its station: what it can take, what it holds and what is wanted of it.

    `efficiency` is battery energy per grid energy. `phases` are the site's phases it loads, such as
    (1,) or (1, 2, 3). A car that is plugged in is there until `departure_at`; one that is not comes
    at `arrival_at`, or is away for good as far as is known. `reserve_wh` is battery energy planned
    on top of the target, so that switching a little late does not miss it; it is no shortfall.
    `overhead_w` is lost while charging, whatever the power: with it a low current is less
    efficient. A `current_step_a` of 0 is no step: any current between the least and the most.
    `too_little_a` is the current that a person allows where the station cannot charge with it; such
    a car is off, and misses its target.
    `taper` are corners (state of charge in percent, most AC power in W) joined by straight lines:
    near full a car takes less than it is offered. Wear of the battery, which is weighed but never
    paid: a kWh above `high_soc_percent` costs `high_soc_price_per_kwh_h` for each hour from being
    charged until departure, and what is drawn above `high_power_w` costs
    `high_power_price_per_kwh`.
    """

    station_id: str
    battery_capacity_wh: float
    soc_percent: float
    target_soc_percent: float
    max_power_w: float
    control: CarControl = CarControl.SWITCH
    phases: tuple[int, ...] = (1,)
    voltage_v: float = 230.0
    min_current_a: float = 6.0
    max_current_a: float = 32.0
    current_step_a: float = 1.0
    efficiency: float = 1.0
    is_plugged_in: bool = True
    is_charging: bool = False
    arrival_at: datetime | None = None
    departure_at: datetime | None = None
    mode: CarMode = CarMode.SMART
    price_cap_per_kwh: float | None = None
    min_soc_percent: float = 0.0
    reserve_wh: float = 0.0
    overhead_w: float = 0.0
    too_little_a: float | None = None
    taper: tuple[tuple[float, float], ...] = ()
    high_soc_percent: float = 80.0
    high_soc_price_per_kwh_h: float = 0.0
    high_power_w: float = 0.0
    high_power_price_per_kwh: float = 0.0

    @property
    def wants_energy(self) -> bool:
        """Whether somebody wants the car charged, be it possible or not."""
        return self.mode is not CarMode.OFF or self.too_little_a is not None

    def grid_energy_to_wh(self, soc_percent: float) -> float:
        """Energy in Wh, drawn from the grid, that lifts the battery to `soc_percent`."""
        missing_percent = max(0.0, soc_percent - self.soc_percent)
        return missing_percent / 100 * self.battery_capacity_wh / self.efficiency


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a strategy knows; `slots` are in order and do not overlap (else ValueError).

    `running_plan` is what is being followed, for strategies that leave it for a good reason only.
    """

    site: Site
    slots: tuple[Slot, ...]
    cars: tuple[Car, ...]
    running_plan: Plan | None = None

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.slots):
            if (later.start_at - earlier.end_at).total_seconds() < -1e-3:
                raise ValueError(f"slot at {later.start_at} starts before the one before it ends")
        if any(slot.duration_s <= 0 for slot in self.slots):
            raise ValueError("every slot must have a positive duration")
        for car in self.cars:
            if not car.phases or any(not 1 <= phase <= self.site.phases for phase in car.phases):
                raise ValueError(
                    f"{car.station_id} uses phases {car.phases} of a {self.site.phases}-phase site"
                )
            if any(left[0] >= right[0] for left, right in pairwise(car.taper)) or any(
                power_w <= 0 for _, power_w in car.taper
            ):
                raise ValueError(f"{car.station_id}: taper needs rising percent, powers above 0")
