"""What people, Home Assistant and the dashboard may wish; such messages need no envelope."""

import re
from datetime import time
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from wattbus_contract.base import Body, Percent, PricePerKwh, UtcInstant
from wattbus_contract.facts import Mode

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
            "description": "The next time that the site's clock shows this.",
            "examples": ["07:00"],
        }
    ),
]


class ModeRequest(Body):
    """`{"mode": "now"}` on `request/station/<id>/mode`."""

    mode: Mode


class GoalRequest(Body):
    """A new goal; what is left out stays as it is.

    `departure_at` is an instant; `departure_time` a local time of day such as "07:00", meaning the
    next time that the site's clock shows it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name]}
                for name in (
                    "target_soc_percent",
                    "min_soc_percent",
                    "departure_at",
                    "departure_time",
                    "price_cap_per_kwh",
                )
            ],
            "not": {"required": ["departure_at", "departure_time"]},
        }
    )

    target_soc_percent: Percent | None = None
    min_soc_percent: Percent | None = None
    departure_at: UtcInstant | None = None
    departure_time: TimeOfDay | None = None
    price_cap_per_kwh: PricePerKwh | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "GoalRequest":
        if not self.model_dump(exclude_none=True):
            raise ValueError(
                "give at least one of target_soc_percent, min_soc_percent, departure_at, "
                "departure_time, price_cap_per_kwh"
            )
        if self.departure_at is not None and self.departure_time is not None:
            raise ValueError("give departure_at or departure_time, not both")
        return self
