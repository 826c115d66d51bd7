"""Tells each occurrence once: a state only when it lasts, and anew only after it was over."""

from collections.abc import Iterable, Mapping

from wattbus_notifier.occurrences import Notice


class Repetition:
    """Remembers what was told; `…_s` on the monotonic clock.

    A state has to hold for `settle_s` before it is told, and to be over for as long before it can
    be told again, so that one that flickers is told once.
    """

    def __init__(self, settle_s: float, told: Iterable[str] = ()) -> None:
        self._settle_s = settle_s
        self._told = set(told)
        self._changed_at_s: dict[str, float] = {}

    @property
    def told(self) -> frozenset[str]:
        """The keys of what was told and is not over."""
        return frozenset(self._told)

    def due(self, current: Mapping[str, Notice], now_s: float) -> list[Notice]:
        """Return what is to be told now, given all that holds."""
        notices = []
        for key, notice in current.items():
            if key not in self._told and self._has_lasted(key, now_s, must_settle=notice.is_state):
                self._told.add(key)
                notices.append(notice)
        for key in [key for key in self._told if key not in current]:
            if self._has_lasted(key, now_s, must_settle=True):
                self._told.discard(key)
        self._forget_changes(current)
        return notices

    def _has_lasted(self, key: str, now_s: float, *, must_settle: bool) -> bool:
        since_s = self._changed_at_s.setdefault(key, now_s)
        return not must_settle or now_s - since_s >= self._settle_s

    def _forget_changes(self, current: Mapping[str, Notice]) -> None:
        """Keep only the changes that go on: what holds untold, and what is told and over."""
        self._changed_at_s = {
            key: since_s
            for key, since_s in self._changed_at_s.items()
            if (key in current) is not (key in self._told)
        }
