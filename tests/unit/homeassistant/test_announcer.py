"""The announcer on a real broker: what is retained there is what Home Assistant finds."""

import json
from collections.abc import Callable, Iterator

import pytest

from fixtures.announcing import announcing
from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from fixtures.told_site import ToldSite
from wattbus_homeassistant.discovery import BIRTH_TOPIC, CONFIGS_FILTER

Connect = Callable[..., MqttRecorder]


@pytest.fixture
def told_site(broker: BrokerProcess, site: str) -> Iterator[ToldSite]:
    """A site that has said everything."""
    with ToldSite(broker, site) as told:
        told.say_all()
        yield told


def retained(connect: Connect, site: str) -> set[str]:
    """Return the devices of a site that a client finds which comes now."""
    client = connect("homeassistant", CONFIGS_FILTER).settle()
    return {
        message.topic.split("/")[2]
        for message in client.messages
        if message.payload and message.topic.split("/")[2].startswith(f"wattbus_{site}")
    }


def test_site_and_stations_are_kept_by_the_broker(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    wanted = {f"wattbus_{site}", f"wattbus_{site}_car1", f"wattbus_{site}_car2"}

    with announcing(broker, site):
        wait_until(lambda: retained(mqtt_recorder, site) == wanted, "all are announced")

    # They stay when the service ends: the data come from the bridge.
    assert retained(mqtt_recorder, site) == wanted


def test_everything_is_announced_again_when_home_assistant_is_born(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    topic = f"homeassistant/device/wattbus_{site}_car1/config"
    with announcing(broker, site):
        client = mqtt_recorder("homeassistant", CONFIGS_FILTER)
        client.wait_for(lambda m: m.topic == topic)
        heard = len(client.messages)

        client.publish(BIRTH_TOPIC, "online")

        again = client.wait_for(lambda m: m.topic == topic, since=heard)
        assert json.loads(again.payload)["device"]["identifiers"] == [f"wattbus_{site}_car1"]


def test_the_death_of_home_assistant_is_no_reason_to_announce(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    with announcing(broker, site):
        wait_until(lambda: len(retained(mqtt_recorder, site)) == 3, "all are announced")
        client = mqtt_recorder("homeassistant", CONFIGS_FILTER).settle()
        heard = len(client.messages)

        client.publish(BIRTH_TOPIC, "offline")
        # What comes after it has been taken notice of: so has it.
        told_site.say_site("car1")
        client.wait_for(
            lambda m: m.topic.endswith(f"{site}_car2/config") and not m.payload, since=heard
        )

        assert len([m for m in client.messages[heard:] if f"{site}_car1" in m.topic]) == 0


def test_a_station_that_left_while_nobody_announced_is_removed(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    with announcing(broker, site):
        wait_until(lambda: len(retained(mqtt_recorder, site)) == 3, "all are announced")
    told_site.say_site("car1")

    with announcing(broker, site):
        wait_until(
            lambda: retained(mqtt_recorder, site) == {f"wattbus_{site}", f"wattbus_{site}_car1"},
            "car2 is removed",
        )


def test_devices_of_another_site_are_left_alone(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    other = f"homeassistant/device/wattbus_{site}-2_car9/config"
    client = mqtt_recorder("homeassistant")
    client.publish(other, '{"of": "another site"}', retain=True)

    with announcing(broker, site):
        wait_until(lambda: len(retained(mqtt_recorder, site)) == 4, "all are announced")

    assert f"wattbus_{site}-2_car9" in retained(mqtt_recorder, site)


def test_a_message_that_cannot_be_read_is_ignored(
    broker: BrokerProcess, site: str, told_site: ToldSite, mqtt_recorder: Connect
) -> None:
    with announcing(broker, site) as session:
        told_site.bridge.publish(f"wattbus/v1/{site}/info", "{", retain=True)
        told_site.say_site("car1")

        wait_until(lambda: len(retained(mqtt_recorder, site)) == 2, "the site is announced")
        assert session.is_connected
