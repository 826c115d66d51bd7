"""A session without a broker: stamps and encodes like the real one, and keeps what was said."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope, MessageId
from wattbus_contract.codec import Decoded, encode
from wattbus_contract.service import Health, ServiceStatus
from wattbus_contract.session import Incoming
from wattbus_contract.topics import TopicSpec


@dataclass
class DeafSession:
    """What services use of an MqttSession. Encoding is done, since it can fail."""

    client_id: str
    site: str
    boot_id: str = "boot-of-the-subject"
    is_connected: bool = True
    unconfirmed: int = 0
    denied_topics: frozenset[str] = frozenset()
    said: list[tuple[str, bytes]] = field(default_factory=list)
    waiting: list[Incoming] = field(default_factory=list)
    is_cut: bool = False
    _seq: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def user(self) -> str:
        """The user of the broker."""
        return self.client_id

    @property
    def status_topic(self) -> str:
        """Where its status would be."""
        return topics.SERVICE_STATUS.topic(self.site, user=self.user, client=self.client_id)

    def receive(self, _timeout_s: float = 0.0) -> Incoming | None:
        """Return what a test has put there, or nothing any more once it is cut."""
        incoming = self.waiting.pop(0) if self.waiting else None
        return None if self.is_cut else incoming

    def ack(self, incoming: Incoming) -> None:
        """Nobody waits for it."""

    def publish(
        self, spec: TopicSpec, body: Body, *, expiry_s: float | None = None, **ids: str
    ) -> MessageId:
        """Keep what a broker would get."""
        assert expiry_s is None or expiry_s > 0
        seq = next(self._seq)
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=datetime.now(UTC), source=self.client_id,
            boot_id=self.boot_id, seq=seq,
        )  # fmt: skip
        self.send(spec.topic(self.site, **ids), encode(body, envelope))
        return MessageId(source=self.client_id, boot_id=self.boot_id, seq=seq)

    def send(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        """Keep bytes as they are; on our own topics only their clearing is retained that way."""
        assert not (is_retained and payload and topic.startswith(topics.ROOT))
        self.said.append((topic, payload))
        del self.said[:-1000]

    def ends_snapshot(self, incoming: Incoming, decoded: Decoded) -> bool:
        """Tell our own announcement, as the real session does."""
        return (
            incoming.topic == self.status_topic
            and not incoming.is_retained
            and isinstance(decoded.body, ServiceStatus)
            and decoded.envelope is not None
            and decoded.envelope.boot_id == self.boot_id
        )

    def set_health(self, health: Health, detail: str = "") -> None:
        """Check what would be announced."""
        assert isinstance(health, Health)
        assert isinstance(detail, str)


def arrived(topic: str, payload: bytes, *, is_retained: bool = False) -> Incoming:
    """Return a message as the session hands it over."""
    return Incoming(
        topic=topic, payload=payload, is_retained=is_retained, expires_in_s=None,
        received_monotonic_s=time.monotonic(), mid=1, qos=1, connection=1,
    )  # fmt: skip
