"""Bytes to typed messages and back: decoded once, at the edge, or refused with the reason."""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope, MessageId
from wattbus_contract.topics import ParsedTopic, TopicSpec


class InvalidMessage(ValueError):  # noqa: N818 - the contract's word for it, as in the documents
    """A payload that the contract refuses: `topic`, the first bad `field` and the `reason`."""

    def __init__(self, topic: str, field: str, reason: str) -> None:
        super().__init__(f"{topic}: {field}: {reason}")
        self.topic = topic
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Decoded:
    """A message with its topic; `envelope` is None only for requests that were sent without one."""

    topic: ParsedTopic
    envelope: Envelope | None
    body: Body

    @property
    def message_id(self) -> MessageId:
        """Who sent it and as which one; ValueError for a request without an envelope."""
        if self.envelope is None:
            raise ValueError("a request without an envelope has no id")
        return MessageId(
            source=self.envelope.source, boot_id=self.envelope.boot_id, seq=self.envelope.seq
        )


LONGEST_TOPIC = 200
"""The contract's own have fewer characters; a broker takes 65,535, and all are remembered."""

_parse_topic = lru_cache(maxsize=4096)(topics.parse)


def encode(body: Body, envelope: Envelope) -> bytes:
    """Return one line of JSON: the envelope's fields, then the body's; None is left out."""
    head = envelope.model_dump_json(by_alias=True)
    tail = body.model_dump_json(by_alias=True, exclude_none=True)
    return (head if tail == "{}" else f"{head[:-1]},{tail[1:]}").encode()


def decode(topic: str, payload: bytes) -> Decoded:
    """Return the typed message, or raise InvalidMessage with topic, field and reason.

    Unknown fields are ignored; missing, mistyped, non-finite or out-of-range ones are refused.
    """
    parsed = _parse_topic(topic) if len(topic) <= LONGEST_TOPIC else None
    if parsed is None:
        raise InvalidMessage(topic, "topic", "the contract knows no such topic")
    try:
        envelope = _decode_envelope(parsed.spec, payload)
        body = parsed.spec.body.model_validate_json(payload)
    except ValidationError as error:
        raise _refused(topic, error.errors(include_url=False)[0]) from error
    except ValueError as error:
        raise InvalidMessage(topic, "schema", str(error)) from error
    return Decoded(parsed, envelope, body)


def _decode_envelope(spec: TopicSpec, payload: bytes) -> Envelope | None:
    if not spec.needs_envelope and not _has_schema(payload):
        return None
    envelope = Envelope.model_validate_json(payload)
    if envelope.schema_id != spec.schema_id:
        raise ValueError(f"is {envelope.schema_id}, this topic carries {spec.schema_id}")
    return envelope


def _has_schema(payload: bytes) -> bool:
    try:
        document = from_json(payload)
    except ValueError:
        return False
    return isinstance(document, dict) and "schema" in document


def _refused(topic: str, error: ErrorDetails) -> InvalidMessage:
    field = ".".join(str(part) for part in error["loc"]) or "payload"
    given = error.get("input")
    # Only a leaf is worth showing; Python refuses to print an integer of thousands of digits.
    is_leaf = isinstance(given, str | float | bool) or (
        isinstance(given, int) and abs(given) < 10**80
    )
    shown = f" (got {str(given)[:80]!r})" if is_leaf and field != "payload" else ""
    return InvalidMessage(topic, field, f"{error['msg'].removeprefix('Value error, ')}{shown}")
