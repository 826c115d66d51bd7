"""Slots of price, base load and roof: dated, also on days of 23 and 25 hours, and priced."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattbus_contract.forecasts import BaseLoadForecast, BaseLoadSlot, PriceForecast, PriceSlot
from wattbus_station_bridge.stations.reading import SourceLoad, SourcePrices, SourceSlot
from wattbus_station_bridge.tariff import Tariff, feed_in_price, household_price, spot_price

HOUR = timedelta(hours=1)


def hours_of_day(day: date, zone: ZoneInfo) -> list[datetime]:
    """Return the instants at which the hours of a local day begin: 23, 24 or 25 of them."""
    start_at = datetime.combine(day, time(0), zone).astimezone(UTC)
    end_at = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    return [start_at + hour * HOUR for hour in range(round((end_at - start_at) / HOUR))]


def slots_from_hours(
    values: Sequence[float], now: datetime, zone: ZoneInfo, days: int = 2
) -> tuple[SourceSlot, ...]:
    """Lay 24 values, hour 0 first, over today and tomorrow by the clock on the wall.

    The hour that comes twice in autumn has one value both times; the one that is left out in
    spring is left out. ValueError when there are not 24.
    """
    if len(values) != 24:
        raise ValueError(f"needs 24 values, got {len(values)}")
    today = now.astimezone(zone).date()
    return tuple(
        SourceSlot(start_at, 3600.0, values[start_at.astimezone(zone).hour])
        for offset in range(days)
        for start_at in hours_of_day(today + timedelta(days=offset), zone)
    )


def value_at(slots: Sequence[SourceSlot], instant: datetime) -> float | None:
    """Return the value that holds at an instant, or None where none is known."""
    index = bisect_right(slots, instant, key=lambda slot: slot.start_at) - 1
    if index < 0:
        return None
    slot = slots[index]
    return slot.value if (instant - slot.start_at).total_seconds() < slot.duration_s else None


def price_forecast(
    source: SourcePrices, tariff: Tariff, currency: str, co2: Sequence[SourceSlot] = ()
) -> PriceForecast:
    """Return what the household pays; ValueError when the source has another currency.

    Slots are cut where `co2`, in g/kWh, changes.
    """
    if source.currency is not None and source.currency != currency:
        raise ValueError(
            f"prices from {source.provider} are in {source.currency}, the site's are in {currency}"
        )
    includes_vat = tariff.prices_include_vat
    if includes_vat is None:
        includes_vat = bool(source.includes_vat)
    cuts = _edges(co2)
    return PriceForecast(
        currency=currency,
        unit=f"{currency}/kWh",
        provider=source.provider,
        slots=tuple(
            _price_slot(part, tariff, value_at(co2, part.start_at), includes_vat=includes_vat)
            for slot in source.slots
            for part in _parts(slot, cuts)
        ),
    )


def _price_slot(
    slot: SourceSlot, tariff: Tariff, co2_g_per_kwh: float | None, *, includes_vat: bool
) -> PriceSlot:
    spot_per_kwh = spot_price(tariff, slot.value, includes_vat=includes_vat)
    sold_per_kwh = feed_in_price(tariff, spot_per_kwh)
    return PriceSlot(
        start_at=slot.start_at,
        duration_s=slot.duration_s,
        price_per_kwh=_round(household_price(tariff, slot.value, includes_vat=includes_vat)),
        spot_price_per_kwh=_round(spot_per_kwh),
        feed_in_price_per_kwh=None if sold_per_kwh is None else _round(sold_per_kwh),
        co2_g_per_kwh=co2_g_per_kwh,
    )


def base_load_forecast(
    source: SourceLoad, solar: Sequence[SourceSlot] | None = None
) -> BaseLoadForecast:
    """Return the expected load as the contract has it, with what the roof should give.

    Slots of load are cut where production changes; `solar` is None without a roof.
    """
    cuts = _edges(solar or ())
    return BaseLoadForecast(
        provider=source.provider,
        slots=tuple(
            BaseLoadSlot(
                start_at=part.start_at,
                duration_s=part.duration_s,
                power_w=part.value,
                pv_power_w=None if solar is None else value_at(solar, part.start_at),
            )
            for slot in source.slots
            for part in _parts(slot, cuts)
        ),
    )


def _edges(slots: Sequence[SourceSlot]) -> list[datetime]:
    return sorted({edge for slot in slots for edge in (slot.start_at, _end_of(slot))})


def _parts(slot: SourceSlot, cuts: Sequence[datetime]) -> Iterator[SourceSlot]:
    end_at = _end_of(slot)
    inner = cuts[bisect_right(cuts, slot.start_at) : bisect_left(cuts, end_at)]
    for from_at, until in pairwise([slot.start_at, *inner, end_at]):
        yield SourceSlot(from_at, (until - from_at).total_seconds(), slot.value)


def _end_of(slot: SourceSlot) -> datetime:
    return slot.start_at + timedelta(seconds=slot.duration_s)


def _round(price_per_kwh: float) -> float:
    return round(price_per_kwh, 6)
