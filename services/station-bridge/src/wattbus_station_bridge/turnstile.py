"""Keeps pollers from being faster than the thread that publishes what they read."""

import threading
from collections.abc import Callable


class Turnstile:
    """Open while few messages wait; else whoever wants to poll is called when it is his turn.

    A thousand threads that all have an answer in hand take the processor from the one thread that
    publishes: so that not all of them poll, only as many are called as messages have gone out.
    """

    def __init__(self, backlog: Callable[[], int], most_waiting: int) -> None:
        self._backlog = backlog
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._called_later: dict[str, Callable[[], None]] = {}

    def is_open_for(self, who: str, call: Callable[[], None]) -> bool:
        """Tell whether somebody may poll now; if not, `call` is called once it is his turn.

        Whoever has not been called after a while may ask again: he does not wait for those who
        were called before him and take long.
        """
        has_room = self._backlog() <= self._most_waiting
        with self._lock:
            if has_room and (not self._called_later or who in self._called_later):
                self._called_later.pop(who, None)
                return True
            self._called_later.setdefault(who, call)
        return False

    def let_through(self, count: int) -> None:
        """Call as many as there is room for, those that came first before the others."""
        if not self._called_later or self._backlog() > self._most_waiting:
            return
        with self._lock:
            first = list(self._called_later)[:count]
            calls = [self._called_later.pop(who) for who in first]
        for call in calls:
            call()
