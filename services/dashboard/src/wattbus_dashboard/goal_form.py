"""From the fields of the goal's form to a wish: only what was changed is asked for."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from wattbus_contract.facts import Goal
from wattbus_contract.requests import GoalRequest
from wattbus_contract.weekly import Weekday, WeeklyDeparture

LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


class BadForm(ValueError):  # noqa: N818 - says what it is
    """A field that cannot be; the message is for people."""


@dataclass(frozen=True, slots=True)
class DayField:
    """What the form holds of one day of the week."""

    day: Weekday
    time: str
    target: str


def departure_text(goal: Goal | None, zone: ZoneInfo) -> str:
    """Return the next departure as a `datetime-local` field holds it."""
    if goal is None or goal.departure_at is None:
        return ""
    return f"{goal.departure_at.astimezone(zone):{LOCAL_FORMAT}}"


def day_fields(goal: Goal | None) -> tuple[DayField, ...]:
    """Return the weekly plan day by day; of several departures on one day the first."""
    weekly = goal.weekly if goal is not None and goal.weekly is not None else ()
    fields = []
    for day in Weekday:
        found = next((item for item in weekly if day in item.days), None)
        time = f"{found.departure_time:%H:%M}" if found is not None else ""
        target = _figure(found.target_soc_percent) if found is not None else ""
        fields.append(DayField(day, time, target))
    return tuple(fields)


def wish_of(fields: Mapping[str, str], goal: Goal | None, zone: ZoneInfo) -> GoalRequest | None:
    """Return the wish that a filled-in form makes, None if nothing was changed; or BadForm."""
    asked: dict[str, Any] = {}
    clear = []
    target = _number(fields.get("target", ""))
    if target is not None and (goal is None or target != goal.target_soc_percent):
        asked["target_soc_percent"] = target
    departure = fields.get("departure", "")
    if departure and departure != departure_text(goal, zone):
        asked["departure_at"] = _instant(departure, zone)
    current, known = _number(fields.get("max_current", "")), goal.max_current_a if goal else None
    if current is None and known is not None:
        clear.append("max_current_a")
    elif current is not None and current != known:
        asked["max_current_a"] = current
    days = tuple(
        DayField(day, fields.get(f"time-{day}", ""), fields.get(f"target-{day}", ""))
        for day in Weekday
    )
    if _normal(days) != _normal(day_fields(goal)):
        weekly = _weekly(days)
        if weekly:
            asked["weekly"] = weekly
        else:
            clear.append("weekly")
    if clear:
        asked["clear"] = clear
    if not asked:
        return None
    try:
        return GoalRequest.model_validate(asked, strict=False)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise BadForm(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}") from error


def _normal(days: tuple[DayField, ...]) -> list[tuple[str, float | None]]:
    return [(day.time[:5], _number(day.target) if day.time else None) for day in days]


def _weekly(days: tuple[DayField, ...]) -> tuple[WeeklyDeparture, ...]:
    """Days that are alike make one departure."""
    alike: dict[tuple[str, float | None], list[Weekday]] = defaultdict(list)
    for day in days:
        if day.time:
            alike[day.time[:5], _number(day.target)].append(day.day)
    try:
        return tuple(
            WeeklyDeparture.model_validate(
                {"days": names, "departure_time": time, "target_soc_percent": target}, strict=False
            )
            for (time, target), names in alike.items()
        )
    except ValidationError as error:
        raise BadForm(error.errors(include_url=False)[0]["msg"]) from error


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise BadForm(text) from error


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadForm(text) from error
