"""Makes paho's client and MQTT 5 properties as this project uses them."""

import socket
from functools import lru_cache

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from wattbus_contract import lean_properties
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.buffered_client import BufferedClient, BufferedSocket

MAX_IN_FLIGHT = 20
"""The smallest window in use; paho heeds its own number only, not what the broker announces."""


def make_client(settings: BrokerSettings, user: str, client_id: str) -> BufferedClient:
    """Return a client that acknowledges by hand, with the user's password and TLS if set."""
    lean_properties.install()
    client = BufferedClient(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=True,
    )
    client.username_pw_set(user, settings.read_password())
    if settings.ca_file is not None:
        client.tls_set(ca_certs=str(settings.ca_file))
    client.max_inflight_messages_set(MAX_IN_FLIGHT)
    client.on_socket_open = _send_at_once
    return client


def _send_at_once(_: Client, __: object, sock: object) -> None:
    # Else a message waits until the other side has acknowledged the one before, up to 40 ms.
    sock = sock.raw if isinstance(sock, BufferedSocket) else sock
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def connect_properties(session_expiry_s: int, receive_maximum: int) -> Properties:
    """Return how long the broker keeps our session, and how many messages it sends unconfirmed."""
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = session_expiry_s
    properties.ReceiveMaximum = receive_maximum
    return properties


@lru_cache(maxsize=256)
def expiry_properties(seconds: int) -> Properties:
    """Return after how long the broker is to throw a message away."""
    properties = _properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = seconds
    return properties


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho leaves it untyped
