"""Sparing paho its tables changes nothing in what it decodes."""

import pytest
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from wattbus_contract.lean_properties import LeanProperties, install


def publish_packet() -> bytes:
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = 57
    properties.ContentType = "application/json"
    properties.UserProperty = [("a", "1"), ("b", "2")]
    topic = b"wattbus/v1/home/price"
    return len(topic).to_bytes(2) + topic + b"\x00\x07" + properties.pack() + b"payload"


def decoded() -> tuple[type, dict[str, object], bytes]:
    packet = _packet.decode_publish(0x32, publish_packet(), MQTTProtocolVersion.MQTTv5)
    assert packet.properties is not None
    return type(packet.properties), packet.properties.json(), bytes(packet.payload)


def test_a_message_is_decoded_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(_packet), "Properties", Properties)
    plain = decoded()

    install()
    lean = decoded()

    assert (plain[0], lean[0]) == (Properties, LeanProperties)
    assert lean[1:] == plain[1:]
    assert lean[1]["MessageExpiryInterval"] == 57


def test_properties_of_two_messages_do_not_mix() -> None:
    one, two = LeanProperties(PacketTypes.PUBLISH), LeanProperties(PacketTypes.PUBLISH)

    one.MessageExpiryInterval = 5

    assert not hasattr(two, "MessageExpiryInterval")
    assert one.pack() == b"\x05\x02\x00\x00\x00\x05"
    one.clear()
    assert one.pack() == two.pack() == b"\x00"


def test_a_paho_that_is_built_differently_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other: ...

    monkeypatch.setitem(vars(_packet), "Properties", Other)

    install()

    assert vars(_packet)["Properties"] is Other
