"""JSON Schema (draft 7) of every message as it stands on the wire: envelope and body in one."""

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.topics import TopicSpec

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"

_UNITS = (
    ("_g_per_kwh", "g per kWh"),
    ("per_kwh_h", "The site's currency (its major unit) per kWh and hour"),
    ("per_kw", "The site's currency (its major unit) per kW"),
    ("per_kg", "The site's currency (its major unit) per kg"),
    ("per_kwh", "The site's currency (its major unit) per kWh"),
    ("_percent", "%"),
    ("_kwh", "kWh"),
    ("_wh", "Wh"),
    ("_kw", "kW"),
    ("_w", "W"),
    ("_a", "A"),
    ("_v", "V"),
    ("_s", "s"),
    ("_at", "RFC 3339 with offset, published in UTC with Z"),
)


class _WireSchema(GenerateJsonSchema):
    """What is None is left out of a message, so its schema knows no null; nor titles of fields."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        json_schema = super().default_schema(schema)
        if json_schema.get("default", ...) is None:
            del json_schema["default"]
        return json_schema

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's hook
        return False


def unit_of(field: str) -> str | None:
    """Return the unit that the name of a field carries, such as `W` for `limit_w`."""
    return next((unit for suffix, unit in _UNITS if field.endswith(suffix)), None)


def message_schema(spec: TopicSpec) -> Schema:
    """Return the schema of a kind of message, complete in itself."""
    schema, definitions = message_schema_parts(spec, "#/definitions/{model}")
    whole = {"$schema": DIALECT, **schema}
    return {**whole, "definitions": definitions} if definitions else whole


def message_schema_parts(spec: TopicSpec, ref_template: str) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of a kind of message, and those that it refers to by `ref_template`."""
    head, _ = _model_schema(Envelope, ref_template)
    body, definitions = _model_schema(spec.body, ref_template)
    head["properties"]["schema"] = {"type": "string", "const": spec.schema_id}
    of_head, of_body = head.pop("required"), body.pop("required", [])
    merged = {
        "title": body.pop("title"),
        "description": body.pop("description"),
        "type": body.pop("type"),
        "properties": {**head["properties"], **body.pop("properties")},
    }
    if spec.needs_envelope:
        merged["required"] = [*of_head, *of_body]
    else:
        # Who sends a wish by hand need not say who he is; who says it, says all of it.
        merged["dependencies"] = {"schema": [name for name in of_head if name != "schema"]}
        if of_body:
            merged["required"] = of_body
    return {**merged, **body}, definitions


def _model_schema(model: type[Body], ref_template: str) -> tuple[Schema, dict[str, Schema]]:
    schema = model.model_json_schema(
        by_alias=True, ref_template=ref_template, schema_generator=_WireSchema
    )
    definitions: dict[str, Schema] = schema.pop("$defs", {})
    for part in (schema, *definitions.values()):
        _describe(part)
    return schema, definitions


def _describe(schema: Schema) -> None:
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    for name, field in schema.get("properties", {}).items():
        unit = unit_of(name)
        if unit is not None and "$ref" not in field:
            given = field.get("description")
            field["description"] = f"{given} {unit}." if given else f"{unit}."


def every_field() -> Iterator[tuple[str, str, Schema]]:
    """Yield model, name and schema of every field of every message."""
    for spec in topics.ALL:
        schema, definitions = message_schema_parts(spec, "{model}")
        for model, part in {spec.body.__name__: schema, **definitions}.items():
            for name, field in part.get("properties", {}).items():
                yield model, name, field
