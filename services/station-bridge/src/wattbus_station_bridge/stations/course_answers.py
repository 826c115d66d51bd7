"""Reads the course API's answers in all their variants: bytes become typed figures or a refusal."""

import json
import math
import re
from dataclasses import dataclass
from datetime import time

from wattbus_station_bridge.stations.exchange import Answer
from wattbus_station_bridge.stations.reading import InvalidAnswer

_LOAD = ("base_current_load", "household_load_kwh")
_ENERGY = ("battery_capacity_kwh", "battery_energy_kwh")
_CAPACITY = ("ev_batt_max_capacity_kwh",)
_PERCENT = ("battery_percent",)
_CHARGING = ("ev_battery_charge_start_stopp",)


@dataclass(frozen=True, slots=True)
class CourseInfo:
    """`GET /info`. `load_kw` is the station's faulty figure; `energy_kwh` may be above full."""

    shown: time
    load_kw: float | None = None
    energy_kwh: float | None = None
    capacity_kwh: float | None = None
    percent: float | None = None
    is_charging: bool | None = None


def parse_info(answer: Answer) -> CourseInfo:
    """Return what `GET /info` says; only the time of day must be there."""
    document = _document(answer)
    if not isinstance(document, dict):
        raise InvalidAnswer(f"/info: is no JSON object: {answer.body[:80]!r}")
    facts = {str(key).lower(): value for key, value in document.items()}
    hour, minute = _number(facts, ("sim_time_hour",)), _number(facts, ("sim_time_min",))
    if hour is None:
        raise InvalidAnswer(f"/info: sim_time_hour is missing: {answer.body[:80]!r}")
    return CourseInfo(
        shown=_time_of_day(hour, minute or 0.0),
        load_kw=_number(facts, _LOAD),
        energy_kwh=_number(facts, _ENERGY),
        capacity_kwh=_number(facts, _CAPACITY),
        percent=_number(facts, _PERCENT),
        is_charging=_flag(facts, _CHARGING),
    )


def parse_percent(answer: Answer) -> float:
    """Return what `GET /charge` says: the state of charge, which may exceed 100."""
    document = _document(answer)
    if isinstance(document, dict):
        numbers = [value for value in document.values() if _is_number(value)]
        document = numbers[0] if len(numbers) == 1 else None
    if not _is_number(document) or not 0 <= float(str(document)) <= 1000:
        raise InvalidAnswer(f"/charge: is no state of charge: {answer.body[:80]!r}")
    return float(str(document))


def parse_hours(answer: Answer, path: str) -> tuple[float, ...]:
    """Return 24 numbers, hour 0 first, from a list, `{"0": …, "23": …}` or a named list."""
    document = _document(answer)
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = lists[0] if len(lists) == 1 else _by_hour(document)
    if not isinstance(document, list) or len(document) != 24:
        raise InvalidAnswer(f"{path}: is no list of 24 numbers: {answer.body[:80]!r}")
    if not all(_is_number(value) and abs(value) <= 1e6 for value in document):
        raise InvalidAnswer(f"{path}: holds something that is no number: {answer.body[:200]!r}")
    return tuple(float(value) for value in document)


def check_order(answer: Answer) -> None:
    """Raise InvalidAnswer unless a POST was understood; a 200 can carry an error, too."""
    if answer.status != 200:
        raise InvalidAnswer(f"HTTP {answer.status}: {answer.body[:80]!r}")
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict) and "error" in document:
        raise InvalidAnswer(f"the station answers with an error: {str(document['error'])[:200]}")


def _document(answer: Answer) -> object:
    """Return the JSON document whatever content type it is declared as."""
    check_order(answer)
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer(f"is no JSON: {answer.body[:80]!r}") from error
    return document


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(facts: dict[str, object], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = facts.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or not _is_number(value) or abs(value) > 1e6:
            raise InvalidAnswer(f"/info: {name} = {str(value)[:40]!r} is no number")
        return float(value)
    return None


def _flag(facts: dict[str, object], names: tuple[str, ...]) -> bool | None:
    for name in names:
        value = facts.get(name)
        if isinstance(value, bool | int):
            return bool(value)
        if isinstance(value, str) and value.lower() in {"on", "off", "true", "false"}:
            return value.lower() in {"on", "true"}
    return None


def _time_of_day(hour: float, minute: float) -> time:
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise InvalidAnswer(f"/info: {hour:g}:{minute:g} is no time of day")
    minutes = int(hour * 60 + minute)
    return time(minutes // 60, minutes % 60)


def _by_hour(document: dict[str, object]) -> list[object]:
    """Return values by the hour that their keys begin with, such as "0" or "00:00"."""
    found: dict[int, object] = {}
    for key, value in document.items():
        if match := re.match(r"^\D*(\d{1,2})(?!\d)", key):
            found[int(match[1])] = value
    return [found[hour] for hour in range(24)] if set(found) == set(range(24)) else []
