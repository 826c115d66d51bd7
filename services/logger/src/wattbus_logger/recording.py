"""The lines of `events.jsonl` and `quarantine.jsonl`: JSON objects, payloads as they came."""

import base64
import json
from dataclasses import dataclass

_PAYLOAD_KEY = b',"payload":'


class BadLine(ValueError):  # noqa: N818 - says what it is, as InvalidMessage does
    """A line of a recording that cannot be read."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One line of `events.jsonl`."""

    received_at: str
    topic: str
    is_retained: bool
    payload: bytes


def event_line(received_at: str, topic: str, payload: bytes, *, is_retained: bool) -> bytes:
    """Return the line of a message that the contract has accepted.

    The payload's bytes are spliced in unchanged, unless it spreads over lines or holds what strict
    JSON does not know (NaN, Infinity in fields that the contract ignores): then it is written anew.
    ValueError if that is impossible.
    """
    if b"\n" in payload or b"\r" in payload or b"NaN" in payload or b"Infinity" in payload:
        payload = json.dumps(
            json.loads(payload), separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    retain = "true" if is_retained else "false"
    head = f'{{"received_at":"{received_at}","topic":"{topic}","retain":{retain},"payload":'
    return head.encode() + payload + b"}\n"


def read_event_line(line: bytes) -> RecordedEvent:
    """Return what `event_line` has written; BadLine for anything else."""
    head, key, tail = line.partition(_PAYLOAD_KEY)
    try:
        if not key:
            raise BadLine("no payload")
        document = json.loads(head + b"}")
        return RecordedEvent(
            received_at=document["received_at"],
            topic=document["topic"],
            is_retained=document["retain"],
            payload=tail.rstrip()[:-1],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadLine(f"no recorded message: {line[:80]!r}") from error


def quarantine_line(received_at: str, topic: str, field: str, reason: str, payload: bytes) -> bytes:
    """Return the line of a message that could not be read: payload as text, or else base64."""
    document = {"received_at": received_at, "topic": topic, "field": field, "reason": reason}
    try:
        document["payload"] = payload.decode()
    except UnicodeDecodeError:
        document["payload_base64"] = base64.b64encode(payload).decode()
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
