"""Sends what the bridge says; what must not be lost is on disk before it is sent."""

import logging
import time
from collections.abc import Sequence
from typing import Protocol

from wattbus_contract import topics
from wattbus_contract.base import Body, MessageId
from wattbus_contract.session import MessageTooLarge
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.spool.frame import Record
from wattbus_station_bridge.spool.replay import Sends
from wattbus_station_bridge.spool.store import Spool

log = logging.getLogger(__name__)

DURABLE = (topics.METER, topics.HOUSEHOLD_METER, topics.STATION_EVENT, topics.LIMIT_RESULT)
"""What a logger stores and nobody could tell again. All else is a level that is said again."""

MAX_UNCONFIRMED = 1000
"""Far below what the session holds before it has to drop something."""
MAX_WAIT_S = 0.25

Said = tuple[TopicSpec, Body, float | None, dict[str, str]]


class Stamps(Sends, Protocol):
    """What is needed of an MQTT session."""

    site: str

    def stamp(self, spec: TopicSpec, body: Body) -> tuple[MessageId, bytes]:
        """Return a message's id and bytes without sending it."""


class SpooledSending:
    """Used by one thread. One write a batch, and no wait for the disk."""

    def __init__(self, session: Stamps, spool: Spool) -> None:
        self._session = session
        self._spool = spool

    def send(self, batch: Sequence[Said]) -> None:
        """Stamp messages in their order, keep those that must not be lost, and send them.

        While the broker is away or behind, durable messages stay on disk until it has caught up,
        so that memory does not fill; a few go into the session's queue, so that a short absence
        changes nothing about their order.
        """
        session = self._session
        stamped = []
        for said in batch:
            message_id, payload = session.stamp(said[0], said[1])
            stamped.append((said, message_id.seq, payload, said[0].topic(session.site, **said[3])))
        is_kept = self._spool.append(
            [
                Record(seq, topic, payload)
                for said, seq, payload, topic in stamped
                if is_durable(said)
            ]
        )
        has_room = self._wait_for_room()
        held = []
        for said, seq, payload, topic in stamped:
            spec, body, expiry_s, _ = said
            if is_kept and not has_room and is_durable(said):
                held.append(seq)
                continue
            try:
                session.send(
                    topic, payload, is_retained=spec.is_retained,
                    expiry_s=expiry_s if expiry_s is not None else spec.expiry_of(body),
                )  # fmt: skip
            except MessageTooLarge:
                log.exception("%s was not published", spec.name)
        self._spool.hold(held)

    def _wait_for_room(self) -> bool:
        """Wait a little while the broker is behind; not at all when it is away."""
        deadline_s = time.monotonic() + MAX_WAIT_S
        while self._session.unconfirmed > MAX_UNCONFIRMED:
            if not self._session.is_connected or time.monotonic() >= deadline_s:
                return False
            time.sleep(0.002)
        return True


def is_durable(said: Said) -> bool:
    """Whether a message has to be kept until the logger has it."""
    return said[0] in DURABLE
