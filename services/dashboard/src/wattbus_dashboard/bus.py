"""The dashboard on the bus: a thread that reads messages, and wishes that are sent."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from wattbus_contract.base import Body, MessageId
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.session import MqttSession, SessionDead
from wattbus_contract.topics import TopicSpec

LOOK_EVERY_S = 0.2
BATCH = 500

log = logging.getLogger(__name__)

OnNews = Callable[[Sequence[Decoded], bool], None]
"""Hears what has arrived, and whether the broker answers."""


class BusReader:
    """Reads the session in a thread of its own and hands over what arrives, many at a time.

    `on_news` and `on_end` (with the reason) are called in that thread.
    """

    def __init__(
        self, session: MqttSession, on_news: OnNews, on_end: Callable[[str], None]
    ) -> None:
        self._session = session
        self._on_news = on_news
        self._on_end = on_end
        self._must_stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus-reader", daemon=True)

    def start(self) -> None:
        """Connect and begin to read."""
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop reading and leave the broker."""
        self._must_stop.set()
        self._thread.join(timeout=2.0)
        self._session.stop()

    def ask(self, spec: TopicSpec, wish: Body, **ids: str) -> MessageId:
        """Send a wish; returns what its answer will refer to."""
        return self._session.publish(spec, wish, expiry_s=None, **ids)

    def _run(self) -> None:
        was_connected = None
        while not self._must_stop.is_set():
            try:
                messages = self._take()
            except SessionDead as error:
                self._on_end(str(error))
                return
            is_connected = self._session.is_connected
            if messages or is_connected != was_connected:
                self._on_news(messages, is_connected)
                was_connected = is_connected

    def _take(self) -> list[Decoded]:
        """Return what arrives within `LOOK_EVERY_S`, and all that has arrived by then."""
        taken: list[Decoded] = []
        incoming = self._session.receive(LOOK_EVERY_S)
        until_s = time.monotonic() + LOOK_EVERY_S
        while incoming is not None:
            try:
                message = decode(incoming.topic, incoming.payload)
            except InvalidMessage as error:
                log.warning("ignored a message: %s", error)
            else:
                if message is not None:
                    taken.append(message)
            self._session.ack(incoming)
            if len(taken) >= BATCH or time.monotonic() > until_s:
                break
            incoming = self._session.receive(0.0)
        return taken
