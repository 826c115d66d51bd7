"""Keeps a log readable when the same thing goes wrong again and again."""

from dataclasses import dataclass, field

MOST_KEYS = 1000
LONGEST_KEY = 200


@dataclass(slots=True)
class Repetition:
    """Lets each key through once in `every_s` seconds."""

    every_s: float
    _said_s: dict[str, float] = field(default_factory=dict)

    def is_worth_saying(self, key: str, now_s: float) -> bool:
        """Return whether the key was not let through lately, and note that it is now."""
        key = key[:LONGEST_KEY]  # Topics and fields are as long as a stranger likes.
        said_s = self._said_s.get(key)
        if said_s is not None and now_s - said_s < self.every_s:
            return False
        if len(self._said_s) >= MOST_KEYS:
            self._said_s.clear()
        self._said_s[key] = now_s
        return True
