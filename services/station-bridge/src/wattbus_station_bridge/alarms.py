"""What keeps the bridge from its work: crashed threads end it, troubles are told as its health."""

import threading


class Alarms:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self.crash: BaseException | None = None
        self._lock = threading.Lock()
        self._troubles: dict[str, str] = {}

    def crashed(self, error: BaseException) -> None:
        """Note that a thread has ended; the main loop ends the process."""
        self.crash = error

    def trouble(self, kind: str, text: str | None) -> None:
        """Note a trouble of a kind, or with None that it is over."""
        with self._lock:
            if text is None:
                self._troubles.pop(kind, None)
            else:
                self._troubles[kind] = text

    @property
    def text(self) -> str:
        """All troubles in one line; empty without any."""
        with self._lock:
            return "; ".join(self._troubles[kind] for kind in sorted(self._troubles))
