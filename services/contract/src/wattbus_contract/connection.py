"""The paho client behind a session: callbacks that only enqueue, and the traps of paho known."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.buffered_client import BufferedClient
from wattbus_contract.housekeeping import Housekeeper
from wattbus_contract.in_transit import Incoming, MessageTooLarge, Outgoing
from wattbus_contract.mailbox import Mailbox
from wattbus_contract.outbox import Outbox
from wattbus_contract.paho_client import connect_properties, expiry_properties, make_client
from wattbus_contract.troubles import Troubles

log = logging.getLogger(__name__)

MAX_WAITING = 50_000
"""Messages waiting in this process: far above the broker's window, so reaching it is a fault."""
MAX_UNSENT = 10_000
PROPERTIES_BYTES = 1024
AT_LEAST_ONCE = 1


class BrokerConnection:
    """Keeps one paho client connected and subscribed, and queues what arrives in `inbox`.

    `make_will` is asked before every attempt for the status topic and the will's payload. The
    callbacks run in paho's thread and never raise, since paho's thread would die of it while its
    `is_connected` stays true. They wait for nothing but the outbox, and `_on_publish`, which paho
    calls with a lock held that publishing needs, not even for that.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        housekeeper: Housekeeper,
        *,
        user: str,
        client_id: str,
        subscriptions: Iterable[str],
        is_durable: bool,
        receive_maximum: int,
        make_will: Callable[[int], tuple[str, bytes] | None],
    ) -> None:
        self.inbox: Mailbox[Incoming] = Mailbox()
        self.attempt = 0
        self._settings = settings
        self._housekeeper = housekeeper
        self._user = user
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._is_durable = is_durable
        self._make_will = make_will
        self._troubles = Troubles(settings, housekeeper, user, client_id)
        self._outbox = Outbox(
            self._transmit,
            lambda message, reason: self._troubles.denied(message.topic, reason),
            MAX_UNSENT,
        )
        self._max_payload_bytes = settings.max_packet_bytes - PROPERTIES_BYTES
        self._is_connected = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._receive_maximum = receive_maximum
        self._client = self._make_client()

    def start(self) -> None:
        """Connect in the background; a missing broker is waited for."""
        self._client.connect_async(
            self._settings.host,
            self._settings.port,
            keepalive=self._settings.keepalive_s,
            clean_start=not self._is_durable,
            properties=connect_properties(
                self._settings.session_expiry_s if self._is_durable else 0, self._receive_maximum
            ),
        )
        before = set(threading.enumerate())
        self._client.loop_start()
        name = f"paho-mqtt-client-{self._client_id}"
        started = [thread for thread in threading.enumerate() if thread.name == name]
        self._thread = next((thread for thread in started if thread not in before), None)

    def stop(self) -> None:
        """Disconnect and end paho's thread."""
        self._is_stopping = True
        self._client.disconnect()
        self._client.loop_stop()
        self._is_connected = False

    @property
    def denied_topics(self) -> frozenset[str]:
        """Topics on which the broker has refused our last message."""
        return frozenset(self._troubles.denied_topics)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and no loss was noticed."""
        return self._is_connected and self._thread is not None and self._thread.is_alive()

    def ack_all(self, incomings: Sequence[Incoming]) -> None:
        """Confirm messages of the present connection; those of a lost one come again."""
        confirmable = [one for one in incomings if one.qos == AT_LEAST_ONCE]
        if confirmable:
            self._outbox.if_open(lambda: self._ack_all(confirmable))

    def _ack_all(self, incomings: Sequence[Incoming]) -> None:
        attempt = self.attempt
        self._client.ack_all(one.mid for one in incomings if one.connection == attempt)

    def send(
        self, topic: str, payload: bytes, *, is_retained: bool, expiry_s: float | None
    ) -> None:
        """Send with QoS 1, now or when the broker is back; what expires meanwhile is dropped.

        Raises MessageTooLarge, and ValueError for what is no topic to publish on.
        """
        _check_topic(topic)
        self._check_size(topic, payload)
        expires_monotonic_s = None if expiry_s is None else time.monotonic() + expiry_s
        if not self._outbox.put(Outgoing(topic, payload, is_retained, expires_monotonic_s)):
            self._housekeeper.report(
                "outbox", f"more than {MAX_UNSENT} messages wait; dropping some"
            )

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has not confirmed yet."""
        return len(self._outbox)

    def wait_until_sent(self, timeout_s: float) -> bool:
        """Wait until the broker has confirmed everything; False when the time is over."""
        return self._outbox.wait_until_empty(timeout_s)

    def find_fault(self) -> str | None:
        """Return what makes this connection a zombie, or None."""
        if self._thread is None or not self._thread.is_alive():
            return "the MQTT thread has died"
        if self.inbox.qsize() > MAX_WAITING:
            return f"more than {MAX_WAITING} messages wait: this service cannot keep up"
        return None

    def _make_client(self) -> BufferedClient:
        client = make_client(self._settings, self._user, self._client_id)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _check_size(self, topic: str, payload: bytes) -> None:
        if len(payload) > self._max_payload_bytes:
            raise MessageTooLarge(
                f"{topic}: {len(payload)} bytes, the broker takes {self._max_payload_bytes}"
            )

    def _transmit(self, message: Outgoing, remaining_s: float | None) -> int | None:
        try:
            self._check_size(message.topic, message.payload)
        except MessageTooLarge as error:  # Held before the broker had told its limit.
            self._housekeeper.report("size", f"not sent: {error}")
            return None
        properties = None if remaining_s is None else expiry_properties(max(1, round(remaining_s)))
        return self._client.publish(
            message.topic, message.payload, 1, message.is_retained, properties
        ).mid

    def _on_pre_connect(self, client: Client, userdata: object) -> None:
        self._outbox.close()
        # What paho still holds is sent again from the outbox, in order.
        client.drop_out_messages()
        self.attempt += 1
        will = self._make_will(self.attempt)
        if will is not None:
            client.will_set(*will, qos=1, retain=True)

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._troubles.refused(reason)
            return
        self._is_connected = True
        self._troubles.accepted()
        largest = getattr(properties, "MaximumPacketSize", None)
        if largest is not None:
            self._max_payload_bytes = min(self._max_payload_bytes, largest - PROPERTIES_BYTES)
        log.info(
            "connected to the broker at %s:%d as %s (session %s)",
            self._settings.host,
            self._settings.port,
            self._user,
            "resumed" if flags.session_present else "new",
        )
        if self._subscriptions:
            client.subscribe([(topic_filter, 1) for topic_filter in self._subscriptions])
        else:
            self._housekeeper.connected()
        self._outbox.open()
        self._housekeeper.report("outbox", None)

    def _on_connect_fail(self, client: Client, userdata: object) -> None:
        # paho calls this while it handles the OSError.
        self._wait_before_next(client, self._troubles.unreachable(sys.exc_info()[1]))

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        was_accepted, self._is_connected = self._is_connected, False
        self._housekeeper.disconnected()
        if not self._is_stopping:
            delay_s = self._troubles.lost(reason, was_accepted=was_accepted)
            self._wait_before_next(client, delay_s)

    def _wait_before_next(self, client: Client, delay_s: float) -> None:
        # Set before each wait, this is the delay itself: paho does not get to double it.
        client.reconnect_delay_set(delay_s, delay_s)  # type: ignore[arg-type]  # says int, takes any

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._housekeeper.fail(f"the broker refuses a subscription of user {self._user}")
        self._housekeeper.connected()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            log.error("ignored a message whose topic is not UTF-8: %s", error)  # noqa: TRY400 - a stranger's mistake, no traceback of ours
            client.ack(message.mid, message.qos)
            return
        self.inbox.put(
            Incoming(
                topic=topic,
                payload=bytes(message.payload),
                is_retained=message.retain,
                expires_in_s=getattr(message.properties, "MessageExpiryInterval", None),
                received_monotonic_s=time.monotonic(),
                mid=message.mid,
                qos=message.qos,
                connection=self.attempt,
            )
        )

    def _on_publish(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        message = self._outbox.answered(mid, reason)
        if message is not None and not reason.is_failure:
            self._troubles.allowed(message.topic)


@lru_cache(maxsize=8192)
def _check_topic(topic: str) -> None:
    if not topic or len(topic.encode()) > 65_535 or any(sign in topic for sign in "+#\0"):
        raise ValueError(f"{topic[:80]!r} is no topic to publish on")
