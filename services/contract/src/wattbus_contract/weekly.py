"""Times of day and the week's departures, in local time: what goals and wishes repeat."""

import re
from datetime import time
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from wattbus_contract.base import Body, Many, Percent

TIME_OF_DAY_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"


def _time_of_day(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(TIME_OF_DAY_PATTERN, value):
        raise ValueError("is no local time of day such as 07:00")
    return time.fromisoformat(value)


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": TIME_OF_DAY_PATTERN,
            "description": "What the site's clock shows then.",
            "examples": ["07:00"],
        }
    ),
]


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEKDAYS = tuple(Weekday)
"""In the order in which `datetime.weekday()` counts them."""


class WeeklyDeparture(Body):
    """On these days the car leaves at this time; `target_soc_percent` is for these departures."""

    days: Annotated[Many[Weekday], Field(min_length=1, max_length=7)]
    departure_time: TimeOfDay
    target_soc_percent: Percent | None = None


WeeklyPlan = Annotated[Many[WeeklyDeparture], Field(max_length=50)]
"""All departures of a week."""
