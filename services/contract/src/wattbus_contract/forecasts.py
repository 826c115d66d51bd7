"""What the station-bridge and the price-feed expect: prices and the house's load, by slots."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wattbus_contract.base import (
    Body,
    Co2PerKwh,
    DurationS,
    Many,
    PowerW,
    PricePerKwh,
    ProductionW,
    Text,
    UtcInstant,
)


class PriceSlot(Body):
    """What a household pays from `start_at` on, VAT and fees as the site has configured them.

    `feed_in_price_per_kwh` is what it gets for a kWh of its own production.
    """

    start_at: UtcInstant
    duration_s: DurationS
    price_per_kwh: PricePerKwh
    spot_price_per_kwh: PricePerKwh | None = None
    feed_in_price_per_kwh: PricePerKwh | None = None
    co2_g_per_kwh: Co2PerKwh | None = None


class PriceForecast(Body):
    """Known prices, in order and without overlap; gaps and mixed lengths are allowed."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    unit: Text
    provider: Text
    slots: Many[PriceSlot]

    @model_validator(mode="after")
    def _slots_are_in_order(self) -> "PriceForecast":
        _check_order(self.slots)
        return self


class BaseLoadSlot(Body):
    """Expected load of the house without its chargers, and own production; means over the slot."""

    start_at: UtcInstant
    duration_s: DurationS
    power_w: PowerW
    pv_power_w: ProductionW | None = None


class BaseLoadForecast(Body):
    """Expected house load and own production, in order and without overlap."""

    unit: Literal["W"] = "W"
    provider: Text
    slots: Many[BaseLoadSlot]

    @model_validator(mode="after")
    def _slots_are_in_order(self) -> "BaseLoadForecast":
        _check_order(self.slots)
        return self


def _check_order(slots: Sequence[PriceSlot | BaseLoadSlot]) -> None:
    for number, (earlier, later) in enumerate(pairwise(slots), start=1):
        gap_s = (later.start_at - earlier.start_at).total_seconds() - earlier.duration_s
        if gap_s < -1e-6:
            raise ValueError(f"slots.{number} starts before slot {number - 1} has ended")
