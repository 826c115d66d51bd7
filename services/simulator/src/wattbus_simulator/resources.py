"""The JSON that the simulator answers and accepts, as typed models; OpenAPI is made from them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from wattbus_simulator.series import Slot
from wattbus_simulator.station import ConnectorStatus, Control
from wattbus_simulator.world import HouseholdReport, StationReport, World


def rfc3339(instant: datetime) -> str:
    """An aware UTC instant with milliseconds and Z."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _readable(number: float) -> float:
    # A millionth of a watt, ampere, watt-hour or percent is far below what any meter tells.
    return round(number, 6)


Instant = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(_readable)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(_readable)]
PhaseCurrents = Annotated[
    tuple[NonNegative, ...],
    Field(min_length=3, max_length=3, description="L1, L2 and L3 in A."),
]
# A million is far above any station and keeps all arithmetic finite.
Limit = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


Production = Annotated[
    NonNegative | None, Field(description="What the roof gives, in W; null without solar cells.")
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Order(BaseModel):
    # Strict: "16" and true are mistakes, not numbers; a misspelt key is a mistake, too.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LimitInWatts(_Order):
    """A limit over all phases of the station; 0 is off."""

    limit_w: Limit


class LimitInAmperes(_Order):
    """A limit per phase; 0 is off."""

    limit_a: Limit


class StateOfCharge(_Order):
    """The state of charge that the car is given; without it what it has (plug) or had (reset)."""

    soc_percent: Percent | None = None


class ErrorAnswer(_Answer):
    """Every error has one sentence that says what was wrong."""

    error: str


class HealthAnswer(_Answer):
    """The service answers."""

    status: Literal["ok"] = "ok"
    scenario: str


class StationAnswer(_Answer):
    """A charging station with its car, and the house at the same instant."""

    id: str
    name: str
    control: Control
    phases: Annotated[tuple[Literal[1, 2, 3], ...], Field(description="Wired household phases.")]
    voltage_v: float
    min_current_a: NonNegative
    max_current_a: NonNegative
    current_step_a: NonNegative
    max_power_w: Annotated[NonNegative, Field(description="AC, over all phases of the station.")]
    at: Annotated[Instant, Field(description="Simulated time of everything in this object.")]
    connector_status: ConnectorStatus
    is_plugged_in: bool
    transaction_id: Annotated[str | None, Field(description="New at every plug-in and reset.")]
    soc_percent: Annotated[Percent | None, Field(description="null while the car is away.")]
    battery_capacity_kwh: float
    charging_efficiency: float
    car_name: str
    car_phases: Annotated[int, Field(description="Phases that the car's charger uses.")]
    power_w: Annotated[NonNegative, Field(description="AC import now.")]
    currents_a: PhaseCurrents
    energy_register_wh: Annotated[
        NonNegative, Field(description="AC import since the simulator began; never falls.")
    ]
    limit_w: Annotated[NonNegative, Field(description="Limit in force, over all phases.")]
    limit_a: Annotated[NonNegative, Field(description="Limit in force, per phase.")]
    household_load_w: Annotated[NonNegative, Field(description="The house without chargers.")]
    household_currents_a: PhaseCurrents
    household_pv_w: Production
    reset_count: Annotated[int, Field(description="Resets of the world plus of this station.")]
    departure_at: Annotated[Instant | None, Field(description="Next scheduled departure.")]
    trip_shortfall_wh: Annotated[
        NonNegative, Field(description="Driving energy that the battery could not give so far.")
    ]


class StationsAnswer(_Answer):
    """All stations at one and the same instant."""

    stations: tuple[StationAnswer, ...]


class HouseholdAnswer(_Answer):
    """The house without its chargers, and how its time runs."""

    at: Instant
    load_w: NonNegative
    phases: Literal[1, 3]
    currents_a: PhaseCurrents
    pv_w: Production
    voltage_v: float
    fuse_w: float | None
    time_zone: str
    time_scale: Annotated[float, Field(description="Simulated seconds per wall second.")]
    seconds_per_hour: Annotated[float, Field(description="Wall seconds per simulated hour.")]
    reset_count: int


class LoadSlot(_Answer):
    """House load, and what the roof gives, over a stretch of time."""

    start_at: Instant
    duration_s: int
    load_w: float
    pv_w: Production


class ForecastAnswer(_Answer):
    """House load without chargers from local midnight today, at least 48 hours ahead."""

    unit: Literal["W"] = "W"
    slots: tuple[LoadSlot, ...]


class PriceSlot(_Answer):
    """A price that holds over a stretch of time; may be negative."""

    start_at: Instant
    duration_s: int
    price_per_kwh: float


class PricesAnswer(_Answer):
    """Known prices from local midnight today, in the currency's major unit per kWh."""

    currency: str
    unit: str
    includes_vat: bool
    source: str
    slots: tuple[PriceSlot, ...]


class CourseInfo(_Answer):
    """The course API's facts. `battery_capacity_kWh` is the energy now stored, by tradition."""

    sim_time_hour: Annotated[int, Field(ge=0, le=23)]
    sim_time_min: Annotated[Literal[0, 15, 30, 45], Field(description="Quarter of the hour.")]
    base_current_load: Annotated[
        float, Field(description="House and chargers together now, in kW.")
    ]
    battery_capacity_kWh: NonNegative  # noqa: N815 - the course's clients read this very name
    ev_battery_charge_start_stopp: Annotated[bool, Field(description="Charging right now.")]


class ChargeOrder(BaseModel):
    """Start or stop charging."""

    charging: Literal["on", "off"]


class DischargeOrder(BaseModel):
    """Reset clock and car."""

    discharging: Literal["on"]


class Message(_Answer):
    """A sentence for people."""

    message: str


def station_answer(report: StationReport, house: HouseholdReport) -> StationAnswer:
    """Put a station's parts into its JSON object."""
    place, station, seen, state = report.place, report.place.station, report.view, report.view.state
    return StationAnswer(
        id=place.id,
        name=place.name,
        control=station.control,
        phases=station.phases,
        voltage_v=station.voltage_v,
        min_current_a=station.min_current_a,
        max_current_a=station.max_current_a,
        current_step_a=station.current_step_a,
        max_power_w=station.max_power_w,
        at=report.at,
        connector_status=seen.connector_status,
        is_plugged_in=state.is_plugged_in,
        transaction_id=report.transaction_id,
        soc_percent=seen.soc_percent if state.is_plugged_in else None,
        battery_capacity_kwh=place.car.battery.capacity_wh / 1000,
        charging_efficiency=place.car.battery.charging_efficiency,
        car_name=place.car_name,
        car_phases=place.car.phase_count,
        power_w=seen.power_w,
        currents_a=seen.currents_a,
        energy_register_wh=state.energy_register_wh,
        limit_w=seen.limit_w,
        limit_a=state.limit_a,
        household_load_w=house.load_w,
        household_currents_a=house.currents_a,
        household_pv_w=house.pv_w,
        reset_count=report.reset_count,
        departure_at=report.departure_at,
        trip_shortfall_wh=state.trip_shortfall_wh,
    )


def household_answer(world: World) -> HouseholdAnswer:
    """The house now."""
    house, report = world.household, world.house()
    return HouseholdAnswer(
        at=report.at,
        load_w=report.load_w,
        phases=3 if house.phases == 3 else 1,
        currents_a=report.currents_a,
        pv_w=report.pv_w,
        voltage_v=house.voltage_v,
        fuse_w=house.fuse_w,
        time_zone=house.zone.key,
        time_scale=world.clock.time_scale,
        seconds_per_hour=house.seconds_per_hour,
        reset_count=report.reset_count,
    )


def forecast_answer(slots: tuple[tuple[Slot, float | None], ...]) -> ForecastAnswer:
    """House load slots, with what the roof gives, as JSON."""
    return ForecastAnswer(
        slots=tuple(
            LoadSlot(
                start_at=slot.start_at, duration_s=slot.duration_s, load_w=slot.value, pv_w=pv_w
            )
            for slot, pv_w in slots
        )
    )


def prices_answer(world: World) -> PricesAnswer:
    """Known prices as JSON."""
    house = world.household
    return PricesAnswer(
        currency=house.currency,
        unit=f"{house.currency}/kWh",
        includes_vat=house.prices_include_vat,
        source=house.price_source,
        slots=tuple(
            PriceSlot(start_at=slot.start_at, duration_s=slot.duration_s, price_per_kwh=slot.value)
            for slot in world.price_slots()
        ),
    )
