"""How numbers, money and instants are written in a language."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract.money import cost_text, price_text
from wattbus_dashboard.words import Words

THIN = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
"""Where nothing is known."""


def number(value: float, digits: int, words: Words) -> str:
    """Return `7.40`, or `7,40`."""
    return f"{value:.{digits}f}".replace(".", words.decimal).replace("-", "\N{MINUS SIGN}")


def power(power_w: float, words: Words) -> str:
    """Return `7.40 kW`."""
    return f"{number(power_w / 1000, 2, words)}{THIN}kW"


def energy(energy_wh: float, words: Words) -> str:
    """Return `12.9 kWh`."""
    return f"{number(energy_wh / 1000, 1, words)}{THIN}kWh"


def percent(value: float, words: Words) -> str:
    """Return `80 %`, a decimal only where there is one."""
    rounded = round(value, 1)
    return f"{number(rounded, 0 if rounded.is_integer() else 1, words)}{THIN}%"


def current(value: float, words: Words) -> str:
    """Return `16 A`."""
    rounded = round(value, 1)
    return f"{number(rounded, 0 if rounded.is_integer() else 1, words)}{THIN}A"


def price(per_kwh: float, currency: str, words: Words) -> str:
    """Return `68.0 öre/kWh`."""
    return _localised(price_text(per_kwh, currency), words)


def cost(value: float, currency: str, words: Words) -> str:
    """Return `13.73 kr`."""
    return _localised(cost_text(value, currency), words)


def _localised(text: str, words: Words) -> str:
    figure, _, unit = text.partition(" ")
    return f"{figure.replace('.', words.decimal).replace('-', chr(0x2212))}{THIN}{unit}"


def to_minute(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time at the nearest minute."""
    return (instant + timedelta(seconds=30)).astimezone(zone).replace(second=0, microsecond=0)


def day_time(instant: datetime, zone: ZoneInfo, words: Words) -> str:
    """Return `Wed 07:00`."""
    local = to_minute(instant, zone)
    return f"{words.days[local.weekday()]} {local:%H:%M}"


def clock(instant: datetime, zone: ZoneInfo, words: Words) -> str:
    """Return `Wed 15 Jan 22:14`."""
    local = instant.astimezone(zone)
    return f"{date(instant, zone, words)} {local:%H:%M}"


def date(instant: datetime, zone: ZoneInfo, words: Words) -> str:
    """Return `Wed 15 Jan`."""
    local = instant.astimezone(zone)
    return f"{words.days[local.weekday()]} {local.day} {words.months[local.month - 1]}"


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return `22:00-24:00` with an en dash; the midnight that ends a span is 24:00."""
    local_end = to_minute(end, zone)
    shown = "24:00" if (local_end.hour, local_end.minute) == (0, 0) else f"{local_end:%H:%M}"
    return f"{to_minute(start, zone):%H:%M}\N{EN DASH}{shown}"
