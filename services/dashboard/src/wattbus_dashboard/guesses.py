"""How often somebody may guess the password: a few times, then ever more seldom."""

from dataclasses import dataclass, field

FREE_GUESSES = 5
FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 900.0
FORGOTTEN_AFTER_S = 3600.0
MOST_ADDRESSES = 1000
EVERYBODY = "*"
FREE_GUESSES_OF_EVERYBODY = 50


@dataclass(slots=True)
class _Record:
    wrong: int
    last_s: float


@dataclass(slots=True)
class GuessLimit:
    """Counts wrong guesses by address, and of all addresses together. Times are monotonic."""

    records: dict[str, _Record] = field(default_factory=dict)

    def wait_s(self, address: str, now_s: float) -> float:
        """Return how long this address has to wait before it may guess, 0 if it may now."""
        return max(
            self._wait_s(address, FREE_GUESSES, now_s),
            self._wait_s(EVERYBODY, FREE_GUESSES_OF_EVERYBODY, now_s),
        )

    def note_wrong(self, address: str, now_s: float) -> None:
        """Count a wrong guess."""
        for key in (address, EVERYBODY):
            record = self.records.get(key)
            if record is None or now_s - record.last_s > FORGOTTEN_AFTER_S:
                record = self.records[key] = _Record(0, now_s)
            record.wrong += 1
            record.last_s = now_s
        while len(self.records) > MOST_ADDRESSES:
            oldest = min(
                (key for key in self.records if key != EVERYBODY),
                key=lambda key: self.records[key].last_s,
            )
            del self.records[oldest]

    def note_right(self, address: str) -> None:
        """Forget the wrong guesses of who knows the password."""
        self.records.pop(address, None)

    def _wait_s(self, key: str, free: int, now_s: float) -> float:
        record = self.records.get(key)
        if record is None or record.wrong < free:
            return 0.0
        doublings = min(record.wrong - free, 20)
        waits_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**doublings)
        return max(0.0, record.last_s + waits_s - now_s)
