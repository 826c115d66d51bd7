"""Reads weekly departures as people type them: `mon-fri 07:00`, `sat,sun 9:30 100%`."""

import re

from wattbus_console.mistakes import Mistake
from wattbus_contract.weekly import WEEKDAYS, Weekday

_FORM = re.compile(
    r"(?P<days>[a-z, -]+?)\s+(?P<time>\d{1,2}:\d{2})(?:\s+(?P<target>\d+(?:\.\d+)?)\s*%)?"
)
EVERY_DAY = ("daily", "every day", "all")


def departure_of(text: str) -> dict[str, object]:
    """Return one weekly departure, as the contract has it; Mistake for what cannot be read."""
    form = _FORM.fullmatch(text.strip().lower())
    if form is None:
        raise Mistake(
            f"--weekly {text!r}: takes days and a time, such as 'mon-fri 07:00' or "
            "'sat,sun 09:30 100%'"
        )
    departure: dict[str, object] = {
        "days": [day.value for day in _days(text, form["days"].strip())],
        "departure_time": form["time"].rjust(5, "0"),
    }
    if form["target"] is not None:
        departure["target_soc_percent"] = float(form["target"])
    return departure


def _days(text: str, words: str) -> list[Weekday]:
    if words in EVERY_DAY:
        return list(WEEKDAYS)
    named: set[Weekday] = set()
    for part in re.split(r"[, ]+", re.sub(r"\s*-\s*", "-", words)):
        first, _, last = part.partition("-")
        named.update(_from_to(_day(text, first), _day(text, last or first)))
    return [day for day in WEEKDAYS if day in named]


def _from_to(first: Weekday, last: Weekday) -> list[Weekday]:
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    span = (end - start) % len(WEEKDAYS) + 1
    return [WEEKDAYS[(start + offset) % len(WEEKDAYS)] for offset in range(span)]


def _day(text: str, word: str) -> Weekday:
    try:
        return Weekday(word[:3])
    except ValueError:
        known = ", ".join(WEEKDAYS)
        raise Mistake(f"--weekly {text!r}: {word!r} is no day; days are {known}") from None
