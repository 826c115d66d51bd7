"""What people, Home Assistant and the dashboard may wish; such messages need no envelope."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from wattbus_contract.base import Body, Many, Percent, PricePerKwh, UtcInstant
from wattbus_contract.facts import MaxCurrentA, Mode
from wattbus_contract.weekly import TimeOfDay, WeeklyPlan

STRATEGY_PATTERN = r"^[a-z0-9-]{0,32}$"


class ModeRequest(Body):
    """`{"mode": "now"}` on `request/station/<id>/mode`."""

    mode: Mode


class Clearable(StrEnum):
    """What a wish can take back, so that the site file's value holds again."""

    MAX_CURRENT_A = "max_current_a"
    PRICE_CAP_PER_KWH = "price_cap_per_kwh"
    WEEKLY = "weekly"


def _named_in_clear(name: str) -> dict[str, Any]:
    return {"properties": {"clear": {"contains": {"const": name}}}, "required": ["clear", name]}


class GoalRequest(Body):
    """A new goal; what is left out stays as it is, and what `clear` names is taken back.

    `departure_at` is an instant; `departure_time` a local time of day such as "07:00", meaning the
    next time that the site's clock shows it; either counts once. `weekly` replaces the whole weekly
    plan, whose departures come after that one.
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
                    "max_current_a",
                    "weekly",
                    "clear",
                )
            ],
            "not": {
                "anyOf": [
                    {"required": ["departure_at", "departure_time"]},
                    *(_named_in_clear(name.value) for name in Clearable),
                ]
            },
        }
    )

    target_soc_percent: Percent | None = None
    min_soc_percent: Percent | None = None
    departure_at: UtcInstant | None = None
    departure_time: TimeOfDay | None = None
    price_cap_per_kwh: PricePerKwh | None = None
    max_current_a: MaxCurrentA | None = None
    weekly: WeeklyPlan | None = None
    clear: Annotated[Many[Clearable], Field(min_length=1, max_length=3)] | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "GoalRequest":
        if not self.model_dump(exclude_none=True):
            raise ValueError(
                "give at least one of target_soc_percent, min_soc_percent, departure_at, "
                "departure_time, price_cap_per_kwh, max_current_a, weekly, clear"
            )
        if self.departure_at is not None and self.departure_time is not None:
            raise ValueError("give departure_at or departure_time, not both")
        for name in self.clear or ():
            if getattr(self, name.value) is not None:
                raise ValueError(f"give {name.value} or clear it, not both")
        return self


class StrategyRequest(Body):
    """`{"strategy": "cheapest"}` on `request/strategy`; "" leaves it to the scheduler's setting."""

    strategy: Annotated[str, Field(pattern=STRATEGY_PATTERN)]


class StrategyWish(Body):
    """The strategy that people chose; "" where the scheduler's own setting holds."""

    strategy: Annotated[str, Field(pattern=STRATEGY_PATTERN)]
