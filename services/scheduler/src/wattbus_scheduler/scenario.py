"""Reads a situation from a JSON scenario, and the scenarios that come with the scheduler."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from wattbus_scheduler.situation import Car, Site, Situation, Slot
from wattbus_scheduler.strategies import StrategySettings

T = TypeVar("T")


class BadScenario(ValueError):  # noqa: N818 - says what is wrong, as InvalidMessage does
    """A scenario that cannot be read; the message names the field and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A situation with the instant at which to plan it."""

    description: str
    now: datetime
    situation: Situation
    settings: StrategySettings


def bundled_names() -> list[str]:
    """Return the names of the scenarios that come with the scheduler."""
    folder = resources.files("wattbus_scheduler") / "scenarios"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir())


def load_scenario(name_or_path: str) -> Scenario:
    """Read a bundled scenario by name, or any by path; BadScenario says what is wrong."""
    if name_or_path in bundled_names():
        folder = resources.files("wattbus_scheduler") / "scenarios"
        return parse_scenario(json.loads((folder / f"{name_or_path}.json").read_text("utf-8")))
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(bundled_names())
        raise BadScenario(f"{name_or_path}: no such file, and no bundled scenario ({known})")
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadScenario(f"{path}: {error}") from error
    return parse_scenario(document)


def parse_scenario(document: dict[str, Any]) -> Scenario:
    """Return the scenario of a JSON document.

    `slots` is a list of groups of equal length, each `{start_at, duration_s, price_per_kwh: […],
    house_load_w: […] or one figure}`; a price of null is a gap. `co2_g_per_kwh`, `surplus_w` and
    `feed_in_price_per_kwh` may be given likewise. `cars` and `site` have the fields
    of `Car` and `Site`. Instants carry an offset.
    """
    try:
        slots = tuple(slot for group in document["slots"] for slot in _slots(group))
        cars = tuple(_parse(Car, car, f"cars.{i}") for i, car in enumerate(document["cars"]))
        situation = Situation(_parse(Site, document["site"], "site"), slots, cars)
        return Scenario(
            description=document["description"],
            now=_parse(datetime, document["now"], "now"),
            situation=situation,
            settings=_parse(StrategySettings, document.get("settings", {}), "settings"),
        )
    except KeyError as error:
        raise BadScenario(f"{error.args[0]} is missing") from error


def _slots(group: dict[str, Any]) -> list[Slot]:
    prices, duration_s = group["price_per_kwh"], group["duration_s"]
    loads = _each(group["house_load_w"], len(prices), "house loads")
    optional = {
        name: _each(group[name], len(prices), name)
        for name in ("co2_g_per_kwh", "surplus_w", "feed_in_price_per_kwh")
        if name in group
    }
    start_at = _parse(datetime, group["start_at"], "slots.start_at")
    if start_at.tzinfo is None:
        raise BadScenario(f"slots.start_at: {group['start_at']} has no offset")
    # Added up in UTC: local clocks jump twice a year.
    start_at = datetime.fromtimestamp(start_at.timestamp(), tz=UTC)
    return [
        Slot(
            start_at + timedelta(seconds=duration_s * i),
            duration_s,
            price,
            load_w,
            **{name: values[i] for name, values in optional.items()},
        )
        for i, (price, load_w) in enumerate(zip(prices, loads, strict=True))
    ]


def _each(value: object, count: int, name: str) -> list[Any]:
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count:
        raise BadScenario(f"slots: {count} prices, but {len(values)} {name}")
    return values


def _parse(kind: type[T], value: object, where: str) -> T:
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        unknown = value.keys() - {field.name for field in dataclasses.fields(kind)}
        if unknown:
            raise BadScenario(f"{where}: unknown field {', '.join(sorted(unknown))}")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join((where, *(str(part) for part in first["loc"])))
        raise BadScenario(f"{path}: {first['msg']} (got {first['input']!r})") from error
