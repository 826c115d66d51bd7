"""What the entities of a device have in common: ids, topics and availability."""

from dataclasses import dataclass

from wattbus_contract import topics
from wattbus_contract.topics import TopicSpec
from wattbus_homeassistant import templates
from wattbus_homeassistant.settings import DepartureKind, Language
from wattbus_homeassistant.words import in_language

BRIDGE_USER = "station-bridge"
AT_LEAST_ONCE = 1

Config = dict[str, object]
"""Part of a discovery message, with the keys that Home Assistant documents."""


@dataclass(frozen=True)
class Place:
    """The device whose entities are described: a station, or the site itself."""

    site: str
    bridge: str
    station: str | None = None
    language: Language = "en"
    departure: DepartureKind = "time"

    @property
    def object_id(self) -> str:
        """The device's id; ids on the bus hold no underscore, so it is unambiguous."""
        return "_".join(part for part in ("wattbus", self.site, self.station) if part)

    def topic(self, spec: TopicSpec) -> str:
        """Return a topic of this station, or of the site."""
        ids = {} if self.station is None or "station" not in spec.id_names else self._ids
        return spec.topic(self.site, **ids)

    def entity(self, platform: str, key: str, name: str, **options: object) -> Config:
        """Return one entity, named in the place's language.

        Its first id in Home Assistant is `<platform>.<station>_<key>` in any language.
        """
        return {
            "platform": platform,
            "unique_id": f"{self.object_id}_{key}",
            "qos": AT_LEAST_ONCE,
            "default_entity_id": f"{platform}.{self._id_in_home_assistant}_{key}",
            "name": in_language(name, self.language),
            **options,
        }

    def bridge_availability(self) -> Config:
        """Return that entities are there while the bridge is."""
        status = topics.SERVICE_STATUS.topic(self.site, user=BRIDGE_USER, client=self.bridge)
        is_up = templates.available_if("value_json.status == 'up'")
        return {"topic": status, "value_template": is_up}

    def measured(self) -> Config:
        """Return the options of what is known only while the station answers."""
        reachable: Config = {
            "topic": self.topic(topics.STATION_STATE),
            "value_template": templates.available_if("value_json.is_reachable"),
        }
        return {
            "availability": [self.bridge_availability(), reachable],
            "availability_mode": "all",
        }

    @property
    def _ids(self) -> dict[str, str]:
        return {} if self.station is None else {"station": self.station}

    @property
    def _id_in_home_assistant(self) -> str:
        return (self.station or self.site).replace("-", "_")


def absent(platform: str) -> Config:
    """Return what removes an entity that an earlier message may have announced."""
    return {"platform": platform}
