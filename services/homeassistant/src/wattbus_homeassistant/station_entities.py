"""The entities of a charging station and its car: what is read, and what can be wished."""

from wattbus_contract import topics
from wattbus_contract.facts import ConnectorStatus, Control, Mode, StationInfo
from wattbus_homeassistant import templates
from wattbus_homeassistant.entity import Config, Place, absent

TIME_OF_DAY = r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$"


LIMITS_REPEATED_WITHIN_S = 600
"""A scheduler that commands says each limit again before that; later its reason is no longer so."""

LEAST_STEP = 0.001
"""Home Assistant refuses smaller ones."""


def station_entities(place: Place, info: StationInfo, currency: str) -> dict[str, Config]:
    """Return a station's entities by key; `place` names it."""
    return {
        **_measured(place),
        **_planned(place, currency),
        **_stated(place),
        **_wished(place, info),
    }


def _measured(place: Place) -> dict[str, Config]:
    meter, state = place.topic(topics.METER), place.topic(topics.STATION_STATE)
    only_measured = place.measured()
    return {
        "power": place.entity(
            "sensor", "power", "Power", state_topic=meter, device_class="power",
            state_class="measurement", unit_of_measurement="W", suggested_display_precision=0,
            value_template=templates.number("power_active_import_w"), **only_measured,
        ),
        "energy": place.entity(
            "sensor", "energy", "Energy", state_topic=meter, device_class="energy",
            state_class="total_increasing", unit_of_measurement="Wh",
            suggested_display_precision=0,
            value_template=templates.number("energy_active_import_register_wh"), **only_measured,
        ),
        "soc": place.entity(
            "sensor", "soc", "State of charge", state_topic=state, device_class="battery",
            state_class="measurement", unit_of_measurement="%", suggested_display_precision=0,
            value_template=templates.number("soc_percent"), **only_measured,
        ),
        "limit": place.entity(
            "sensor", "limit", "Offered power", state_topic=state, device_class="power",
            state_class="measurement", unit_of_measurement="W", suggested_display_precision=0,
            value_template=templates.number("offered_limit_w"), **only_measured,
        ),
        "plugged": place.entity(
            "binary_sensor", "plugged", "Plugged in", state_topic=state, device_class="plug",
            value_template=templates.is_true("value_json.is_plugged_in"), **only_measured,
        ),
        "charging": place.entity(
            "binary_sensor", "charging", "Charging", state_topic=state,
            device_class="battery_charging",
            value_template=templates.is_true("value_json.connector_status == 'Charging'"),
            **only_measured,
        ),
    }  # fmt: skip


def _planned(place: Place, currency: str) -> dict[str, Config]:
    plan, report = place.topic(topics.PLAN), place.topic(topics.REPORT)
    station = place.station or ""
    money: Config = {
        "state_topic": report, "device_class": "monetary", "state_class": "total",
        "unit_of_measurement": currency, "suggested_display_precision": 2,
        "last_reset_value_template": templates.of_month(station, "from_at", "''"),
    }  # fmt: skip
    return {
        "next_start": place.entity(
            "sensor", "next_start", "Next start", state_topic=plan, device_class="timestamp",
            value_template=templates.first_charging(station), icon="mdi:clock-start",
        ),
        "ready_at": place.entity(
            "sensor", "ready_at", "Ready at", state_topic=plan, device_class="timestamp",
            value_template=templates.of_plan(station, "target_reached_at"), icon="mdi:clock-end",
        ),
        "month_cost": place.entity(
            "sensor", "month_cost", "Cost this month",
            value_template=templates.of_month(station, "cost"), **money,
        ),
        "month_saving": place.entity(
            "sensor", "month_saving", "Saving this month",
            value_template=templates.of_month(station, "saving"), **money,
        ),
    }  # fmt: skip


def _stated(place: Place) -> dict[str, Config]:
    state = place.topic(topics.STATION_STATE)
    return {
        "reason": place.entity(
            "sensor", "reason", "Reason", state_topic=place.topic(topics.SET_LIMIT),
            value_template=templates.reason(), icon="mdi:comment-question-outline",
            expire_after=LIMITS_REPEATED_WITHIN_S,
        ),
        "in_effect": place.entity(
            "sensor", "in_effect", "In effect", state_topic=state,
            value_template=templates.reason(), entity_category="diagnostic",
            icon="mdi:information-outline",
        ),
        "status": place.entity(
            "sensor", "status", "Connector", state_topic=state, device_class="enum",
            options=[status.value for status in ConnectorStatus],
            value_template=templates.text("connector_status"), entity_category="diagnostic",
        ),
        "problem": place.entity(
            "binary_sensor", "problem", "Problem", state_topic=state, device_class="problem",
            value_template=templates.is_true(
                "value_json.is_failsafe or not value_json.is_reachable"
                " or value_json.connector_status == 'Faulted'"
            ),
        ),
        "connectivity": place.entity(
            "binary_sensor", "connectivity", "Connection", state_topic=state,
            device_class="connectivity", entity_category="diagnostic",
            value_template=templates.is_true("value_json.is_reachable"),
        ),
        "answer": place.entity(
            "sensor", "answer", "Answer to the last wish",
            state_topic=place.topic(topics.RESPONSE), value_template=templates.reason(),
            entity_category="diagnostic", icon="mdi:message-reply-text-outline",
        ),
    }  # fmt: skip


def _wished(place: Place, info: StationInfo) -> dict[str, Config]:
    goal = place.topic(topics.GOAL)
    mode_wish, goal_wish = place.topic(topics.MODE_REQUEST), place.topic(topics.GOAL_REQUEST)
    return {
        "mode": place.entity(
            "select", "mode", "Mode", state_topic=goal, command_topic=mode_wish,
            options=[mode.value for mode in Mode], value_template=templates.text("mode"),
            command_template='{"mode": {{ value | to_json }}}', icon="mdi:ev-station",
        ),
        "charge_now": place.entity(
            "switch", "charge_now", "Charge now", state_topic=goal, command_topic=mode_wish,
            value_template=templates.is_true("value_json.mode == 'now'"),
            state_on="ON", state_off="OFF",
            payload_on='{"mode": "now"}', payload_off='{"mode": "smart"}', icon="mdi:flash",
        ),
        "target_soc": place.entity(
            "number", "target_soc", "Target", state_topic=goal, command_topic=goal_wish,
            min=0, max=100, step=1, unit_of_measurement="%", device_class="battery",
            value_template=templates.number("target_soc_percent"),
            command_template='{"target_soc_percent": {{ value }}}',
        ),
        **_departure(place),
        "departure_at": place.entity(
            "sensor", "departure_at", "Next departure", state_topic=goal,
            device_class="timestamp", value_template=templates.number("departure_at"),
        ),
        "max_current": _max_current(place, info),
    }  # fmt: skip


def _departure(place: Place) -> dict[str, Config]:
    """Return what sets the next departure: a time, and what an earlier text left removed."""
    common: Config = {
        "state_topic": place.topic(topics.GOAL), "command_topic": place.topic(topics.GOAL_REQUEST),
        "command_template": '{"departure_time": {{ value | string | to_json }}}',
        "icon": "mdi:clock-outline",
    }  # fmt: skip
    if place.departure == "text":
        shown = templates.local_time_of_day("departure_at")
        limits: Config = {"pattern": TIME_OF_DAY, "max": 5, "value_template": shown}
        return {"departure": place.entity("text", "departure", "Departure", **limits, **common)}
    shown = templates.local_time_of_day("departure_at", otherwise="None")
    entity = place.entity("time", "departure", "Departure", value_template=shown, **common)
    return {"departure": absent("text"), "departure_time": entity}


def _max_current(place: Place, info: StationInfo) -> Config:
    """Return the current limit; there is none where only one current, or none, can be set."""
    low, high = info.min_current_a, info.max_current_a
    if info.control is not Control.CURRENT or low >= high:
        return absent("number")
    return place.entity(
        "number", "max_current", "Current limit", state_topic=place.topic(topics.GOAL),
        command_topic=place.topic(topics.GOAL_REQUEST), min=low, max=high,
        step=max(info.current_step_a, LEAST_STEP), unit_of_measurement="A", device_class="current",
        value_template=templates.clamped("max_current_a", low, high),
        # At the top there is no limit any more.
        command_template=(
            f'{{% if value >= {high:g} %}}{{"clear": ["max_current_a"]}}'
            '{% else %}{"max_current_a": {{ value }}}{% endif %}'
        ),
    )  # fmt: skip
