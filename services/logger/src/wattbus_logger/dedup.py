"""Remembers which messages are recorded, as intervals of `seq` for each process that spoke."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Sender = tuple[str, str]
"""Source and boot_id: one process from its start to its end."""

Interval = tuple[int, int]
"""First and last `seq`, both included."""


class IntervalSet:
    """A set of integers that is kept as few sorted, disjoint intervals that do not touch."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in intervals:
            self.add_range(first, last)

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._firsts, number) - 1
        return index >= 0 and number <= self._lasts[index]

    def __iter__(self) -> Iterator[Interval]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """Return how many intervals there are."""
        return len(self._firsts)

    def forget_lowest(self, count: int) -> None:
        """Forget so many intervals."""
        del self._firsts[:count]
        del self._lasts[:count]

    def add(self, number: int) -> bool:
        """Add one number; False if it was there already."""
        lasts = self._lasts
        if lasts and number == lasts[-1] + 1:  # What nearly every message does.
            lasts[-1] = number
            return True
        if number in self:
            return False
        self.add_range(number, number)
        return True

    def add_range(self, first: int, last: int) -> None:
        """Add all numbers from `first` to `last`; ValueError if last < first."""
        if last < first:
            raise ValueError(f"{first}..{last} is no interval")
        # All intervals that overlap or touch the new one melt into it.
        begin = bisect_right(self._lasts, first - 2)
        end = bisect_right(self._firsts, last + 1)
        if begin < end:
            first = min(first, self._firsts[begin])
            last = max(last, self._lasts[end - 1])
        self._firsts[begin:end] = [first]
        self._lasts[begin:end] = [last]


@dataclass(slots=True)
class SeenMessages:
    """What was recorded, for each sender. Bounded: of many senders the longest silent is forgotten,
    and of many intervals (some 100 bytes each) the lowest of the sender that has the most.

    Forgotten messages would be recorded again if they ever came back, never lost.
    """

    max_senders: int = 4096
    max_intervals: int = 50_000
    _by_sender: dict[Sender, IntervalSet] = field(default_factory=dict)
    _interval_count: int = 0

    def add(self, sender: Sender, seq: int) -> bool:
        """Note a message; False if it was recorded already."""
        seqs = self._enter(sender)
        before = len(seqs)
        is_new = seqs.add(seq)
        if len(seqs) != before:
            self._count(len(seqs) - before)
        return is_new

    def __contains__(self, message: tuple[Sender, int]) -> bool:
        sender, seq = message
        return sender in self._by_sender and seq in self._by_sender[sender]

    def add_intervals(self, sender: Sender, intervals: Iterable[Interval]) -> None:
        """Note many messages of a sender."""
        seqs = self._enter(sender)
        before = len(seqs)
        for first, last in intervals:
            seqs.add_range(first, last)
        self._count(len(seqs) - before)

    def items(self) -> Iterator[tuple[Sender, IntervalSet]]:
        """Yield senders, the longest silent first."""
        return iter(self._by_sender.items())

    def _enter(self, sender: Sender) -> IntervalSet:
        """Return a sender's messages, and put it behind all others."""
        seqs = self._by_sender.pop(sender, None)
        if seqs is None:
            seqs = IntervalSet()
            if len(self._by_sender) >= self.max_senders:
                self._interval_count -= len(self._by_sender.pop(next(iter(self._by_sender))))
        self._by_sender[sender] = seqs
        return seqs

    def _count(self, more: int) -> None:
        self._interval_count += more
        if self._interval_count > self.max_intervals:
            most = max(self._by_sender.values(), key=len)
            # Many at once, so that this is rare. The newest interval always stays.
            count = min(len(most) - 1, len(most) // 10 + 1)
            most.forget_lowest(count)
            self._interval_count -= count
