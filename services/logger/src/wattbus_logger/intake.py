"""Decides what a message is worth: an event, a row, lines of text, or a place in quarantine."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from wattbus_contract import topics
from wattbus_contract.base import Envelope
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.facts import MeterReading, StationEvent, StationEventKind
from wattbus_contract.room import MOST_NAMES, make_room
from wattbus_contract.service import Quarantined
from wattbus_contract.topics import ParsedTopic
from wattbus_logger.dedup import IntervalSet, SeenMessages, Sender
from wattbus_logger.known import REMEMBERED_SPECS, KnownSite
from wattbus_logger.league import ShadowLeague
from wattbus_logger.recording import event_line, quarantine_line
from wattbus_logger.rows import format_row
from wattbus_logger.text_log import Narrative

NOT_RECORDED = frozenset(
    {topics.LOG_CONFIRMED.name, topics.LOG_QUARANTINE.name, topics.LEAGUE.name, topics.REPORT.name}
)
"""What the logger says of its own records would be a record of records, without end."""

BRIDGE = "station-bridge"
MILESTONES = frozenset({StationEventKind.TARGET_REACHED, StationEventKind.UNPLUGGED})
EXCERPT_CHARACTERS = 200
MOST_REMEMBERED = 2 * MOST_NAMES
"""Above it, topics of stations that are not known any more are forgotten."""
MOST_QUARANTINED_TOLD = 20
"""Of one batch; a flood of garbage must not become a flood of ours."""


@dataclass(slots=True)
class Batch:
    """What one commit writes, and what follows once it is durable."""

    events: list[bytes] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    quarantine: list[bytes] = field(default_factory=list)
    confirmed: dict[Sender, IntervalSet] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    has_milestone: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.events or self.rows or self.text or self.quarantine)


@dataclass(slots=True)
class Intake:
    """The logger's memory. `latest` is the newest payload of each topic in REMEMBERED_SPECS."""

    site: KnownSite = field(default_factory=KnownSite)
    seen: SeenMessages = field(default_factory=SeenMessages)
    narrative: Narrative = field(default_factory=Narrative)
    league: ShadowLeague = field(default_factory=ShadowLeague)
    latest: dict[str, bytes] = field(default_factory=dict)
    _last_wills: dict[str, bytes] = field(default_factory=dict)
    _most_latest: int = 0

    def take(
        self, topic: str, payload: bytes, received_at: str, batch: Batch, *, is_retained: bool
    ) -> None:
        """Add to the batch what a message is worth; `received_at` is RFC 3339 in UTC.

        One without payload, where messages are retained, takes such a message away: there is
        nothing to record.
        """
        if not payload and _is_retained_topic(topic):
            self.latest.pop(topic, None)
            return
        try:
            message = decode(topic, payload)
            if message.topic.spec.name in NOT_RECORDED:
                return
            line = event_line(received_at, topic, payload, is_retained=is_retained)
        except InvalidMessage as error:
            self._quarantine(error, payload, received_at, batch)
            return
        except ValueError as error:
            refused = InvalidMessage(topic, "payload", f"cannot be one line of JSON: {error}")
            self._quarantine(refused, payload, received_at, batch)
            return
        if message.envelope is not None:
            _confirm(message.topic, message.envelope, batch)
        if self._is_new(message, topic, payload):
            batch.events.append(line)
            self.follow(message, topic, payload, batch)
        elif is_retained:
            # A broker tells again how things stand; old meter values must not come back to life.
            self.site.note(message)

    def follow(self, message: Decoded, topic: str, payload: bytes, batch: Batch) -> None:
        """Add rows and lines of text for a message that is recorded."""
        site, body = self.site, message.body
        site.note(message)
        if message.topic.spec.name in REMEMBERED_SPECS:
            self._keep(topic, payload)
        if isinstance(body, MeterReading) and message.envelope is not None:
            batch.rows.append(format_row(site, message.topic.station, body, message.envelope))
        elif isinstance(body, StationEvent) and body.kind in MILESTONES:
            batch.has_milestone = True
        batch.text.extend(self.narrative.tell(message, site))
        self.league.note(message, site)

    def remember(self, topic: str, payload: bytes) -> None:
        """Take over, at start, how things stood; InvalidMessage if it is not readable any more."""
        message = decode(topic, payload)
        self.site.note(message)
        self._keep(topic, payload)

    def mark_seen(self, message: Decoded) -> bool:
        """Note that a message is recorded; False if it was already."""
        envelope = message.envelope
        if envelope is None or envelope.seq == 0:
            return True
        return self.seen.add(_sender_of(message.topic, envelope), envelope.seq)

    def _keep(self, topic: str, payload: bytes) -> None:
        self.latest[topic] = payload
        if len(self.latest) > max(MOST_REMEMBERED, self._most_latest):
            self.latest = {
                topic: payload
                for topic, payload in self.latest.items()
                if (station := _station_of(topic)) is None or station in self.site.stations
            }
            # Where as many are needed, the next look is far away.
            self._most_latest = 2 * len(self.latest)

    def _is_new(self, message: Decoded, topic: str, payload: bytes) -> bool:
        envelope = message.envelope
        if envelope is not None and envelope.seq == 0:
            # All wills of a process have this number: the same one again is a redelivery.
            is_new = self._last_wills.get(topic) != payload
            make_room(self._last_wills, topic)
            self._last_wills[topic] = payload
            return is_new
        return self.mark_seen(message)

    def _quarantine(
        self, error: InvalidMessage, payload: bytes, received_at: str, batch: Batch
    ) -> None:
        topic, envelope = topics.parse(error.topic), _envelope_of(payload)
        if topic is not None and envelope is not None:
            _confirm(topic, envelope, batch)
            sender = _sender_of(topic, envelope)
            if envelope.seq and not self.seen.add(sender, envelope.seq):
                return
        batch.quarantine.append(
            quarantine_line(received_at, error.topic, error.field, error.reason, payload)
        )
        if len(batch.quarantined) < MOST_QUARANTINED_TOLD:
            batch.quarantined.append(_quarantined(error, payload))


def _quarantined(error: InvalidMessage, payload: bytes) -> Quarantined:
    return Quarantined(
        topic=error.topic[:2000],
        field=error.field[:2000],
        reason=error.reason[:2000],
        payload_excerpt=payload[: 4 * EXCERPT_CHARACTERS].decode(errors="replace")[
            :EXCERPT_CHARACTERS
        ],
    )


def _envelope_of(payload: bytes) -> Envelope | None:
    """Return the identity of a message whose contents cannot be read."""
    try:
        return Envelope.model_validate_json(payload)
    except ValidationError:
        return None


def _role(topic: ParsedTopic) -> str:
    """Return who may publish on a topic: the access list holds senders to it, not to `source`."""
    return topic.ids.get("user") or topic.spec.publishers[0]


def _sender_of(topic: ParsedTopic, envelope: Envelope) -> Sender:
    # A wish that claims to come from the bridge must not make the bridge's messages known.
    return f"{_role(topic)}/{envelope.source}", envelope.boot_id


def _station_of(topic: str) -> str | None:
    known = topics.parse(topic)
    return None if known is None else known.ids.get("station")


def _is_retained_topic(topic: str) -> bool:
    known = topics.parse(topic)
    return known is not None and known.spec.is_retained


def _confirm(topic: ParsedTopic, envelope: Envelope, batch: Batch) -> None:
    """Have a message of the bridge, which keeps its messages until then, confirmed."""
    if _role(topic) != BRIDGE or not envelope.seq:
        return
    sender = (envelope.source, envelope.boot_id)
    seqs = batch.confirmed.get(sender)
    if seqs is None:
        seqs = batch.confirmed[sender] = IntervalSet()
    seqs.add(envelope.seq)
