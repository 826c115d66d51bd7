"""Remembers on disk which limit was last sent to a station, before it is sent."""

import os
import re
import threading
from pathlib import Path

_LINE = re.compile(rb"^(?P<station>[a-z0-9-]{1,32}) +(?P<epoch>\d{20}) (?P<seq>\d{20})$")
LINE_BYTES = 32 + 1 + 20 + 1 + 20 + 1


class Journal:
    """One line of fixed length for each station, overwritten in place and synced.

    A line is shorter than a disk sector, so that a crash leaves the old or the new one; a line
    that cannot be read all the same is left out. Safe to use from many threads.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lines: dict[str, int] = {}
        self._last: dict[str, tuple[int, int]] = {}
        self._before_boot: dict[str, tuple[int, int]] = {}
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self._count = (len(content) + LINE_BYTES - 1) // LINE_BYTES
        for number in range(self._count):
            line = content[number * LINE_BYTES : (number + 1) * LINE_BYTES]
            if match := _LINE.match(line.rstrip(b"\n")):
                station = match["station"].decode()
                self._lines[station] = number
                self._last[station] = (int(match["epoch"]), int(match["seq"]))
        self._before_boot.update(self._last)

    @property
    def last_epoch(self) -> int:
        """The highest epoch of which a limit was sent; 0 without any."""
        return max((epoch for epoch, _ in self._last.values()), default=0)

    def last(self, station: str) -> tuple[int, int] | None:
        """Return (epoch, seq) of the last limit that was sent to a station."""
        return self._last.get(station)

    def record(self, station: str, epoch: int, seq: int) -> bool:
        """Note that this limit is about to be sent; False if an earlier process noted it.

        On disk when it returns True. Raises OSError when it cannot be written.
        """
        key = (epoch, seq)
        with self._lock:
            if key <= self._before_boot.get(station, (-1, -1)):
                return False
            if key <= self._last.get(station, (-1, -1)):
                return True
            number = self._lines.get(station, self._count)
            line = f"{station:<32} {epoch:020d} {seq:020d}\n".encode()
            if os.pwrite(self._file, line, number * LINE_BYTES) != LINE_BYTES:
                raise OSError("the disk is full")
            os.fdatasync(self._file)
            self._count = max(self._count, number + 1)
            self._lines[station] = number
            self._last[station] = key
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
