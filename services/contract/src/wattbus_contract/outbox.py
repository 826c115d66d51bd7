"""Messages on their way to the broker: in order, bounded, and none before it has accepted us."""

import threading
import time
from collections import deque
from collections.abc import Callable

from paho.mqtt.reasoncodes import ReasonCode

from wattbus_contract.in_transit import Outgoing


class Outbox:
    """Holds messages while it is closed, passes them on while open, keeps them until confirmed.

    paho lets any thread send between opening the socket and sending CONNECT, for which a broker
    hangs up, and sends new messages before those that it repeats after a reconnection. So this
    box is closed before paho opens a socket and opened once the broker has accepted us; what was
    not confirmed is then sent again, first and in order.

    `transmit(message, remaining_s)` gives the packet's id, or None for what can never be sent. It
    is called with the lock held, so `answered`, which paho calls while it holds a lock of its own,
    takes none: it and `_send` agree through single operations on dictionaries instead.
    """

    def __init__(
        self,
        transmit: Callable[[Outgoing, float | None], int | None],
        refused: Callable[[Outgoing, ReasonCode], None],
        limit: int,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.expired = 0
        self._transmit = transmit
        self._refused = refused
        self._limit = limit
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._is_open = False
        self._held: deque[Outgoing] = deque()
        self._sent: dict[int, Outgoing] = {}
        self._early_answers: dict[int, ReasonCode] = {}

    def __len__(self) -> int:
        """How many messages the broker has not confirmed yet."""
        return len(self._held) + len(self._sent)

    def put(self, message: Outgoing) -> bool:
        """Send or hold a message; False when one had to be dropped for want of room.

        The oldest held one goes, since the newest state is worth most.
        """
        with self._lock:
            has_room = len(self) < self._limit
            if not has_room:
                if not self._held:
                    return False
                self._held.popleft()
            if self._is_open:
                self._send(message)
            else:
                self._held.append(message)
            return has_room

    def open(self) -> None:
        """Send what is held, in order, then whatever comes."""
        with self._lock:
            held, self._held = self._held, deque()
            self._is_open = True
            for message in held:
                self._send(message)

    def close(self) -> None:
        """Hold from now on, and take back what was sent without being confirmed."""
        with self._lock:
            self._is_open = False
            self._held.extendleft(reversed(self._sent.values()))
            self._sent.clear()
            self._early_answers.clear()

    def if_open(self, action: Callable[[], object]) -> None:
        """Do something that must not happen while a connection is made."""
        with self._lock:
            if self._is_open:
                action()

    def answered(self, mid: int, reason: ReasonCode) -> Outgoing | None:
        """Note the broker's answer; returns the message if it was waited for. Takes no lock."""
        self._early_answers[mid] = reason
        message = self._sent.pop(mid, None)
        if message is None:
            return None
        self._early_answers.pop(mid, None)
        if reason.is_failure:
            self._refused(message, reason)
        return message

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until all is confirmed; False when the time is over."""
        deadline = time.monotonic() + timeout_s
        while len(self):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def _send(self, message: Outgoing) -> None:
        remaining_s = None
        if message.expires_monotonic_s is not None:
            remaining_s = message.expires_monotonic_s - self._monotonic_s()
            if remaining_s <= 0:
                self.expired += 1
                return
        mid = self._transmit(message, remaining_s)
        if mid is None:
            return
        self._sent[mid] = message
        # The answer may have come before the line above: whoever takes the message out reports.
        if mid in self._early_answers and self._sent.pop(mid, None) is not None:
            reason = self._early_answers.pop(mid)
            if reason.is_failure:
                self._refused(message, reason)
