"""What the station-bridge says about a site and its stations: facts and goals."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from wattbus_contract.base import (
    Body,
    Co2PerKwh,
    CurrentA,
    DurationS,
    EnergyWh,
    Id,
    LimitW,
    Many,
    Percent,
    PowerW,
    PricePerKwh,
    ProductionW,
    Reason,
    Text,
    UtcInstant,
    WearPrice,
    ZoneName,
)
from wattbus_contract.weekly import WeeklyPlan


class ConnectorStatus(StrEnum):
    """OCPP 1.6 ChargePointStatus, edition 2, section 7.7."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class Mode(StrEnum):
    """What a person wants of a station: planned, at once, or not at all."""

    SMART = "smart"
    NOW = "now"
    OFF = "off"


class Control(StrEnum):
    """What a station can be told: on or off, or a current in steps."""

    SWITCH = "switch"
    CURRENT = "current"


MaxCurrentA = Annotated[
    float, Field(gt=0, le=1e5, description="A person's limit, per phase; always kept.")
]
Phase = Annotated[int, Field(ge=1, le=3, description="A phase of the site.")]
Phases = Annotated[Many[Phase], Field(min_length=1, max_length=3)]
"""The site's phases that a station uses, such as (1,) or (1, 2, 3)."""


MOST_PEAK_HOURS = 10
PeakW = Annotated[float, Field(ge=0, le=1e9, description="Mean power of a clock hour.")]


class SiteInfo(Body):
    """One site behind one main fuse. `time_scale` is site seconds per wall second.

    With a capacity tariff the mean of the `peak_hours` highest clock hours of a month costs
    `peak_price_per_kw`, by what was drawn from the grid; `peaks_so_far_w` are this month's.
    """

    name: Text
    time_zone: ZoneName
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    bidding_zone: Text | None = None
    phases: Annotated[int, Field(ge=1, le=3, description="How many the main fuse has.")]
    voltage_v: Annotated[float, Field(gt=0, le=1000)]
    fuse_current_a: CurrentA | None = None
    max_power_w: LimitW
    time_scale: Annotated[
        float, Field(gt=0, le=1e6, description="Site seconds per wall second; 1 is real time.")
    ]
    failsafe_after_s: DurationS
    stations: Many[Id]
    peak_price_per_kw: Annotated[float, Field(ge=0, le=1e6)] | None = None
    peak_hours: (
        Annotated[int, Field(ge=1, le=MOST_PEAK_HOURS, description="How many highest hours count.")]
        | None
    ) = None
    peaks_so_far_w: Annotated[Many[PeakW], Field(max_length=MOST_PEAK_HOURS)] | None = None
    co2_price_per_kg: WearPrice | None = None


class CurveCorner(Body):
    """A corner of a charging curve: the most AC power that the car takes at a state of charge."""

    soc_percent: Percent
    max_power_w: Annotated[float, Field(gt=0, le=1e7)]


class StationInfo(Body):
    """A charging station and the car that belongs to it.

    Between the corners of `charging_curve` power changes evenly. A kWh above `high_soc_percent`
    weighs `high_soc_price_per_kwh_h` for each hour until departure, what is drawn above
    `high_power_w` weighs `high_power_price_per_kwh`. `overhead_w` is lost whenever the car charges.
    """

    name: Text
    control: Control
    phases: Phases
    voltage_v: Annotated[float, Field(gt=0, le=1000)]
    min_current_a: CurrentA
    max_current_a: CurrentA
    current_step_a: Annotated[float, Field(gt=0, le=1000)]
    max_power_w: LimitW
    failsafe_limit_w: LimitW
    poll_interval_s: DurationS
    car_name: Text | None = None
    battery_capacity_wh: Annotated[float, Field(gt=0, le=1e7)]
    charging_efficiency: Annotated[
        float, Field(gt=0, le=1, description="Energy into the battery per energy from the grid.")
    ]
    charging_curve: Annotated[Many[CurveCorner], Field(max_length=20)] | None = None
    high_soc_percent: Percent | None = None
    high_soc_price_per_kwh_h: WearPrice | None = None
    high_power_w: LimitW | None = None
    high_power_price_per_kwh: WearPrice | None = None
    overhead_w: LimitW | None = None

    @model_validator(mode="after")
    def _curve_rises_in_soc(self) -> "StationInfo":
        corners = pairwise(self.charging_curve or ())
        for number, (left, right) in enumerate(corners, start=1):
            if left.soc_percent >= right.soc_percent:
                raise ValueError(f"charging_curve.{number} is not at a higher soc_percent")
        return self


class StationState(Body):
    """How a station stands now; expires when the bridge no longer hears of it."""

    at: UtcInstant
    connector_status: ConnectorStatus
    is_reachable: bool
    is_plugged_in: bool
    soc_percent: Percent | None = None
    power_active_import_w: PowerW
    offered_limit_w: LimitW
    mode: Mode
    is_failsafe: bool
    is_guarded: bool
    transaction_id: Text | None = None
    reason: Reason | None = None


class MeterReading(Body):
    """One poll of one station: what the logger stores as a row.

    House load, production and prices are those of the same instant. Figures named `reported_…` are
    what the station itself said where that is known to be faulty; the others are true.
    """

    at: UtcInstant
    connector_status: ConnectorStatus
    is_plugged_in: bool
    mode: Mode
    is_failsafe: bool
    power_active_import_w: PowerW
    energy_active_import_register_wh: EnergyWh
    offered_limit_w: LimitW
    soc_percent: Percent | None = None
    transaction_id: Text | None = None
    current_import_l1_a: CurrentA | None = None
    current_import_l2_a: CurrentA | None = None
    current_import_l3_a: CurrentA | None = None
    house_load_w: PowerW | None = None
    pv_power_w: ProductionW | None = None
    price_per_kwh: PricePerKwh | None = None
    feed_in_price_per_kwh: PricePerKwh | None = None
    co2_g_per_kwh: Co2PerKwh | None = None
    reported_base_current_load_kw: float | None = None
    reported_battery_energy_kwh: float | None = None
    round_trip_s: Annotated[float, Field(ge=0)] | None = None


class HouseholdMeter(Body):
    """The household at its main fuse, once a round of polls.

    `house_load_w` is what the house takes and `site_power_w` that with the chargers, whatever the
    roof gives: `pv_power_w` stands beside them.
    """

    at: UtcInstant
    house_load_w: PowerW
    stations_power_w: PowerW
    site_power_w: PowerW
    max_power_w: LimitW
    house_current_l1_a: CurrentA | None = None
    house_current_l2_a: CurrentA | None = None
    house_current_l3_a: CurrentA | None = None
    pv_power_w: ProductionW | None = None
    price_per_kwh: PricePerKwh | None = None


class StationEventKind(StrEnum):
    """What can happen to a station besides a meter value."""

    PLUGGED_IN = "plugged-in"
    UNPLUGGED = "unplugged"
    TARGET_REACHED = "target-reached"
    STATION_LOST = "station-lost"
    STATION_BACK = "station-back"
    CLOCK_RESET = "clock-reset"
    FAILSAFE_ENTERED = "failsafe-entered"
    FAILSAFE_LEFT = "failsafe-left"
    GUARD_ENTERED = "guard-entered"
    GUARD_LEFT = "guard-left"
    LIMIT_APPLIED = "limit-applied"
    MODE_CHANGED = "mode-changed"
    GOAL_CHANGED = "goal-changed"


class StationEvent(Body):
    """Something that happened once, at the station's own time."""

    at: UtcInstant
    kind: StationEventKind
    text: Text
    limit_w: LimitW | None = None
    transaction_id: Text | None = None


class Goal(Body):
    """What the car should have, and by when.

    `departure_at` is the next departure, also that of the `weekly` plan, in the site's time zone.
    """

    mode: Mode
    target_soc_percent: Percent
    min_soc_percent: Percent = 0.0
    arrival_at: UtcInstant | None = None
    departure_at: UtcInstant | None = None
    price_cap_per_kwh: PricePerKwh | None = None
    max_current_a: MaxCurrentA | None = None
    weekly: WeeklyPlan | None = None
