"""Turns facts into discovery messages, one for the site and one for each station: pure.

The format is Home Assistant's MQTT device discovery,
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

import json
import re
from collections.abc import Mapping

from wattbus_contract.facts import SiteInfo, StationInfo
from wattbus_homeassistant.entity import Config, Place
from wattbus_homeassistant.facts import Facts
from wattbus_homeassistant.settings import HomeAssistantSettings
from wattbus_homeassistant.site_entities import site_entities
from wattbus_homeassistant.station_entities import station_entities
from wattbus_homeassistant.words import in_language

PREFIX = "homeassistant"
BIRTH_TOPIC = f"{PREFIX}/status"
BIRTH = b"online"
CONFIGS_FILTER = f"{PREFIX}/device/+/config"
REMOVED = b""
MAKER = "Wattbus"


def config_topic(place: Place) -> str:
    """Return where a device is announced."""
    return f"{PREFIX}/device/{place.object_id}/config"


def announcements(facts: Facts, version: str, settings: HomeAssistantSettings) -> dict[str, bytes]:
    """Return the discovery message by topic, of all that is known well enough to be announced."""
    if facts.site is None:
        return {}
    how = (settings.language, settings.departure)
    site = Place(facts.site_id, facts.bridge, None, *how)
    wanted = {config_topic(site): _encode(_site_config(site, facts.site, facts, version))}
    for station, info in facts.known_stations.items():
        place = Place(facts.site_id, facts.bridge, station, *how)
        config = _station_config(place, info, facts.site.currency, version)
        wanted[config_topic(place)] = _encode(config)
    return wanted


def changes(
    facts: Facts, wanted: Mapping[str, bytes], published: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return what to publish so that the broker has what is wanted.

    A device of this site is removed when the site no longer names its station; one that has not
    described itself yet stays as it is.
    """
    if facts.site is None:
        return {}
    named = {
        config_topic(Place(facts.site_id, facts.bridge, station)) for station in facts.site.stations
    }
    kept = named | set(wanted)
    left = {
        topic: REMOVED
        for topic, payload in published.items()
        if payload and topic not in kept and is_of_site(topic, facts.site_id)
    }
    new = {topic: text for topic, text in wanted.items() if published.get(topic) != text}
    return {**left, **new}


def is_of_site(topic: str, site: str) -> bool:
    """Whether a discovery topic is one that this service announces for a site."""
    expression = rf"{PREFIX}/device/wattbus_{re.escape(site)}(_[a-z0-9-]+)?/config"
    return re.fullmatch(expression, topic) is not None


def _site_config(place: Place, site: SiteInfo, facts: Facts, version: str) -> Config:
    device: Config = {
        "identifiers": [place.object_id],
        "name": site.name or place.site,
        "manufacturer": MAKER,
        "model": in_language("Site", place.language),
        "sw_version": version,
    }
    entities = site_entities(place, site.currency, facts.strategies, has_solar=facts.has_solar)
    return _device_config(place, device, entities, version)


def _station_config(place: Place, info: StationInfo, currency: str, version: str) -> Config:
    device: Config = {
        "identifiers": [place.object_id],
        "name": info.name or place.station,
        "manufacturer": MAKER,
        "model": info.car_name or in_language("Charging station", place.language),
        "sw_version": version,
        "via_device": Place(place.site, place.bridge).object_id,
    }
    return _device_config(place, device, station_entities(place, info, currency), version)


def _device_config(
    place: Place, device: Config, entities: Mapping[str, Config], version: str
) -> Config:
    return {
        "device": device,
        "origin": {"name": "wattbus-homeassistant", "sw_version": version},
        "availability": [place.bridge_availability()],
        "components": entities,
    }


def _encode(config: Config) -> bytes:
    return json.dumps(config, ensure_ascii=False, separators=(",", ":")).encode()
