"""When to try the broker again: delays that grow and scatter, and connections that do not last."""

import random
import time
from collections.abc import Callable

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0


class Reconnecting:
    """Counts what became of each attempt to connect and gives the delay before the next.

    The delay is drawn from the upper half of `FIRST_DELAY_S` doubled per failure in a row, up to
    `LONGEST_DELAY_S`, so that many clients do not come back to a restarted broker at once. After a
    connection it starts afresh: two processes that take a client id from each other then lose each
    connection soon, and `brief_in_a_row` shows it (some brokers give no reason for a takeover).
    """

    def __init__(
        self,
        brief_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.brief_in_a_row = 0
        self._brief_s = brief_s
        self._monotonic_s = monotonic_s
        self._draw = draw
        self._failures = 0
        self._accepted_monotonic_s: float | None = None

    def accepted(self) -> None:
        """Note that the broker has accepted us."""
        self._failures = 0
        self._accepted_monotonic_s = self._monotonic_s()

    def ended(self) -> float:
        """Note the end of a connection or of a vain attempt; returns the delay in seconds."""
        if self._accepted_monotonic_s is not None:
            lasted_s = self._monotonic_s() - self._accepted_monotonic_s
            self._accepted_monotonic_s = None
            self.brief_in_a_row = self.brief_in_a_row + 1 if lasted_s < self._brief_s else 0
        longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._draw(longest_s / 2, longest_s)
