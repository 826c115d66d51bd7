"""What was heard on a site's topics: the evidence for every verdict."""

import json
from dataclasses import dataclass, field

from wattbus_contract import topics
from wattbus_contract.base import Body
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import LeaseRequest, SetLimit
from wattbus_contract.topics import TopicSpec

EXCERPT_CHARACTERS = 300
ENVELOPE = {"schema", "sent_at", "source", "boot_id", "seq", "decided_at", "caused_by"}
"""Fields that are left out of excerpts: they are the same in every message."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it arrived; `at_s` is on the monotonic clock.

    Either `decoded` is the message or `problem` says why the contract refuses it.
    """

    topic: str
    payload: bytes
    is_retained: bool
    qos: int
    expires_in_s: float | None
    at_s: float
    decoded: Decoded | None = None
    problem: InvalidMessage | None = None

    @property
    def spec(self) -> TopicSpec | None:
        """The kind of topic, or None for one that the contract does not know."""
        parsed = topics.parse(self.topic)
        return parsed.spec if parsed is not None else None

    @property
    def body(self) -> Body | None:
        """The message's content, if it is valid."""
        return self.decoded.body if self.decoded is not None else None

    @property
    def excerpt(self) -> str:
        """Topic and the beginning of the payload, for people."""
        text = self._without_envelope() or self.payload[:1000].decode("utf-8", "replace")
        cut = text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS] + "…"
        return f"{self.topic} {cut}{' (retained)' if self.is_retained else ''}"

    def _without_envelope(self) -> str | None:
        try:
            document = json.loads(self.payload)
        except (ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        shown = {key: value for key, value in document.items() if key not in ENVELOPE}
        return json.dumps(shown, ensure_ascii=False)


def hear(
    topic: str,
    payload: bytes,
    *,
    is_retained: bool,
    qos: int,
    expires_in_s: float | None,
    at_s: float,
) -> Heard:
    """Decode what arrived, once."""
    try:
        decoded, problem = decode(topic, payload), None
    except InvalidMessage as error:
        decoded, problem = None, error
    return Heard(topic, payload, is_retained, qos, expires_in_s, at_s, decoded, problem)


@dataclass(frozen=True, slots=True)
class HeardLimit:
    """A valid limit with what the envelope and the delivery say of it."""

    station: str
    limit: SetLimit
    boot_id: str
    seq: int
    heard: Heard


@dataclass(slots=True)
class Recording:
    """All that was heard, in order."""

    messages: list[Heard] = field(default_factory=list)

    def add(self, heard: Heard) -> None:
        """Append a message."""
        self.messages.append(heard)

    def mark(self) -> int:
        """Return the place from which later questions can begin."""
        return len(self.messages)

    def of(self, spec: TopicSpec, since: int = 0) -> list[Heard]:
        """Return messages of one kind, valid or not."""
        return [heard for heard in self.messages[since:] if heard.spec is spec]

    def limits(self, since: int = 0, instance: str | None = None) -> list[HeardLimit]:
        """Return the valid limits, of one instance or of all."""
        found = []
        for heard in self.of(topics.SET_LIMIT, since):
            decoded = heard.decoded
            if decoded is None or decoded.envelope is None:
                continue
            if not isinstance(decoded.body, SetLimit):
                continue
            if instance is None or decoded.body.instance == instance:
                envelope = decoded.envelope
                found.append(
                    HeardLimit(
                        decoded.topic.station, decoded.body, envelope.boot_id, envelope.seq, heard
                    )
                )
        return found

    def lease_requests(self, since: int = 0, instance: str | None = None) -> list[LeaseRequest]:
        """Return the valid requests for the lease, of one instance or of all."""
        bodies = [heard.body for heard in self.of(topics.LEASE_REQUEST, since)]
        return [
            body
            for body in bodies
            if isinstance(body, LeaseRequest) and (instance is None or body.instance == instance)
        ]
