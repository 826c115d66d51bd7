"""One file of the spool: lines are only appended, and an index tells what became of each."""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from wattbus_station_bridge.spool.frame import BEGIN, Record, to_line, to_record

WAITING, SENT, REPLAYED, CONFIRMED = range(4)
"""To be sent; sent once; sent again; no longer needed."""

_SENT_TO_WAITING = bytes([WAITING, WAITING, REPLAYED, CONFIRMED]).ljust(256)


class Sender(NamedTuple):
    """One process of a bridge from its start to its end."""

    source: str
    boot_id: str


class Segment:
    """Messages of one sender, in the order of their `seq`. Not safe for threads.

    The index takes 25 bytes a message. `size` is what the file holds of whole lines.
    """

    def __init__(self, path: Path, sender: Sender) -> None:
        self.path = path
        self.sender = sender
        self.size = 0
        self.unconfirmed = 0
        self._seqs = array("q")
        self._offsets = array("q")
        self._written_s = array("d")
        self._states = bytearray()
        self._open_from = 0
        self._synced = 0
        self._has_synced_name = False

    @property
    def waiting(self) -> int:
        """How many messages are to be sent."""
        return self._states.count(WAITING, self._open_from)

    def note(self, seq: int, offset: int, written_s: float, state: int) -> bool:
        """Note a message whose line begins at `offset`; False if its `seq` has not risen."""
        if self._seqs and seq <= self._seqs[-1]:
            return False
        self._seqs.append(seq)
        self._offsets.append(offset)
        self._written_s.append(written_s)
        self._states.append(state)
        self.unconfirmed += 1
        return True

    def confirm(self, first: int, last: int) -> list[int]:
        """Note that `first`…`last` are safe; returns the indexes of those that were replayed."""
        begin, end = bisect_left(self._seqs, first), bisect_right(self._seqs, last)
        begin = max(begin, self._open_from)
        if begin >= end:
            return []
        former = self._states[begin:end]
        if not (newly := len(former) - former.count(CONFIRMED)):
            return []
        self.unconfirmed -= newly
        self._states[begin:end] = bytes([CONFIRMED]) * len(former)
        if begin == self._open_from:
            is_open = self._states.lstrip(bytes([CONFIRMED]))
            self._open_from = len(self._states) - len(is_open)
        if REPLAYED not in former:
            return []
        return [begin + i for i, state in enumerate(former) if state == REPLAYED]

    def give_up(self, below_seq: int, before_s: float) -> None:
        """Have what was sent before an instant, with a lower `seq`, sent again."""
        end = min(bisect_left(self._seqs, below_seq), bisect_left(self._written_s, before_s))
        begin = self._open_from
        if SENT in self._states[begin:end]:
            self._states[begin:end] = self._states[begin:end].translate(_SENT_TO_WAITING)

    def hold(self, seq: int) -> None:
        """Note that a message was not sent after all."""
        index = bisect_left(self._seqs, seq)
        if index < len(self._seqs) and self._seqs[index] == seq and self._states[index] == SENT:
            self._states[index] = WAITING

    def oldest(self, limit: int, before_s: float) -> list[int]:
        """Return at most `limit` of the oldest unconfirmed ones written before an instant."""
        end = bisect_left(self._written_s, before_s)
        found = (i for i in range(self._open_from, end) if self._states[i] != CONFIRMED)
        return [index for index, _ in zip(found, range(limit), strict=False)]

    def oldest_waiting(self, limit: int) -> list[int]:
        """Return the indexes of the oldest ones that are to be sent, at most `limit`."""
        found: list[int] = []
        index = self._states.find(WAITING, self._open_from)
        while index >= 0 and len(found) < limit:
            found.append(index)
            index = self._states.find(WAITING, index + 1)
        return found

    def seq(self, index: int) -> int:
        """Return a message's `seq`."""
        return self._seqs[index]

    def set_state(self, index: int, state: int) -> None:
        """Note what became of a message that is not confirmed."""
        if self._states[index] != CONFIRMED:
            self._states[index] = state

    def read(self, indexes: Iterable[int]) -> list[Record | None]:
        """Return messages from disk, None for those that are damaged. Raises OSError."""
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return [self._read(file, index) for index in indexes]
        finally:
            os.close(file)

    def _read(self, file: int, index: int) -> Record | None:
        begin = self._offsets[index]
        end = self._offsets[index + 1] if index + 1 < len(self._offsets) else self.size
        line, newline, _ = os.pread(file, end - begin, begin).partition(b"\n")
        record = to_record(line + newline)
        return record if record is not None and record.seq == self._seqs[index] else None

    def is_sync_due(self, before_s: float) -> bool:
        """Whether something written before an instant is neither confirmed nor surely on disk."""
        end = bisect_left(self._written_s, before_s)
        begin, self._synced = self._synced, max(end, self._synced)
        return self._states.count(CONFIRMED, begin, end) < end - begin

    def sync(self) -> None:
        """Have the file on disk. Raises OSError. May take long: call it without a lock."""
        _sync(self.path)
        if not self._has_synced_name:
            _sync(self.path.parent)
            self._has_synced_name = True


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def begin_line(sender: Sender) -> bytes:
    """Return the first line of a file."""
    return to_line(Record(0, BEGIN, f"{sender.source} {sender.boot_id}".encode()))
