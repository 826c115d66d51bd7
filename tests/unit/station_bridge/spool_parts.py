"""What spool tests share: messages, a clock that a test sets, and a session that only notes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope, MessageId
from wattbus_contract.codec import Decoded, encode
from wattbus_contract.facts import StationEvent, StationEventKind
from wattbus_contract.service import ConfirmedRange, Health, LogConfirmed, ServiceStatus, Status
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.spool.frame import Record
from wattbus_station_bridge.spool.segment import Sender
from wattbus_station_bridge.spool.store import Spool

SITE = "home"
OWN = Sender("bridge", "boot-2")
EARLIER = Sender("bridge", "boot-1")
TOPIC = topics.METER.topic(SITE, station="car1")
AT = datetime(2025, 1, 15, tzinfo=UTC)
EVENT = StationEvent(at=AT, kind=StationEventKind.STATION_BACK, text="the station answers again")


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class NotingSession:
    """Notes what is sent; `unconfirmed` is what a test says."""

    site: str = SITE
    is_connected: bool = True
    connection: int = 1
    unconfirmed: int = 0
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    _seq: int = 0

    def send(self, topic: str, payload: bytes, **_: Any) -> None:
        self.sent.append((topic, payload))

    def stamp(self, spec: TopicSpec, body: Body) -> tuple[MessageId, bytes]:
        self._seq += 1
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=AT, source=OWN.source, boot_id=OWN.boot_id,
            seq=self._seq,
        )  # fmt: skip
        message_id = MessageId(source=OWN.source, boot_id=OWN.boot_id, seq=self._seq)
        return message_id, encode(body, envelope)

    def take(self) -> list[bytes]:
        """Return the payloads sent since the last call."""
        sent, self.sent = self.sent, []
        return [payload for _, payload in sent]


def record(seq: int, size: int = 20) -> Record:
    """Return a message whose payload tells its number."""
    return Record(seq, TOPIC, payload(seq, size))


def payload(seq: int, size: int = 20) -> bytes:
    return f'{{"seq":{seq}}}'.ljust(size).encode()


def records(seqs: Iterable[int], size: int = 20) -> list[Record]:
    return [record(seq, size) for seq in seqs]


def span(first: int, last: int, sender: Sender = OWN) -> ConfirmedRange:
    return ConfirmedRange(
        source=sender.source, boot_id=sender.boot_id, first_seq=first, last_seq=last
    )


def open_spool(folder: Path, clock: Clock, sender: Sender = OWN, max_bytes: int = 10**6) -> Spool:
    """Return the spool of a process that begins."""
    spool = Spool(folder, max_bytes, sender, clock)
    spool.open()
    return spool


def confirmed(*spans: ConfirmedRange) -> Decoded:
    return _decoded(topics.LOG_CONFIRMED, LogConfirmed(confirmed=spans))


def logger_is(status: Status, connection: int = 1, user: str = "logger") -> Decoded:
    """Return what a service says of itself."""
    body = ServiceStatus(
        status=status, health=Health.OK, version="1", connection=connection, started_at=AT
    )
    return _decoded(topics.SERVICE_STATUS, body, user=user, client=user)


def _decoded(spec: TopicSpec, body: Body, **ids: str) -> Decoded:
    parsed = topics.parse(spec.topic(SITE, **ids))
    assert parsed is not None
    return Decoded(parsed, None, body)
