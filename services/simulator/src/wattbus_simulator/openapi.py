"""The OpenAPI 3.1 document, made from the very models that answer."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from wattbus_simulator import resources as r

Json = dict[str, Any]  # a JSON document of no fixed shape

_NUMBER: Json = {"type": "number"}
_TWENTY_FOUR: Json = {"type": "array", "items": _NUMBER, "minItems": 24, "maxItems": 24}


@dataclass(frozen=True)
class Operation:
    """One method of one path; `answer` and `body` are models or plain schemas."""

    method: str
    path: str
    name: str
    summary: str
    answer: type[BaseModel] | Json
    body: tuple[type[BaseModel], ...] = ()
    is_body_required: bool = True
    errors: tuple[int, ...] = ()

    @property
    def has_station(self) -> bool:
        """Whether the path names a station."""
        return "{station_id}" in self.path


OPERATIONS = (
    Operation("get", "/", "storedEnergy", "Energy in the first car, kWh.", _NUMBER),
    Operation("get", "/info", "info", "Clock, load and first car.", r.CourseInfo),
    Operation("get", "/baseload", "baseLoad", "Today's house load by hour, kW.", _TWENTY_FOUR),
    Operation(
        "get", "/priceperhour", "pricePerHour", "Today's prices, 1/100 per kWh.", _TWENTY_FOUR
    ),
    Operation("get", "/charge", "socPercent", "State of charge of the first car, %.", _NUMBER),
    Operation(
        "post",
        "/charge",
        "charge",
        "Start or stop the first station.",
        r.ChargeOrder,
        (r.ChargeOrder,),
        errors=(400, 413),
    ),
    Operation("get", "/discharge", "howToReset", "How to reset.", r.Message),
    Operation(
        "post",
        "/discharge",
        "discharge",
        "Set clock and cars back.",
        r.DischargeOrder,
        (r.DischargeOrder,),
        errors=(400, 413),
    ),
    Operation("get", "/stations", "listStations", "All stations.", r.StationsAnswer),
    Operation("get", "/stations/{station_id}", "readStation", "One station.", r.StationAnswer),
    Operation(
        "put",
        "/stations/{station_id}/limit",
        "limitStation",
        "Limit a station; it floors to what it can do, 0 is off.",
        r.StationAnswer,
        (r.LimitInWatts, r.LimitInAmperes),
        errors=(400, 413, 415),
    ),
    Operation(
        "post",
        "/stations/{station_id}/plug",
        "plugCarIn",
        "Plug the station's car in.",
        r.StationAnswer,
        (r.StateOfCharge,),
        is_body_required=False,
        errors=(400, 409, 413, 415),
    ),
    Operation(
        "post",
        "/stations/{station_id}/unplug",
        "unplugCar",
        "Unplug the station's car.",
        r.StationAnswer,
        errors=(409,),
    ),
    Operation(
        "post",
        "/stations/{station_id}/reset",
        "resetCar",
        "Give the car its first state of charge; the clock runs on.",
        r.StationAnswer,
        (r.StateOfCharge,),
        is_body_required=False,
        errors=(400, 413, 415),
    ),
    Operation(
        "post",
        "/reset",
        "resetWorld",
        "Set clock, cars and limits back; energy registers go on.",
        r.HouseholdAnswer,
    ),
    Operation(
        "get", "/household", "readHousehold", "The house without chargers.", r.HouseholdAnswer
    ),
    Operation("get", "/household/forecast", "readForecast", "House load ahead.", r.ForecastAnswer),
    Operation("get", "/prices", "readPrices", "Known prices.", r.PricesAnswer),
    Operation("get", "/health", "readHealth", "The service answers.", r.HealthAnswer),
)


def openapi_document() -> Json:
    """The whole document; every answer, order and error has its schema."""
    schemas = _schemas()
    paths: Json = {}
    for operation in OPERATIONS:
        item = paths.setdefault(operation.path, {})
        if operation.has_station:
            item["parameters"] = [_STATION_ID]
        item[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wattbus simulator",
            "version": "1.0.0",
            "description": "A household with cars and charging stations in simulated time.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


_STATION_ID: Json = {
    "name": "station_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "example": "car1",
}


def _schemas() -> Json:
    answers = {op.answer for op in OPERATIONS if isinstance(op.answer, type)} | {r.ErrorAnswer}
    orders = {model for op in OPERATIONS for model in op.body}
    wanted = [(model, "serialization") for model in answers - orders]
    wanted += [(model, "validation") for model in orders]
    wanted.sort(key=lambda pair: pair[0].__name__)
    _, definitions = models_json_schema(
        wanted,  # type: ignore[arg-type] # the literal modes widen to str in the list
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    return schemas


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {"200": {"description": "Done.", "content": _content(operation.answer)}},
    }
    if operation.body:
        described["requestBody"] = {
            "required": operation.is_body_required,
            "content": _content(*operation.body),
        }
    errors = {*operation.errors, *((404,) if operation.has_station else ())}
    for status in sorted(errors):
        described["responses"][str(status)] = {
            "description": _ERRORS[status],
            "content": _content(r.ErrorAnswer),
        }
    return described


_ERRORS = {
    400: "The body is not what is wanted.",
    404: "No such station.",
    409: "The car is already there, or already away.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
}


def _content(*shapes: type[BaseModel] | Json) -> Json:
    schemas = [
        shape if isinstance(shape, dict) else {"$ref": f"#/components/schemas/{shape.__name__}"}
        for shape in shapes
    ]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"application/json": {"schema": schema}}
