"""The simulated clock: wall seconds in, whole simulated milliseconds and instants out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MILLISECOND = timedelta(milliseconds=1)


class SimulatedClock:
    """Runs `time_scale` times as fast as `elapsed_s`, from `start_at` (aware).

    `elapsed_s` returns wall seconds since any fixed moment and never goes back; tests inject
    their own. Time counts in whole milliseconds, so that a state and its time stamp agree exactly.
    """

    def __init__(
        self, start_at: datetime, seconds_per_hour: float, elapsed_s: Callable[[], float]
    ) -> None:
        self.start_at = start_at.astimezone(UTC)
        self.seconds_per_hour = seconds_per_hour
        self.time_scale = 3600 / seconds_per_hour
        self._elapsed_s = elapsed_s
        self._origin_s = elapsed_s()
        self._last_ms = 0

    def now_ms(self) -> int:
        """Simulated milliseconds since the start; never falls until `restart`."""
        # The addend keeps 4 s x 900 from landing one millisecond short of the full hour.
        elapsed_ms = (self._elapsed_s() - self._origin_s) * self.time_scale * 1000 + 1e-3
        self._last_ms = max(self._last_ms, int(elapsed_ms))
        return self._last_ms

    def restart(self) -> None:
        """Set the clock back to `start_at`."""
        self._origin_s = self._elapsed_s()
        self._last_ms = 0

    def instant(self, elapsed_ms: int) -> datetime:
        """The aware UTC instant that many milliseconds after the start."""
        return self.start_at + elapsed_ms * MILLISECOND

    def elapsed_ms(self, instant: datetime) -> int:
        """Milliseconds from the start to `instant` (aware); negative before the start."""
        return (instant - self.start_at) // MILLISECOND
