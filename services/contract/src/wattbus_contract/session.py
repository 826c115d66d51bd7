"""One MQTT 5 session of a service: durable, acknowledged by hand, and never silently dead."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope, MessageId
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.codec import Decoded, encode
from wattbus_contract.connection import BrokerConnection
from wattbus_contract.housekeeping import Housekeeper
from wattbus_contract.in_transit import Incoming, MessageTooLarge
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_contract.topics import TopicSpec

__all__ = ["Incoming", "MessageTooLarge", "MqttSession", "SessionDead"]

log = logging.getLogger(__name__)

Observer = Callable[[TopicSpec, Body, Mapping[str, str]], None]
"""Is told what is said: the topic's kind, the message, and the ids in the topic."""


class SessionDead(RuntimeError):  # noqa: N818 - says what happened
    """The session cannot go on; the process must end with this message."""


class MqttSession:
    """Connects, subscribes on every connect, publishes in sequence and hands over what arrives.

    The service reads with `receive` and confirms with `ack` in the same order. A durable session
    (the default) keeps its place in the broker's queues over restarts of either side; one that is
    not durable starts afresh each time, for tools that people run. After each (re)connection, once
    the subscriptions stand, the session announces its status: a service that subscribes to its own
    `status_topic` knows by its return that all retained messages have arrived before it.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        user: str,
        site: str,
        version: str,
        subscriptions: Iterable[str] = (),
        client_id: str | None = None,
        is_durable: bool = True,
        receive_maximum: int = 100,
        announces_itself: bool = True,
    ) -> None:
        self.user = settings.username or user
        self.site = site
        self.client_id = client_id or settings.client_id or user
        self.boot_id = uuid.uuid4().hex[:16]
        self.status_topic = topics.SERVICE_STATUS.topic(site, user=self.user, client=self.client_id)
        self.version = version
        self.observer: Observer | None = None
        self._announces_itself = announces_itself
        self._started_at = datetime.now(UTC)
        self._seq = 0
        self._seq_lock = threading.Lock()
        self._housekeeper = Housekeeper(self._announce, self._find_fault)
        self._connection = BrokerConnection(
            settings,
            self._housekeeper,
            user=self.user,
            client_id=self.client_id,
            subscriptions=subscriptions,
            is_durable=is_durable,
            receive_maximum=receive_maximum,
            make_will=self._make_will,
        )

    def start(self) -> None:
        """Connect in the background; a missing broker is waited for, a refusal ends in a fault."""
        self._connection.start()
        self._housekeeper.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Say `down`, wait for the broker to confirm what was sent, disconnect, end the threads."""
        self._housekeeper.stop()
        if self.is_connected and self._announces_itself:
            status = self._status(Status.DOWN, self._connection.attempt, "stopped")
            payload = encode(status, self._envelope(topics.SERVICE_STATUS, self._next_seq()))
            self._connection.send(self.status_topic, payload, is_retained=True, expiry_s=None)
        if self.is_connected and not self._connection.wait_until_sent(timeout_s):
            log.warning("the broker has not confirmed all messages within %g s", timeout_s)
        self._connection.stop()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and no loss was noticed."""
        return self._connection.is_connected

    @property
    def is_subscribed(self) -> bool:
        """Whether the broker has confirmed our subscriptions on the present connection."""
        return self.is_connected and self._housekeeper.is_connected

    @property
    def connection(self) -> int:
        """The number of the present attempt to connect; rises with each reconnection."""
        return self._connection.attempt

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has not confirmed yet: a sign to slow down."""
        return self._connection.unconfirmed

    @property
    def health(self) -> Health:
        """Whether the service can do its work, as it was announced or soon will be."""
        return self._housekeeper.health

    @property
    def denied_topics(self) -> frozenset[str]:
        """Topics on which the broker has refused our last message."""
        return self._connection.denied_topics

    def receive(self, timeout_s: float = 1.0) -> Incoming | None:
        """Return the next message, or None; SessionDead when the session cannot go on."""
        self._housekeeper.beat()
        if (fault := self._housekeeper.fault) is not None:
            raise SessionDead(fault)
        return self._connection.inbox.get(timeout_s)

    def ack(self, incoming: Incoming) -> None:
        """Confirm a message, in the order of receipt; those of a lost connection come again."""
        self._connection.ack_all((incoming,))

    def ack_all(self, incomings: Sequence[Incoming]) -> None:
        """Confirm messages, in the order of receipt, in one go."""
        self._connection.ack_all(incomings)

    def publish(
        self, spec: TopicSpec, body: Body, *, expiry_s: float | None = None, **ids: str
    ) -> MessageId:
        """Stamp and send a message on a contract topic with QoS 1; returns its id.

        Raises MessageTooLarge. While the broker is away, messages wait in memory, in order; what
        expires meanwhile is dropped, and of more than some thousands the oldest.
        """
        topic = spec.topic(self.site, **ids)
        with self._seq_lock:
            self._seq += 1
            envelope = self._envelope(spec, self._seq)
            self._connection.send(
                topic,
                encode(body, envelope),
                is_retained=spec.is_retained,
                expiry_s=expiry_s if expiry_s is not None else spec.expiry_of(body),
            )
        if self.observer is not None:
            self.observer(spec, body, ids)
        return _message_id(envelope)

    def stamp(self, spec: TopicSpec, body: Body) -> tuple[MessageId, bytes]:
        """Return a message's id and bytes without sending it, for who must keep it first."""
        envelope = self._envelope(spec, self._next_seq())
        return _message_id(envelope), encode(body, envelope)

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        is_retained: bool = False,
        expiry_s: float | None = None,
    ) -> None:
        """Send bytes as they are with QoS 1; raises MessageTooLarge."""
        self._connection.send(topic, payload, is_retained=is_retained, expiry_s=expiry_s)

    def ends_snapshot(self, incoming: Incoming, decoded: Decoded) -> bool:
        """Whether this is our own announcement on the present connection.

        For a session that subscribes to its `status_topic`: the broker has delivered by then all
        retained messages of the other subscriptions.
        """
        return (
            incoming.topic == self.status_topic
            and not incoming.is_retained
            and isinstance(decoded.body, ServiceStatus)
            and decoded.envelope is not None
            and decoded.envelope.boot_id == self.boot_id
            and decoded.body.status is Status.UP
            and decoded.body.connection == incoming.connection
        )

    def set_health(self, health: Health, detail: str = "") -> None:
        """Say whether this service can do its work; announced when it changes."""
        self._housekeeper.set_health(health, detail)

    def _next_seq(self) -> int:
        with self._seq_lock:
            self._seq += 1
            return self._seq

    def _envelope(self, spec: TopicSpec, seq: int) -> Envelope:
        return Envelope(
            schema_id=spec.schema_id,
            sent_at=datetime.now(UTC),
            source=self.client_id,
            boot_id=self.boot_id,
            seq=seq,
        )

    def _status(self, status: Status, connection: int, detail: str) -> ServiceStatus:
        return ServiceStatus(
            status=status,
            health=self._housekeeper.health,
            version=self.version,
            connection=connection,
            started_at=self._started_at,
            detail=detail,
        )

    def _make_will(self, connection: int) -> tuple[str, bytes] | None:
        if not self._announces_itself:
            return None
        will = self._status(Status.DOWN, connection, "connection lost")
        return self.status_topic, encode(will, self._envelope(topics.SERVICE_STATUS, 0))

    def _announce(self) -> None:
        if self._announces_itself:
            status = self._status(Status.UP, self.connection, self._housekeeper.detail)
            self.publish(topics.SERVICE_STATUS, status, user=self.user, client=self.client_id)

    def _find_fault(self) -> str | None:
        return self._connection.find_fault()


def _message_id(envelope: Envelope) -> MessageId:
    return MessageId(source=envelope.source, boot_id=envelope.boot_id, seq=envelope.seq)
