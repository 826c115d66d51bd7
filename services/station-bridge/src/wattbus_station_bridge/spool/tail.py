"""The newest file of the spool, the only one that is written, and what becomes of a bad disk."""

import errno
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wattbus_station_bridge.spool.loading import path_of
from wattbus_station_bridge.spool.segment import Sender, begin_line

log = logging.getLogger(__name__)

TRY_AGAIN_S = 1.0


class Tail:
    """Appends lines; what `write` has returned from survives the process, though not the power.

    A file that the disk has refused is never touched again: the next try, after `TRY_AGAIN_S`,
    begins another one. `number` is that of the file in use, None without one.
    """

    def __init__(
        self, folder: Path, sender: Sender, file_bytes: int, monotonic_s: Callable[[], float]
    ) -> None:
        self.number: int | None = None
        self.next_number = 1
        self.failure: str | None = None
        self._folder = folder
        self._begin_line = begin_line(sender)
        self._file_bytes = file_bytes
        self._monotonic_s = monotonic_s
        self._file = -1
        self._size = 0
        self._try_again_at_s = float("-inf")

    def write(self, lines: bytes) -> int:
        """Append lines to the file `number`; returns where they begin. OSError: nothing is kept."""
        if self._monotonic_s() < self._try_again_at_s:
            raise OSError(errno.EAGAIN, self.failure or "the disk has refused")
        try:
            if self.number is None or self._size + len(lines) > self._file_bytes:
                self._begin()
            begin = self._size
            self._append(lines)
        except OSError as error:
            self.fail(error)
            raise
        if self.failure is not None:
            log.info("the spool can be written again")
            self.failure = None
        return begin

    def fail(self, error: OSError) -> None:
        """Leave the file as it is and pause."""
        text = error.strerror or str(error)
        if self.failure is None:
            log.error("the spool cannot be written: %s", text)
        self.failure = text
        self._try_again_at_s = self._monotonic_s() + TRY_AGAIN_S
        self.end()

    def end(self) -> None:
        """Close the file."""
        number, self.number = self.number, None
        if number is None:
            return
        os.close(self._file)
        if self._size <= len(self._begin_line):
            # A file without messages does no harm, if the disk keeps us from deleting it.
            with suppress(OSError):
                path_of(self._folder, number).unlink()

    def _begin(self) -> None:
        self.end()
        self._folder.mkdir(parents=True, exist_ok=True)
        number = self.next_number
        self.next_number += 1
        self._file = os.open(
            path_of(self._folder, number),
            os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC,
            0o600,
        )
        self.number, self._size = number, 0
        self._append(self._begin_line)

    def _append(self, lines: bytes) -> None:
        written = os.write(self._file, lines)
        if written < len(lines):
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written
