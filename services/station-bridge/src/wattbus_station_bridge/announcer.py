"""Publishes in a thread of its own: facts when they are news and after every reconnection."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from wattbus_contract.base import Body, MessageId
from wattbus_contract.session import MessageTooLarge, Observer
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge.spool.sending import MAX_UNCONFIRMED, Said, SpooledSending
from wattbus_station_bridge.turnstile import Turnstile

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Messages on their way to the thread; with more of them, polls wait for their turn."""

MAX_BATCH = 64
"""So many go to the spool with one write."""


class Publisher(Protocol):
    """What is needed of an MQTT session."""

    def publish(
        self, spec: TopicSpec, body: Body, *, expiry_s: float | None = None, **ids: str
    ) -> MessageId:
        """Stamp and send a message."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker takes messages now."""

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has not confirmed yet."""


class Announcer:
    """Keeps the last of each retained fact. `keep`, `say` and `repeat` are called locked.

    Sending lets go of the interpreter, and whoever did that with the site's lock in hand would make
    a thousand stations wait in a row. So what is said goes out through one thread, in order.
    With `spooled`, what must not be lost is on disk before it goes out. `observer` is told what is
    said.
    """

    def __init__(
        self,
        publisher: Publisher,
        on_crash: Callable[[BaseException], None],
        spooled: SpooledSending | None = None,
    ) -> None:
        self._publisher = publisher
        self._spooled = spooled
        self._on_crash = on_crash
        self.observer: Observer | None = None
        self._facts: dict[tuple[str, str], Said] = {}
        self._waiting: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self.turnstile = Turnstile(self._waiting.qsize, MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Publish what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def keep(self, spec: TopicSpec, body: Body, **ids: str) -> bool:
        """Publish a retained fact if it is news; returns whether it was."""
        key = (spec.name, ids.get("station", ""))
        known = self._facts.get(key)
        if known is not None and known[1] == body:
            return False
        fact = (spec, body, None, ids)
        self._facts[key] = fact
        self._put(fact)
        return True

    def say(
        self, spec: TopicSpec, body: Body, *, expiry_s: float | None = None, **ids: str
    ) -> None:
        """Publish a message."""
        self._put((spec, body, expiry_s, ids))

    def repeat(self) -> None:
        """Publish all facts again, since the broker may have lost them."""
        for fact in self._facts.values():
            self._waiting.put(fact)

    def _put(self, said: Said) -> None:
        if self.observer is not None:
            spec, body, _, ids = said
            self.observer(spec, body, ids)
        self._waiting.put(said)

    def _run(self) -> None:
        try:
            while (said := self._next()) is not None:
                if self._spooled is None:
                    self._publish(said)
                    self.turnstile.let_through(1)
                    continue
                batch, is_end = self._gather(said)
                self._spooled.send(batch)
                self.turnstile.let_through(len(batch))
                if is_end:
                    return
        except Exception as error:
            log.exception("the thread that publishes has failed")
            self._on_crash(error)

    def _next(self) -> Said | None:
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            self.turnstile.let_through(MAX_WAITING)
            return self._waiting.get()

    def _publish(self, said: Said) -> None:
        # Without a broker nothing waits: the guard must go on.
        while self._publisher.is_connected and self._publisher.unconfirmed > MAX_UNCONFIRMED:
            time.sleep(0.002)
        spec, body, expiry_s, ids = said
        try:
            self._publisher.publish(spec, body, expiry_s=expiry_s, **ids)
        except MessageTooLarge:
            log.exception("%s was not published", spec.name)

    def _gather(self, first: Said) -> tuple[list[Said], bool]:
        """Return what waits, and whether the end was among it."""
        batch = [first]
        while len(batch) < MAX_BATCH:
            try:
                said = self._waiting.get_nowait()
            except queue.Empty:
                break
            if said is None:
                return batch, True
            batch.append(said)
        return batch, False
