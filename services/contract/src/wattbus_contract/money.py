"""How a price and a sum of money are shown to people, by currency."""

_MINOR_UNITS = {"SEK": "öre", "NOK": "øre", "DKK": "øre", "EUR": "ct", "GBP": "p", "CHF": "Rp"}
_MAJOR_UNITS = {"SEK": "kr", "NOK": "kr", "DKK": "kr", "EUR": "€", "GBP": "£"}


def price_text(price_per_kwh: float, currency: str) -> str:
    """Return a price as people quote it, such as `68.01 öre/kWh` for 0.6801 SEK/kWh."""
    minor = _MINOR_UNITS.get(currency)
    if minor is None:
        return f"{price_per_kwh:.4f} {currency}/kWh"
    return f"{price_per_kwh * 100:.2f} {minor}/kWh"


def cost_text(cost: float, currency: str) -> str:
    """Return a sum of money, such as `13.73 kr`."""
    # Adding 0 takes the sign from a zero: a saving of -0.001 is no saving, not -0.00.
    return f"{round(cost, 2) + 0.0:.2f} {currency_text(currency)}"


def currency_text(currency: str) -> str:
    """Return how people write a currency, such as `kr`."""
    return _MAJOR_UNITS.get(currency, currency)
