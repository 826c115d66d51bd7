"""The scripted bridge's connection to the broker: hears everything with its retain flag."""

import threading
import time

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from wattbus_conformance.recording import Heard, hear
from wattbus_contract.mailbox import Mailbox

CONNECT_TIMEOUT_S = 10.0
NOTICE_S = 0.05


class BusError(RuntimeError):
    """The suite itself cannot work with the broker; no fault of the scheduler."""


class Bus:
    """One MQTT 5 client that comes back after a broker's restart. Close it, or use `with`.

    It subscribes with Retain As Published: else a broker clears the flag on what it forwards, and
    a retained command would look like any other. It does not hear what it says itself.
    """

    def __init__(
        self, host: str, port: int, *, user: str, password: str, client_id: str, topic_filter: str
    ) -> None:
        self.connections = 0
        self._filter = topic_filter
        self._inbox: Mailbox[Heard] = Mailbox()
        self._subscribed = threading.Event()
        self._refusal: str | None = None
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.username_pw_set(user, password)
        client.reconnect_delay_set(0.2, 1)  # type: ignore[arg-type]  # a float works; typed int
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        self._client = client
        try:
            client.connect(host, port, keepalive=15)
        except OSError as error:
            raise BusError(f"no broker at {host}:{port}: {error}") from error
        client.loop_start()
        if not self._subscribed.wait(CONNECT_TIMEOUT_S):
            self.close()
            reason = self._refusal or "no answer"
            raise BusError(f"the broker at {host}:{port} does not take user {user}: {reason}")

    def __enter__(self) -> "Bus":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._client.is_connected()

    def say(
        self, topic: str, payload: bytes, *, is_retained: bool = False, expiry_s: int | None = None
    ) -> None:
        """Publish with QoS 1."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        self._client.publish(topic, payload, 1, is_retained, properties)

    def get(self, timeout_s: float) -> Heard | None:
        """Return the next message, or None after `timeout_s`."""
        return self._inbox.get(timeout_s)

    def flush(self, timeout_s: float) -> None:
        """Wait until the broker has taken all that was said."""
        deadline_s = time.monotonic() + timeout_s
        while self._client._out_messages and time.monotonic() < deadline_s:
            time.sleep(NOTICE_S)

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        options = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True)
        client.subscribe(self._filter, options=options)

    def _on_subscribe(self, *_: object) -> None:
        self.connections += 1
        self._subscribed.set()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._inbox.put(
            hear(
                message.topic,
                bytes(message.payload),
                is_retained=message.retain,
                qos=message.qos,
                expires_in_s=getattr(message.properties, "MessageExpiryInterval", None),
                at_s=time.monotonic(),
            )
        )
