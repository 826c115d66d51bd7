"""What one thread hands to another, and a wait for it that a signal can end."""

import queue
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue with one reader, in the order in which things are put.

    `SimpleQueue.get` with a timeout may wait for ever when a signal comes as the time is over
    (CPython up to 3.12 then goes on with a negative rest, which means no limit): a service that is
    asked to end would do so with its next message only.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._has_news = threading.Event()

    def put(self, thing: T) -> None:
        """Hand something over; never waits."""
        self._queue.put(thing)
        if not self._has_news.is_set():
            self._has_news.set()

    def get(self, timeout_s: float = 0.0) -> T | None:
        """Return the next, or None if nothing comes within the time."""
        found = self._next()
        if found is not None or timeout_s <= 0:
            return found
        self._has_news.clear()
        # It may have come before the line above.
        found = self._next()
        if found is None and self._has_news.wait(timeout_s):
            found = self._next()
        return found

    def qsize(self) -> int:
        """Return how many wait."""
        return self._queue.qsize()

    def _next(self) -> T | None:
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None
