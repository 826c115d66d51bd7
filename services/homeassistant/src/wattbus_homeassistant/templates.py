"""The templates with which Home Assistant reads the bus's own messages.

What has no value is left out of a message; `None` is then Home Assistant's word for unknown.
"""

MAX_STATE_LENGTH = 255
"""Home Assistant refuses longer states."""


def number(field: str) -> str:
    """Return the template of a figure."""
    return f"{{{{ value_json.{field} | default(None) }}}}"


def text(field: str) -> str:
    """Return the template of a text, cut to what Home Assistant takes; unknown when empty."""
    return (
        f"{{{{ (value_json.{field} | default('', true))[:{MAX_STATE_LENGTH}] | default(None, true)"
        " }}"
    )


def reason() -> str:
    """Return the template of a reason's sentence."""
    return (
        f"{{{{ ((value_json.reason | default({{}})).text | default('', true))[:{MAX_STATE_LENGTH}]"
        " | default(None, true) }}"
    )


def is_true(condition: str) -> str:
    """Return the template of a binary sensor."""
    return f"{{{{ 'ON' if {condition} else 'OFF' }}}}"


def available_if(condition: str) -> str:
    """Return the template of an availability."""
    return f"{{{{ 'online' if {condition} else 'offline' }}}}"


def clamped(field: str, low: float, high: float) -> str:
    """Return the template of a figure within bounds; the highest where there is none."""
    return f"{{{{ [[value_json.{field} | default({high:g}), {low:g}] | max, {high:g}] | min }}}}"


def local_time_of_day(field: str, otherwise: str = "") -> str:
    """Return the template of an instant's time of day in Home Assistant's time zone."""
    return (
        f"{{% if value_json.{field} is defined %}}"
        f"{{{{ (value_json.{field} | as_datetime | as_local).strftime('%H:%M') }}}}"
        f"{{% else %}}{otherwise}{{% endif %}}"
    )


def of_month(station: str, field: str, otherwise: str = "None") -> str:
    """Return the template of a station's figure in the report of the month."""
    return (
        f"{{% set mine = value_json.stations | selectattr('station', 'eq', '{station}') | list %}}"
        f"{{{{ mine[0].month.{field} if mine else {otherwise} }}}}"
    )


def of_month_summed(field: str) -> str:
    """Return the template of a figure of all stations in the report of the month."""
    return f"{{{{ value_json.stations | map(attribute='month.{field}') | sum }}}}"


def month_began() -> str:
    """Return the template of the instant at which the report's month began, or nothing."""
    return "{{ value_json.stations[0].month.from_at if value_json.stations else '' }}"


def first_charging(station: str) -> str:
    """Return the template of the instant at which a plan first has a station charge."""
    return (
        f"{{% set mine = value_json.stations | selectattr('station', 'eq', '{station}') | list %}}"
        "{% set slots = (mine[0].slots if mine else []) | selectattr('limit_w', 'gt', 0) | list %}"
        "{{ slots[0].start_at if slots else None }}"
    )


def of_plan(station: str, field: str) -> str:
    """Return the template of a figure or instant in a station's plan."""
    return (
        f"{{% set mine = value_json.stations | selectattr('station', 'eq', '{station}') | list %}}"
        f"{{{{ mine[0].{field} | default(None) if mine else None }}}}"
    )
