"""The spool: a bounded folder of messages that are kept until the logger has confirmed them."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from wattbus_contract.service import ConfirmedRange
from wattbus_station_bridge.spool.figures import Figures, Replay
from wattbus_station_bridge.spool.frame import Record, confirmed_lines, to_line
from wattbus_station_bridge.spool.loading import load, number_of, path_of
from wattbus_station_bridge.spool.segment import (
    REPLAYED,
    SENT,
    WAITING,
    Segment,
    Sender,
)
from wattbus_station_bridge.spool.tail import Tail

log = logging.getLogger(__name__)

LARGEST_SEGMENT_BYTES = 2**20
SEGMENTS_AT_LEAST = 8
SYNC_AFTER_S = 1.0
"""What is confirmed sooner never has to be synced by us: the logger has synced it."""
REMEMBER_EVERY_S = 1.0


class Spool:
    """Safe to use from many threads; of its methods only `sync` waits until the disk has written.

    One thread calls `append`. When there is no room, the oldest file goes with all it holds.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        sender: Sender,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._sender = sender
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._segments: dict[int, Segment] = {}
        segment_bytes = min(LARGEST_SEGMENT_BYTES, max_bytes // SEGMENTS_AT_LEAST)
        self._tail = Tail(folder, sender, segment_bytes, monotonic_s)
        self._replayed: dict[tuple[int, int], float] = {}
        self._unwritten: list[ConfirmedRange] = []
        self._remember_at_s = 0.0
        self._synced_s = float("-inf")
        self._dropped = self._unprotected = 0
        self._is_full = False

    def open(self) -> None:
        """Take over what earlier processes left; a folder that cannot be read is left alone."""
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._segments = {number_of(s.path): s for s in load(self._folder)}
            except OSError as error:
                self._tail.fail(error)
            self._tail.next_number = max(self._segments, default=0) + 1
            if left := sum(segment.unconfirmed for segment in self._segments.values()):
                log.info("%d messages of earlier runs are not confirmed by the logger yet", left)

    @property
    def figures(self) -> Figures:
        """How the spool stands."""
        with self._lock:
            segments = self._segments.values()
            size = self._size
            if size < self._max_bytes // 2:
                self._is_full = False
            return Figures(
                sum(segment.unconfirmed for segment in segments),
                sum(segment.waiting for segment in segments),
                size, self._dropped, self._unprotected, self._tail.failure, self._is_full,
            )  # fmt: skip

    @property
    def replayed(self) -> int:
        """How many messages were sent again and are not confirmed yet."""
        return len(self._replayed)

    # --- writing ----------------------------------------------------------------------------------

    def append(self, records: Sequence[Record]) -> bool:
        """Keep messages of this process that are about to be sent; False if the disk refuses."""
        if not records:
            return True
        lines = [to_line(record) for record in records]
        now_s = self._monotonic_s()
        with self._lock:
            try:
                segment, begin = self._write(b"".join(lines))
            except OSError:
                self._unprotected += len(records)
                return False
            for record, line in zip(records, lines, strict=True):
                segment.note(record.seq, begin, now_s, SENT)
                begin += len(line)
            return True

    def hold(self, seqs: Iterable[int]) -> None:
        """Note that messages of this process were not sent after all."""
        with self._lock:
            own = [segment for segment in self._segments.values() if segment.sender == self._sender]
            for seq in seqs:
                for segment in own[-2:]:
                    segment.hold(seq)

    def _write(self, lines: bytes) -> tuple[Segment, int]:
        """Append lines; returns the segment and where they begin in it. Raises OSError."""
        self._make_room(len(lines))
        before = self._tail.number
        try:
            begin = self._tail.write(lines)
        finally:
            if self._tail.number != before:
                self._forget_confirmed()
        number = self._tail.number
        assert number is not None  # noqa: S101 - has just been written
        segment = self._segments.get(number)
        if segment is None:
            segment = Segment(path_of(self._folder, number), self._sender)
            self._segments[number] = segment
        segment.size = begin + len(lines)
        return segment, begin

    @property
    def _size(self) -> int:
        return sum(segment.size for segment in self._segments.values())

    def _make_room(self, added_bytes: int) -> None:
        while len(self._segments) > 1 and self._size + added_bytes > self._max_bytes:
            number = next(iter(self._segments))
            if lost := self._segments[number].unconfirmed:
                self._dropped += lost
                if not self._is_full:
                    log.error("the spool is full; the oldest unconfirmed messages are dropped")
                self._is_full = True
            self._delete(number)

    def _delete(self, number: int) -> None:
        segment = self._segments.pop(number)
        for key in [key for key in self._replayed if key[0] == number]:
            del self._replayed[key]
        try:
            segment.path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be deleted: %s", segment.path, error.strerror)  # noqa: TRY400 - a disk's fault

    # --- what is confirmed ------------------------------------------------------------------------

    def confirm(self, spans: Iterable[ConfirmedRange]) -> None:
        """Forget messages that the logger has on disk."""
        with self._lock:
            for span in spans:
                before = 0
                for number, segment in self._segments.items():
                    if segment.sender != (span.source, span.boot_id):
                        continue
                    before += segment.unconfirmed
                    for index in segment.confirm(span.first_seq, span.last_seq):
                        self._replayed.pop((number, index), None)
                    before -= segment.unconfirmed
                if before:
                    self._unwritten.append(span)
            self._forget_confirmed()

    def _forget_confirmed(self) -> None:
        in_use = self._tail.number
        for number in [n for n, s in self._segments.items() if not s.unconfirmed and n != in_use]:
            self._delete(number)

    def remember(self) -> None:
        """Write down what was confirmed, now and then, so that a restart need not send it again."""
        now_s = self._monotonic_s()
        with self._lock:
            if not self._unwritten or now_s < self._remember_at_s:
                return
            self._remember_at_s = now_s + REMEMBER_EVERY_S
            spans, self._unwritten = self._unwritten, []
            # Without it a restart sends more than it must, no more.
            with suppress(OSError):
                self._write(confirmed_lines(spans))

    # --- sending again ----------------------------------------------------------------------------

    def give_up_sent(self, below_seq: int, before_s: float) -> None:
        """Have sent again what this process sent before an instant, with a lower `seq`."""
        with self._lock:
            for segment in self._segments.values():
                if segment.sender == self._sender:
                    segment.give_up(below_seq, before_s)

    def give_up_replayed(self, before_s: float) -> None:
        """Have sent once more what was sent again before an instant."""
        with self._lock:
            for key in [key for key, sent_s in self._replayed.items() if sent_s < before_s]:
                self._await(*key)

    def give_up_oldest(self, limit: int, before_s: float) -> None:
        """Have the oldest unconfirmed messages sent again, if they were sent before an instant."""
        with self._lock:
            for number, segment in self._segments.items():
                for index in segment.oldest(limit, before_s):
                    if self._replayed.get((number, index), before_s) <= before_s:
                        self._await(number, index)
                    limit -= 1
                if limit <= 0:
                    return

    def _await(self, number: int, index: int) -> None:
        self._replayed.pop((number, index), None)
        self._segments[number].set_state(index, WAITING)

    def take(self, limit: int) -> list[Replay]:
        """Return the oldest messages that are to be sent, at most `limit`; they count as sent."""
        found: list[Replay] = []
        now_s = self._monotonic_s()
        with self._lock:
            for number, segment in self._segments.items():
                if not (indexes := segment.oldest_waiting(limit - len(found))):
                    continue
                for index, record in zip(indexes, self._read(segment, indexes), strict=True):
                    if record is None:
                        self._dropped += 1
                        segment.confirm(segment.seq(index), segment.seq(index))
                        continue
                    segment.set_state(index, REPLAYED)
                    self._replayed[number, index] = now_s
                    found.append(Replay(number, index, record))
        return found

    def discard(self, replay: Replay) -> None:
        """Drop a message that can never be sent."""
        with self._lock:
            self._replayed.pop((replay.number, replay.index), None)
            segment = self._segments.get(replay.number)
            if segment is not None:
                self._dropped += 1
                segment.confirm(replay.record.seq, replay.record.seq)

    def _read(self, segment: Segment, indexes: list[int]) -> Sequence[Record | None]:
        try:
            records: Sequence[Record | None] = segment.read(indexes)
        except OSError as error:
            log.error("%s cannot be read: %s", segment.path, error.strerror)  # noqa: TRY400 - a disk's fault
            records = [None] * len(indexes)
        if damaged := records.count(None):
            log.error("%d messages in %s cannot be read; they are lost", damaged, segment.path)
        return records

    # --- the disk ---------------------------------------------------------------------------------

    def sync(self) -> None:
        """Have on disk what was not confirmed within `SYNC_AFTER_S`. May take long.

        As often as one wants to call it, the disk works at most once in `SYNC_AFTER_S`.
        """
        before_s = self._monotonic_s() - SYNC_AFTER_S
        if before_s < self._synced_s:
            return
        self._synced_s = self._monotonic_s()
        with self._lock:
            due = [segment for segment in self._segments.values() if segment.is_sync_due(before_s)]
        for segment in due:
            try:
                segment.sync()
            except FileNotFoundError:
                continue  # Confirmed meanwhile.
            except OSError as error:
                with self._lock:
                    self._tail.fail(error)

    def close(self) -> None:
        """Close the file, and delete it if all of it is confirmed."""
        self._remember_at_s = 0.0
        self.remember()
        with self._lock:
            self._tail.end()
            self._forget_confirmed()
