"""Driver for stations with the simulator's own REST interface: everything in one answer."""

import json
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wattbus_contract.base import UtcInstant
from wattbus_contract.facts import ConnectorStatus, Control
from wattbus_station_bridge.stations.exchange import Answer
from wattbus_station_bridge.stations.reading import (
    InvalidAnswer,
    PerPhase,
    SourceLoad,
    SourcePrices,
    SourceSlot,
    StationReading,
    StationTraits,
)
from wattbus_station_bridge.stations.rest import Request, RestClient

Positive = Annotated[float, Field(gt=0, le=1e7)]
Power = Annotated[float, Field(ge=0, le=1e7)]
Amperes = Annotated[float, Field(ge=0, le=1e5)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class StationAnswer(_Answer):
    """`GET /stations/<id>`."""

    name: Annotated[str, Field(max_length=200)]
    control: Control
    phases: Annotated[tuple[Literal[1, 2, 3], ...], Field(min_length=1, max_length=3)]
    voltage_v: Annotated[float, Field(gt=0, le=1000)]
    min_current_a: Amperes
    max_current_a: Annotated[float, Field(gt=0, le=1000)]
    current_step_a: Annotated[float, Field(gt=0, le=1000)]
    max_power_w: Positive
    at: UtcInstant
    connector_status: ConnectorStatus
    is_plugged_in: bool
    transaction_id: Annotated[str, Field(max_length=200)] | None = None
    soc_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    battery_capacity_kwh: Annotated[float, Field(gt=0, le=10_000)]
    charging_efficiency: Annotated[float, Field(gt=0, le=1)] = 1.0
    car_name: Annotated[str, Field(max_length=200)] | None = None
    power_w: Power
    currents_a: tuple[Amperes, Amperes, Amperes] | None = None
    energy_register_wh: Annotated[float, Field(ge=0, le=1e15)]
    limit_w: Power
    household_load_w: Annotated[float, Field(ge=-1e7, le=1e7)] | None = None
    household_currents_a: tuple[Amperes, Amperes, Amperes] | None = None
    household_pv_w: Power | None = None
    reset_count: int = 0
    departure_at: UtcInstant | None = None


class HouseholdAnswer(_Answer):
    """`GET /household`, as far as it is needed."""

    seconds_per_hour: Annotated[float, Field(gt=0, le=3600)]


class _LoadSlot(_Answer):
    start_at: UtcInstant
    duration_s: Annotated[float, Field(gt=0, le=86_400)]
    load_w: Annotated[float, Field(ge=-1e7, le=1e7)]
    pv_w: Power | None = None


class ForecastAnswer(_Answer):
    """`GET /household/forecast`."""

    slots: Annotated[tuple[_LoadSlot, ...], Field(max_length=2000)]


class _PriceSlot(_Answer):
    start_at: UtcInstant
    duration_s: Annotated[float, Field(gt=0, le=86_400)]
    price_per_kwh: Annotated[float, Field(ge=-1e6, le=1e6)]


class PricesAnswer(_Answer):
    """`GET /prices`; prices are in the currency's major unit."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    includes_vat: bool
    source: Annotated[str, Field(max_length=500)] = ""
    slots: Annotated[tuple[_PriceSlot, ...], Field(max_length=2000)]


AnswerT = TypeVar("AnswerT", bound=_Answer)


def parse(kind: type[AnswerT], body: bytes) -> AnswerT:
    """Return the typed answer, or raise InvalidAnswer naming the field."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise InvalidAnswer(f"{field}: {first['msg']}, got {body[:80]!r}") from error


def to_reading(answer: StationAnswer, known: StationTraits | None = None) -> StationReading:
    """Return the reading; traits equal to the `known` ones are that very object."""
    traits = StationTraits(
        name=answer.name,
        control=answer.control,
        phases=answer.phases,
        voltage_v=answer.voltage_v,
        min_current_a=answer.min_current_a,
        max_current_a=answer.max_current_a,
        current_step_a=answer.current_step_a,
        max_power_w=answer.max_power_w,
        battery_capacity_wh=answer.battery_capacity_kwh * 1000,
        charging_efficiency=answer.charging_efficiency,
        car_name=answer.car_name,
    )
    return StationReading(
        at=answer.at,
        traits=known if traits == known and known is not None else traits,
        connector_status=answer.connector_status,
        is_plugged_in=answer.is_plugged_in,
        power_w=answer.power_w,
        energy_register_wh=answer.energy_register_wh,
        offered_limit_w=answer.limit_w,
        soc_percent=answer.soc_percent,
        transaction_id=answer.transaction_id,
        currents_a=answer.currents_a,
        house_load_w=answer.household_load_w,
        house_currents_a=_or_none(answer.household_currents_a),
        pv_power_w=answer.household_pv_w,
        departure_at=answer.departure_at,
        reset_count=answer.reset_count,
    )


def _or_none(currents_a: PerPhase | None) -> PerPhase | None:
    return currents_a if currents_a is not None and any(currents_a) else None


class WattbusStation:
    """One station at `<base>/stations/<id>`, with the household at `<base>`."""

    def __init__(self, client: RestClient, base_url: str, station: str, timeout_s: float) -> None:
        base = base_url.rstrip("/")
        self._client = client
        self._timeout_s = timeout_s
        self._limit_url = f"{base}/stations/{station}/limit"
        self._get_station = client.prepare("GET", f"{base}/stations/{station}")
        self._get_household = client.prepare("GET", f"{base}/household")
        self._get_forecast = client.prepare("GET", f"{base}/household/forecast")
        self._get_prices = client.prepare("GET", f"{base}/prices")
        self._traits: StationTraits | None = None

    def read(self) -> StationReading:
        """Ask the station how it stands."""
        answer = parse(StationAnswer, self._fetch(self._get_station))
        reading = to_reading(answer, self._traits)
        self._traits = reading.traits
        return reading

    def apply(self, limit_w: float) -> None:
        """Set the station's limit."""
        request = self._client.prepare("PUT", self._limit_url, {"limit_w": round(limit_w, 3)})
        self._fetch(request)

    def read_prices(self, now: datetime) -> SourcePrices:  # noqa: ARG002 - this station dates its slots itself
        """Ask for the known prices."""
        answer = parse(PricesAnswer, self._fetch(self._get_prices))
        slots = tuple(
            SourceSlot(slot.start_at, slot.duration_s, slot.price_per_kwh) for slot in answer.slots
        )
        return SourcePrices(answer.source or "station", slots, answer.currency, answer.includes_vat)

    def read_base_load(self, now: datetime) -> SourceLoad:  # noqa: ARG002 - this station dates its slots itself
        """Ask for the expected house load, and what the roof should give."""
        answer = parse(ForecastAnswer, self._fetch(self._get_forecast))
        slots = [(slot.start_at, slot) for slot in answer.slots]
        return SourceLoad(
            "station",
            tuple(SourceSlot(at, slot.duration_s, slot.load_w) for at, slot in slots),
            tuple(
                SourceSlot(at, slot.duration_s, slot.pv_w)
                for at, slot in slots
                if slot.pv_w is not None
            ),
        )

    def read_seconds_per_hour(self) -> float | None:
        """Ask how fast the station's clock runs."""
        return parse(HouseholdAnswer, self._fetch(self._get_household)).seconds_per_hour

    def _fetch(self, request: Request) -> bytes:
        answer = self._client.send(request, self._timeout_s)
        if answer.status != 200:
            raise InvalidAnswer(f"{request}: {_complaint(answer)}")
        return answer.body


def _complaint(answer: Answer) -> str:
    """Return the status with the station's own word for it, if it has one."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return f"HTTP {answer.status}"
    said = document.get("error") if isinstance(document, dict) else None
    return f"HTTP {answer.status} {said}" if isinstance(said, str) else f"HTTP {answer.status}"
