"""Home Assistant's own MQTT integration takes what we announce, shows it, and asks as we expect."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.home_assistant import HomeAssistant
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.told_site import STATIONS, ToldSite
from wattbus_contract import topics
from wattbus_contract.codec import decode
from wattbus_contract.facts import ConnectorStatus, Mode
from wattbus_homeassistant.discovery import CONFIGS_FILTER

STATES = {
    "car1_power": "7400.0",
    "car1_energy": "7400.0",
    "car1_soc": "35.98",
    "car1_limit": "7400.0",
    "car1_plugged": "on",
    "car1_charging": "on",
    "car1_problem": "off",
    "car1_connectivity": "on",
    "car1_status": "Charging",
    "car1_next_start": "2025-01-15T21:00:00+00:00",
    "car1_ready_at": "2025-01-15T22:45:00+00:00",
    "car1_month_cost": "11.19",
    "car1_month_saving": "3.76",
    "car1_reason": "22:00 is among the 4 cheapest hours before departure",
    "car1_mode": "smart",
    "car1_charge_now": "off",
    "car1_target_soc": "80.0",
    "car1_departure": "00:00:00",
    "car1_departure_at": "2025-01-15T23:00:00+00:00",
    "car1_answer": "100 % by 07:00 tomorrow",
    "car2_max_current": "16.0",
    "price": "0.3429",
    "house_power": "990.0",
    "chargers_power": "7400.0",
    "site_power": "8390.0",
    "solar_power": "0.0",
    "month_cost": "11.19",
    "month_saving": "3.76",
    "strategy": "cheapest",
    "scheduler": "on",
    "answer": "the scheduler is asked for optimal",
}
TOPICS = {
    "car1_charge_now": "wattbus/v1/home/request/station/car1/mode",
    "car1_target_soc": "wattbus/v1/home/request/station/car1/goal",
    "car2_max_current": "wattbus/v1/home/request/station/car2/goal",
    "car1_departure": "wattbus/v1/home/request/station/car1/goal",
    "strategy": "wattbus/v1/home/request/strategy",
}
Wish = Callable[[str], dict[str, Any]]


@pytest.fixture
def hears(told_site: ToldSite) -> Iterator[Wish]:
    """A function that gives the first wish on a topic since the test began, by the contract."""
    begun = len(told_site.bridge.messages)

    def hear(topic: str) -> dict[str, Any]:
        message = told_site.bridge.wait_for(lambda m: m.topic == topic, since=begun)
        return decode(message.topic, message.payload).body.model_dump(
            mode="json", exclude_none=True
        )

    yield hear
    # What a test has changed is as before for the next one.
    told_site.say_all()


def announced(broker: BrokerProcess) -> set[str]:
    """Return the unique ids of all entities in the discovery messages that the broker keeps."""
    with MqttRecorder(
        broker.host, broker.port, "homeassistant", broker.password("homeassistant")
    ) as client:
        client.subscribe(CONFIGS_FILTER)
        found = [message.json for message in client.settle().messages]
    return {
        component["unique_id"]
        for config in found
        for component in config["components"].values()
        if "unique_id" in component
    }


@pytest.mark.parametrize(("key", "state"), STATES.items())
def test_a_message_of_the_bus_is_the_state_of_an_entity(
    home_assistant: HomeAssistant, told_site: ToldSite, key: str, state: str
) -> None:
    home_assistant.wait_for_state(f"wattbus_home_{key}", state)


def test_every_announced_entity_is_taken_without_a_warning(
    home_assistant: HomeAssistant, told_site: ToldSite, lone_broker: BrokerProcess
) -> None:
    wanted = announced(lone_broker)

    states = home_assistant.wait_for(
        lambda states: wanted <= set(states), f"{len(wanted)} entities are there"
    )

    assert len(wanted) >= 50
    assert set(states) == wanted
    assert {key for key, entity in states.items() if entity["state"] is None} == set()
    assert home_assistant.complaints == []


def test_the_energy_dashboard_takes_energy_and_money(
    home_assistant: HomeAssistant, told_site: ToldSite
) -> None:
    states = home_assistant.states()
    energy = states["wattbus_home_car1_energy"]["attributes"]
    cost = states["wattbus_home_car1_month_cost"]["attributes"]

    # https://www.home-assistant.io/docs/energy/faq: what a device's consumption has to have.
    assert (energy["device_class"], energy["state_class"]) == ("energy", "total_increasing")
    assert energy["unit_of_measurement"] == "Wh"
    assert (cost["device_class"], cost["unit_of_measurement"]) == ("monetary", "SEK")
    assert cost["last_reset"] == "2025-01-14T23:00:00+00:00"
    assert states["wattbus_home_price"]["attributes"]["unit_of_measurement"] == "SEK/kWh"


def test_stations_are_devices_behind_the_site(
    home_assistant: HomeAssistant, told_site: ToldSite
) -> None:
    states, devices = home_assistant.states(), home_assistant.devices()

    site = states["wattbus_home_price"]["device_id"]
    car = states["wattbus_home_car1_power"]["device_id"]

    assert devices[site]["name"] == "Home"
    assert devices[car] == {"name": "Station car1", "maker": "Wattbus", "via": site}
    assert states["wattbus_home_car1_power"]["entity_id"] == "sensor.car1_power"


def test_a_select_changes_the_mode(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    home_assistant.call("select.select_option", "wattbus_home_car1_mode", option="now")

    assert hears("wattbus/v1/home/request/station/car1/mode") == {"mode": "now"}
    # Home Assistant shows what holds, not what was wished.
    assert home_assistant.states()["wattbus_home_car1_mode"]["state"] == "smart"
    told_site.say_example(topics.GOAL, instead={"mode": Mode.NOW}, station="car1")
    home_assistant.wait_for_state("wattbus_home_car1_mode", "now")
    home_assistant.wait_for_state("wattbus_home_car1_charge_now", "on")


@pytest.mark.parametrize(
    ("service", "data", "wish"),
    [
        ("switch.turn_on car1_charge_now", {}, {"mode": "now"}),
        ("switch.turn_off car1_charge_now", {}, {"mode": "smart"}),
        ("number.set_value car1_target_soc", {"value": 85}, {"target_soc_percent": 85.0}),
        ("number.set_value car2_max_current", {"value": 10}, {"max_current_a": 10.0}),
        ("number.set_value car2_max_current", {"value": 32.2}, {"clear": ["max_current_a"]}),
        ("time.set_value car1_departure", {"time": "06:45:00"}, {"departure_time": "06:45:00"}),
        ("select.select_option strategy", {"option": "optimal"}, {"strategy": "optimal"}),
    ],
)
def test_what_is_set_becomes_a_wish_that_the_contract_reads(
    home_assistant: HomeAssistant, hears: Wish, service: str, data: dict[str, object], wish: object
) -> None:
    name, entity = service.split()

    home_assistant.call(name, f"wattbus_home_{entity}", **data)

    assert hears(TOPICS[entity]) == wish


def test_what_a_message_leaves_out_is_unknown_and_nothing_is_complained_of(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    nothing = {"soc_percent": None, "reason": None}
    told_site.say_example(topics.STATION_STATE, instead=nothing, station="car1")
    bare = {"departure_at": None, "max_current_a": None}
    for station in STATIONS:
        told_site.say_example(topics.GOAL, instead=bare, station=station)
    told_site.say_example(topics.PLAN, instead={"stations": ()})
    told_site.say_example(topics.REPORT, instead={"stations": ()})
    told_site.say_example(topics.LEASE_STATE, instead={"holder": None})
    told_site.say_example(topics.HOUSEHOLD_METER, instead={"price_per_kwh": None})

    for key in ("car1_soc", "car1_in_effect", "car1_next_start", "car1_month_cost", "price"):
        home_assistant.wait_for_state(f"wattbus_home_{key}", "unknown")
    home_assistant.wait_for_state("wattbus_home_car1_departure", "unknown")
    home_assistant.wait_for_state("wattbus_home_car2_max_current", "32.2")
    home_assistant.wait_for_state("wattbus_home_scheduler", "off")
    assert home_assistant.complaints == []


def test_a_station_that_is_silent_has_no_measured_values(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    lost = {"is_reachable": False, "connector_status": ConnectorStatus.UNAVAILABLE}
    told_site.say_example(topics.STATION_STATE, instead=lost, station="car1")

    home_assistant.wait_for_state("wattbus_home_car1_power", "unavailable")
    home_assistant.wait_for_state("wattbus_home_car1_connectivity", "off")
    home_assistant.wait_for_state("wattbus_home_car1_problem", "on")
    states = home_assistant.states()
    assert states["wattbus_home_car1_mode"]["state"] == "smart"
    assert states["wattbus_home_car2_power"]["state"] == "7400.0"


def test_without_the_bridge_nothing_is_available(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    told_site.say_bridge_is("down")

    home_assistant.wait_for(
        lambda states: all(entity["state"] == "unavailable" for entity in states.values()),
        "everything is unavailable",
    )
    told_site.say_bridge_is("up")
    home_assistant.wait_for_state("wattbus_home_car1_mode", "smart")


def test_a_scheduler_that_offers_no_choice_has_no_select(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    told_site.say_example(topics.PLAN, instead={"strategies": None})

    home_assistant.wait_for(
        lambda states: "wattbus_home_strategy" not in states, "the select is gone"
    )
    told_site.say_example(topics.PLAN)
    home_assistant.wait_for_state("wattbus_home_strategy", "cheapest")
    assert home_assistant.complaints == []


def test_a_station_that_leaves_the_site_leaves_home_assistant(
    home_assistant: HomeAssistant, told_site: ToldSite, hears: Wish
) -> None:
    told_site.say_site("car1")

    home_assistant.wait_for(
        lambda states: not any("_car2_" in key for key in states), "car2 is gone"
    )
    told_site.say_site(*STATIONS)
    home_assistant.wait_for_state("wattbus_home_car2_max_current", "16.0")
    assert home_assistant.complaints == []


def test_home_assistant_complains_of_an_entity_that_is_wrong(
    home_assistant: HomeAssistant, lone_broker: BrokerProcess
) -> None:
    """The negative control, last since it leaves a complaint: warnings are seen."""
    wrong = {
        "platform": "sensor", "unique_id": "wrong", "name": "Wrong", "state_topic": "wattbus/x",
        "device_class": "energy", "unit_of_measurement": "furlong",
    }  # fmt: skip
    config = {
        "device": {"identifiers": ["wrong"], "name": "Wrong"},
        "origin": {"name": "test"},
        "components": {"wrong": wrong},
    }
    with MqttRecorder(
        lone_broker.host, lone_broker.port, "homeassistant", lone_broker.password("homeassistant")
    ) as client:
        client.publish("homeassistant/device/wrong/config", json.dumps(config))

    home_assistant.wait_for(lambda _: home_assistant.complaints, "Home Assistant complains")
