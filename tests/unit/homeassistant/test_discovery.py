"""Discovery messages: one for the site and each station, whole, and removed in time."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from wattbus_contract import topics
from wattbus_contract.codec import Decoded, decode
from wattbus_contract.examples import EXAMPLES, example_payload, example_topic
from wattbus_contract.facts import Control, SiteInfo, StationInfo
from wattbus_contract.forecasts import BaseLoadForecast
from wattbus_homeassistant.discovery import announcements, changes, is_of_site
from wattbus_homeassistant.entity import Place
from wattbus_homeassistant.facts import Facts, with_message
from wattbus_homeassistant.settings import HomeAssistantSettings, Language
from wattbus_homeassistant.words import SWEDISH

SITE_TOPIC = "homeassistant/device/wattbus_home/config"
CAR1_TOPIC = "homeassistant/device/wattbus_home_car1/config"
CAR2_TOPIC = "homeassistant/device/wattbus_home_car2/config"


def a_site(*stations: str) -> SiteInfo:
    site = EXAMPLES[topics.SITE_INFO]
    assert isinstance(site, SiteInfo)
    return site.model_copy(update={"stations": stations})


def a_station(control: Control = Control.SWITCH) -> StationInfo:
    info = EXAMPLES[topics.STATION_INFO]
    assert isinstance(info, StationInfo)
    return info.model_copy(update={"control": control})


FACTS = Facts(
    "home", a_site("car1", "car2"), "station-bridge",
    {"car1": a_station(), "car2": a_station(Control.CURRENT)}, ("cheapest", "load"), has_solar=True,
)  # fmt: skip
HOW = HomeAssistantSettings()


def configs(
    facts: Facts = FACTS, settings: HomeAssistantSettings = HOW
) -> dict[str, dict[str, Any]]:
    found = announcements(facts, "1.2.3", settings)
    return {topic: json.loads(text) for topic, text in found.items()}


def components(facts: Facts = FACTS) -> list[dict[str, Any]]:
    return [part for config in configs(facts).values() for part in config["components"].values()]


def strings_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings_of(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings_of(part)]
    return [value] if isinstance(value, str) else []


def test_there_is_one_message_for_the_site_and_one_for_each_station() -> None:
    assert set(configs()) == {SITE_TOPIC, CAR1_TOPIC, CAR2_TOPIC}


def test_each_message_has_what_device_discovery_asks_for() -> None:
    for config in configs().values():
        assert set(config) == {"device", "origin", "availability", "components"}
        assert config["device"]["identifiers"]
        assert config["origin"] == {"name": "wattbus-homeassistant", "sw_version": "1.2.3"}
    assert configs()[CAR1_TOPIC]["device"]["via_device"] == "wattbus_home"


def test_every_entity_has_an_id_of_its_own() -> None:
    ids = [part["unique_id"] for part in components() if "unique_id" in part]

    assert len(ids) == len(set(ids)) >= 50


def test_every_topic_is_one_of_the_contract_and_written_by_the_right_one() -> None:
    for part in components():
        for key in ("state_topic", "command_topic"):
            if key in part:
                parsed = topics.parse(part[key])
                assert parsed is not None, part[key]
                is_wish = parsed.spec.pattern.startswith("request/")
                assert is_wish is (key == "command_topic"), part
        for availability in part.get("availability", []):
            assert topics.parse(availability["topic"]) is not None


def test_every_field_that_a_template_reads_is_in_the_message_of_its_topic() -> None:
    for part in components():
        if "state_topic" not in part:
            continue
        parsed = topics.parse(part["state_topic"])
        assert parsed is not None
        fields = re.findall(r"value_json\.(\w+)", part["value_template"])
        assert fields
        assert set(fields) <= set(parsed.spec.body.model_fields), part["value_template"]


def test_braces_of_every_template_are_balanced() -> None:
    for text in strings_of(list(configs().values())):
        assert text.count("{{") == text.count("}}"), text
        assert text.count("{%") == text.count("%}"), text


def test_energy_counts_up_in_watt_hours() -> None:
    energy = configs()[CAR1_TOPIC]["components"]["energy"]

    assert energy["device_class"] == "energy"
    assert energy["state_class"] == "total_increasing"
    assert energy["unit_of_measurement"] == "Wh"


def test_only_a_station_that_takes_a_current_has_a_current_limit() -> None:
    assert configs()[CAR1_TOPIC]["components"]["max_current"] == {"platform": "number"}
    limit = configs()[CAR2_TOPIC]["components"]["max_current"]
    assert (limit["min"], limit["max"], limit["step"]) == (6.0, 32.2, 1.0)


def test_a_departure_is_a_time_and_the_text_of_an_earlier_release_is_removed() -> None:
    parts = configs()[CAR1_TOPIC]["components"]

    assert parts["departure_time"]["platform"] == "time"
    assert parts["departure_time"]["default_entity_id"] == "time.car1_departure"
    assert parts["departure"] == {"platform": "text"}


def test_a_home_assistant_without_times_gets_a_text_and_no_platform_that_it_does_not_know() -> None:
    parts = configs(settings=HomeAssistantSettings(departure="text"))[CAR1_TOPIC]["components"]

    assert parts["departure"]["platform"] == "text"
    assert "time" not in {part["platform"] for part in parts.values()}


def test_only_a_site_with_solar_panels_says_what_they_give() -> None:
    without = replace(FACTS, has_solar=False)

    assert configs()[SITE_TOPIC]["components"]["solar_power"]["unit_of_measurement"] == "W"
    assert configs(without)[SITE_TOPIC]["components"]["solar_power"] == {"platform": "sensor"}


def test_a_forecast_tells_whether_there_are_solar_panels() -> None:
    with_panels = with_message(Facts("home"), message(topics.BASE_LOAD))
    forecast = EXAMPLES[topics.BASE_LOAD]
    assert isinstance(forecast, BaseLoadForecast)
    bare = tuple(slot.model_copy(update={"pv_power_w": None}) for slot in forecast.slots)
    said = replace(message(topics.BASE_LOAD), body=forecast.model_copy(update={"slots": bare}))

    assert with_panels.has_solar
    assert not with_message(with_panels, said).has_solar


def test_a_scheduler_without_a_choice_of_strategies_has_no_select() -> None:
    with_choice = configs()[SITE_TOPIC]["components"]["strategy"]
    without = Facts("home", FACTS.site, "station-bridge", FACTS.stations)

    assert with_choice["options"] == ["cheapest", "load"]
    assert configs(without)[SITE_TOPIC]["components"]["strategy"] == {"platform": "select"}


def test_nothing_is_announced_before_the_site_is_known() -> None:
    assert announcements(Facts("home", stations={"car1": a_station()}), "1.2.3", HOW) == {}


def test_a_station_is_announced_when_it_has_described_itself() -> None:
    facts = Facts("home", a_site("car1", "car2"), "station-bridge", {"car1": a_station()})

    assert set(announcements(facts, "1.2.3", HOW)) == {SITE_TOPIC, CAR1_TOPIC}


def test_what_has_not_changed_is_not_said_again() -> None:
    wanted = announcements(FACTS, "1.2.3", HOW)

    assert changes(FACTS, wanted, {}) == wanted
    assert changes(FACTS, wanted, wanted) == {}
    assert changes(FACTS, wanted, {**wanted, CAR1_TOPIC: b"{}"}) == {CAR1_TOPIC: wanted[CAR1_TOPIC]}


def test_a_station_that_has_left_is_removed() -> None:
    left = replace(FACTS, site=a_site("car1"))

    found = changes(left, announcements(left, "1.2.3", HOW), announcements(FACTS, "1.2.3", HOW))

    assert found == {CAR2_TOPIC: b""}


def test_a_station_that_has_not_described_itself_yet_is_not_removed() -> None:
    early = replace(FACTS, stations={})

    assert (
        changes(early, announcements(early, "1.2.3", HOW), announcements(FACTS, "1.2.3", HOW)) == {}
    )


@pytest.mark.parametrize(
    ("topic", "is_ours"),
    [
        (SITE_TOPIC, True),
        (CAR1_TOPIC, True),
        ("homeassistant/device/wattbus_home-2/config", False),
        ("homeassistant/device/wattbus_home-2_car1/config", False),
        ("homeassistant/device/zigbee/config", False),
    ],
)
def test_devices_of_others_are_left_alone(topic: str, is_ours: bool) -> None:
    assert is_of_site(topic, "home") is is_ours


def message(spec: topics.TopicSpec) -> Decoded:
    return decode(example_topic(spec), example_payload(spec))


def test_facts_are_built_from_messages() -> None:
    facts = Facts("home")
    for spec in (topics.SITE_INFO, topics.STATION_INFO, topics.PLAN, topics.PRICE):
        facts = with_message(facts, message(spec))

    assert facts.site == EXAMPLES[topics.SITE_INFO]
    assert facts.bridge == "station-bridge"
    assert facts.known_stations == {"car1": EXAMPLES[topics.STATION_INFO]}
    assert facts.strategies == ("cheapest", "load", "optimal", "price", "threshold")


def test_a_message_that_says_nothing_new_changes_nothing() -> None:
    facts = with_message(Facts("home"), message(topics.SITE_INFO))

    assert with_message(facts, message(topics.SITE_INFO)) == facts


def test_ids_with_hyphens_cannot_be_confused() -> None:
    assert Place("a", "", "b-c").object_id != Place("a-b", "", "c").object_id


def entities_in(language: Language) -> list[dict[str, Any]]:
    found = announcements(FACTS, "1.2.3", HomeAssistantSettings(language=language)).values()
    parts = [part for text in found for part in json.loads(text)["components"].values()]
    return [part for part in parts if "name" in part]


def test_in_swedish_every_entity_has_another_name_and_nothing_else_is_different() -> None:
    english, swedish = entities_in("en"), entities_in("sv")

    assert len(english) == len(swedish) >= 50
    for one, other in zip(english, swedish, strict=True):
        assert other.pop("name") == SWEDISH[one.pop("name")]
        assert one == other
