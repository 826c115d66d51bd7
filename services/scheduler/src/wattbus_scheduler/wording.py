"""How instants, spans, powers and prices are put into the sentences of a plan."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from wattbus_contract.money import price_text

__all__ = [
    "clock",
    "duration_text",
    "energy_text",
    "power_text",
    "price_text",
    "span_text",
    "to_minute",
]


def to_minute(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time, rounded to the nearest minute."""
    return (instant + timedelta(seconds=30)).astimezone(zone).replace(second=0, microsecond=0)


@lru_cache(maxsize=1024)
def clock(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return `22:00`, with the weekday in front if it is more than a day from `now`."""
    local = to_minute(instant, zone)
    is_far = abs((instant - now).total_seconds()) > 86_400
    return f"{local:%a %H:%M}" if is_far else f"{local:%H:%M}"


def span_text(start: datetime, end: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return `22:00 to 24:00`; the midnight that ends a span is 24:00."""
    local_end = to_minute(end, zone)
    ends_at_midnight = (local_end.hour, local_end.minute) == (0, 0) and end - start < timedelta(
        hours=25
    )
    shown_end = "24:00" if ends_at_midnight else f"{local_end:%H:%M}"
    return f"{clock(start, now, zone)} to {shown_end}"


def power_text(power_w: float) -> str:
    """Return `7.4 kW`."""
    return f"{_number(power_w / 1000, 2)} kW"


def energy_text(energy_wh: float) -> str:
    """Return `12.98 kWh`."""
    return f"{_number(energy_wh / 1000, 2)} kWh"


def duration_text(duration_s: float) -> str:
    """Return `3 h 45 min`, rounded to minutes."""
    hours, minutes = divmod(round(duration_s / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
