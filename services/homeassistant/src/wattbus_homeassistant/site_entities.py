"""The entities of the site itself: price, house, money, and who plans how."""

from collections.abc import Sequence

from wattbus_contract import topics
from wattbus_homeassistant import templates
from wattbus_homeassistant.entity import Config, Place, absent


def site_entities(
    place: Place, currency: str, strategies: Sequence[str], *, has_solar: bool
) -> dict[str, Config]:
    """Return the site's entities by key."""
    return {
        **_household(place, currency, has_solar=has_solar),
        **_money(place, currency),
        "scheduler": place.entity(
            "binary_sensor", "scheduler", "Scheduler in command", device_class="connectivity",
            state_topic=place.topic(topics.LEASE_STATE), entity_category="diagnostic",
            value_template=templates.is_true("value_json.holder is defined"),
        ),
        "strategy": _strategy(place, strategies),
        "answer": place.entity(
            "sensor", "answer", "Answer to the last wish", entity_category="diagnostic",
            state_topic=place.topic(topics.SITE_RESPONSE), value_template=templates.reason(),
            icon="mdi:message-reply-text-outline",
        ),
    }  # fmt: skip


def _household(place: Place, currency: str, *, has_solar: bool) -> dict[str, Config]:
    meter = place.topic(topics.HOUSEHOLD_METER)
    powers = {
        "house_power": ("House", "house_load_w"),
        "chargers_power": ("Chargers", "stations_power_w"),
        "site_power": ("Main fuse", "site_power_w"),
        **({"solar_power": ("Solar", "pv_power_w")} if has_solar else {}),
    }
    return {
        "solar_power": absent("sensor"),
        "price": place.entity(
            "sensor", "price", "Price now", state_topic=meter, state_class="measurement",
            unit_of_measurement=f"{currency}/kWh", suggested_display_precision=4,
            value_template=templates.number("price_per_kwh"), icon="mdi:cash-clock",
        ),
        **{
            key: place.entity(
                "sensor", key, name, state_topic=meter, device_class="power",
                state_class="measurement", unit_of_measurement="W",
                suggested_display_precision=0, value_template=templates.number(field),
            )
            for key, (name, field) in powers.items()
        },
    }  # fmt: skip


def _money(place: Place, currency: str) -> dict[str, Config]:
    figures = {"month_cost": ("Cost this month", "cost"),
               "month_saving": ("Saving this month", "saving")}  # fmt: skip
    return {
        key: place.entity(
            "sensor", key, name, state_topic=place.topic(topics.REPORT), device_class="monetary",
            state_class="total", unit_of_measurement=currency, suggested_display_precision=2,
            value_template=templates.of_month_summed(field),
            last_reset_value_template=templates.month_began(),
        )
        for key, (name, field) in figures.items()
    }  # fmt: skip


def _strategy(place: Place, strategies: Sequence[str]) -> Config:
    """Return the choice of a strategy; there is none with a scheduler that offers nothing."""
    if not strategies:
        return absent("select")
    return place.entity(
        "select", "strategy", "Strategy", state_topic=place.topic(topics.PLAN),
        command_topic=place.topic(topics.STRATEGY_REQUEST), options=list(strategies),
        value_template=templates.text("strategy"),
        command_template='{"strategy": {{ value | to_json }}}', icon="mdi:chart-timeline-variant",
    )  # fmt: skip
