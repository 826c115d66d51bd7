"""A file that only grows by whole, durable pieces: what fails half-way is cut off again."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_TAIL_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class DiskCalls:
    """The calls that reach the disk; tests put failing ones in their place."""

    write: Callable[[int, bytes | memoryview], int] = os.write
    sync: Callable[[int], None] = os.fdatasync if hasattr(os, "fdatasync") else os.fsync
    truncate: Callable[[int, int], None] = os.ftruncate


REAL_DISK = DiskCalls()


class AppendFile:
    """One file in append mode. `size` is the offset up to which all is written and synced.

    Opening cuts a torn last line and begins an empty file with `header` (newline included); if
    there is no room for it, the header goes before the first piece.
    """

    def __init__(self, path: Path, header: bytes = b"", disk: DiskCalls = REAL_DISK) -> None:
        self.path = path
        self.size = 0
        self.cut_bytes = 0
        self._header = header
        self._disk = disk
        self._must_repair = False
        self._fd = -1
        self._open()

    @property
    def inode(self) -> int:
        """The file's identity: another one under the same name has another."""
        return os.fstat(self._fd).st_ino

    def append(self, data: bytes) -> None:
        """Write and sync a piece. OSError: nothing of it is there, or it will be cut off."""
        if self._must_repair or self._is_gone():
            self._reopen()
        if not data and self.size:
            return
        piece = self._header + data if self.size == 0 else data
        try:
            self._write(piece)
            self._disk.sync(self._fd)
        except OSError:
            self._must_repair = True
            self._try_truncate()
            raise
        self.size += len(piece)

    def close(self) -> None:
        """Close; what was appended is on disk already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._disk.write(self._fd, view) :]

    def _open(self) -> None:
        is_new = not self.path.exists()
        self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o664)
        if is_new:
            sync_folder(self.path.parent)
        there = os.fstat(self._fd).st_size
        self.size = end_of_last_line(self._fd, there)
        self.cut_bytes = there - self.size
        if self.cut_bytes:
            log.warning("cut a torn last line of %d bytes from %s", self.cut_bytes, self.path)
            self._disk.truncate(self._fd, self.size)
            self._disk.sync(self._fd)
        if self._header and not self.size:
            try:
                self.append(b"")
            except OSError as error:
                log.debug("%s gets its header later: %s", self.path, error)

    def _try_truncate(self) -> None:
        try:
            self._disk.truncate(self._fd, self.size)
        except OSError as error:
            log.debug("%s will be cut later: %s", self.path, error)

    def _reopen(self) -> None:
        """Open anew: the disk may have been mounted anew, the file moved away by somebody."""
        known, is_same = self.size, not self._is_gone()
        self.close()
        try:
            self._open()
            if self.size > known and self._must_repair and is_same:
                # Whole lines of a piece that was not confirmed: it will be written again.
                self._disk.truncate(self._fd, known)
                self._disk.sync(self._fd)
                self.size = known
            elif self.size != known:
                log.warning("%s has been changed by somebody else", self.path)
        except OSError:
            self.size, self._must_repair = known, True
            raise
        self._must_repair = False

    def _is_gone(self) -> bool:
        if self._fd < 0:
            return False
        try:
            return os.fstat(self._fd).st_ino != self.path.stat().st_ino
        except FileNotFoundError:
            return True


def end_of_last_line(fd: int, size: int) -> int:
    """Return the offset after the last newline before `size`; 0 if there is none."""
    end = size
    while end > 0:
        start = max(0, end - _TAIL_BLOCK)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def sync_folder(folder: Path) -> None:
    """Make renames and new files in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole: readers and power cuts see the old one or the new one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)
