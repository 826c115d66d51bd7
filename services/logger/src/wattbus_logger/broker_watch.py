"""Watches the broker's own count of messages that it has dropped."""

from dataclasses import dataclass

DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
"""Mosquitto's counter since its start; other brokers stay silent."""


@dataclass(slots=True)
class DropWatch:
    """Tells a rise of the counter. `dropped` is the last figure; None before the first."""

    alarm_s: float
    dropped: int | None = None
    _alarm_until_s: float = float("-inf")
    _risen_by: int = 0

    def note(self, payload: bytes, now_s: float) -> int:
        """Return by how much the counter has risen; `now_s` is the monotonic clock."""
        try:
            count = int(payload)
        except ValueError:
            return 0
        former, self.dropped = self.dropped, count
        # A lower figure is a broker that was started anew: what it shows, it has dropped since.
        rise = 0 if former is None else count - former if count >= former else count
        if rise > 0:
            self._risen_by = rise if now_s >= self._alarm_until_s else self._risen_by + rise
            self._alarm_until_s = now_s + self.alarm_s
        return rise

    def problem(self, now_s: float) -> str | None:
        """Return what is wrong, for `alarm_s` after the last rise."""
        if now_s >= self._alarm_until_s:
            return None
        return f"the broker has dropped {self._risen_by} messages for want of room in a queue"
