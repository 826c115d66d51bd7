"""From a market's price to what a household pays for a kilowatt-hour, and what it gets for one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tariff:
    """Fees per kWh in the currency's major unit. Sums marked as including VAT hold it already.

    What is sold brings the market's price without VAT times `feed_in_spot_factor` plus
    `feed_in_fee_per_kwh`, or `feed_in_price_per_kwh` at any time; nothing is known without both.
    """

    vat_percent: float = 25.0
    prices_include_vat: bool | None = None
    fees_include_vat: bool = True
    energy_tax_per_kwh: float = 0.0
    grid_fee_per_kwh: float = 0.0
    supplier_fee_per_kwh: float = 0.0
    feed_in_price_per_kwh: float | None = None
    feed_in_spot_factor: float | None = None
    feed_in_fee_per_kwh: float = 0.0


def household_price(tariff: Tariff, price_per_kwh: float, *, includes_vat: bool) -> float:
    """Return the price with VAT and all fees; a negative market price stays negative before fees.

    VAT is due on the fees as on the energy: (price + fees) x (1 + VAT).
    """
    vat_factor = 1 + tariff.vat_percent / 100
    fees = tariff.energy_tax_per_kwh + tariff.grid_fee_per_kwh + tariff.supplier_fee_per_kwh
    energy = price_per_kwh if includes_vat else price_per_kwh * vat_factor
    return energy + (fees if tariff.fees_include_vat else fees * vat_factor)


def spot_price(tariff: Tariff, price_per_kwh: float, *, includes_vat: bool) -> float:
    """Return the market's price without VAT."""
    return price_per_kwh / (1 + tariff.vat_percent / 100) if includes_vat else price_per_kwh


def feed_in_price(tariff: Tariff, spot_price_per_kwh: float) -> float | None:
    """Return what a kWh that is sold brings; None where the site does not say. May be negative."""
    if tariff.feed_in_spot_factor is not None:
        return spot_price_per_kwh * tariff.feed_in_spot_factor + tariff.feed_in_fee_per_kwh
    return tariff.feed_in_price_per_kwh
