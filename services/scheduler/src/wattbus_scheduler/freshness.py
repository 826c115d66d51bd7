"""Refuses messages that are older than what was seen already."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState
from wattbus_contract.room import MOST_NAMES, make_room

MOST_TOPICS = 8 * MOST_NAMES

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class Freshness:
    """Refuses what is older than what was seen: redelivered, replayed, or of an ended process.

    Within one `boot_id` a topic's `seq` must rise. A process is followed by another one when a
    message of that one was sent later, or when a lease state names it: the bridge that grants the
    lease is the one that runs. Of too many names, those longest unheard are forgotten.
    """

    _boots: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _seqs: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _topics: dict[tuple[str, str, tuple[str, ...]], None] = field(default_factory=dict)

    def admits(self, message: Decoded) -> bool:
        """Return whether the message is news, and remember it if so."""
        envelope = message.envelope
        if envelope is None:
            return False
        topic = (message.topic.spec.name, message.topic.site, tuple(message.topic.ids.values()))
        boot_id, newest_at = self._boots.get(envelope.source, (None, None))
        if boot_id is not None and boot_id != envelope.boot_id and newest_at is not None:
            is_successor = isinstance(message.body, LeaseState) or envelope.sent_at > newest_at
            if not is_successor:
                return topic not in self._topics and message.topic.spec.is_retained
        key = (envelope.source, envelope.boot_id, "/".join((topic[0], *topic[2])))
        if envelope.seq <= self._seqs.get(key, -1):
            return False
        _keep(self._seqs, key, envelope.seq, MOST_TOPICS)
        _keep(self._topics, topic, None, MOST_TOPICS)
        if boot_id is not None and boot_id != envelope.boot_id:
            self._forget(envelope.source, boot_id)
        if newest_at is None or boot_id != envelope.boot_id or envelope.sent_at > newest_at:
            _keep(self._boots, envelope.source, (envelope.boot_id, envelope.sent_at), MOST_NAMES)
        return True

    def _forget(self, source: str, boot_id: str) -> None:
        for key in [key for key in self._seqs if key[:2] == (source, boot_id)]:
            del self._seqs[key]


def _keep(known: dict[KeyT, ValueT], key: KeyT, value: ValueT, most: int) -> None:
    """Put this behind all others."""
    make_room(known, key, most=most)
    known.pop(key, None)
    known[key] = value
