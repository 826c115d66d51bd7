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
    """What was recorded, for each sender. Bounded: of many senders the longest silent is forgotten.

    A forgotten sender's messages would be recorded again if they ever came back, never lost.
    """

    max_senders: int = 4096
    _by_sender: dict[Sender, IntervalSet] = field(default_factory=dict)

    def add(self, sender: Sender, seq: int) -> bool:
        """Note a message; False if it was recorded already."""
        seqs = self._by_sender.get(sender)
        if seqs is None:
            seqs = self._enter(sender)
        return seqs.add(seq)

    def __contains__(self, message: tuple[Sender, int]) -> bool:
        sender, seq = message
        return sender in self._by_sender and seq in self._by_sender[sender]

    def add_intervals(self, sender: Sender, intervals: Iterable[Interval]) -> None:
        """Note many messages of a sender."""
        seqs = self._by_sender.get(sender)
        if seqs is None:
            seqs = self._enter(sender)
        for first, last in intervals:
            seqs.add_range(first, last)

    def items(self) -> Iterator[tuple[Sender, IntervalSet]]:
        """Yield senders in the order in which they were first heard."""
        return iter(self._by_sender.items())

    def _enter(self, sender: Sender) -> IntervalSet:
        if len(self._by_sender) >= self.max_senders:
            del self._by_sender[next(iter(self._by_sender))]
        seqs = self._by_sender[sender] = IntervalSet()
        return seqs
