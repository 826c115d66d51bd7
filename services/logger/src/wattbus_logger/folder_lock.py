"""Keeps a second logger out of a folder."""

import fcntl
import logging
import os
import time
from pathlib import Path

log = logging.getLogger(__name__)

LOCK_NAME = ".lock"
PATIENCE_S = 3.0
"""A logger that was killed has a writer that may still finish a batch."""


class FolderInUse(RuntimeError):  # noqa: N818 - says what happened
    """Another logger writes to this folder."""


class FolderLock:
    """Holds a folder for one process, until that process ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        try:
            _lock_within(self._fd, PATIENCE_S)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise FolderInUse(
                f"another logger (process {holder}) writes to {folder}; give each its own folder"
            ) from error
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:  # A full disk: the lock itself needs no room.
            log.debug("cannot note the process in %s: %s", folder / LOCK_NAME, error)

    def release(self) -> None:
        """Let go."""
        os.close(self._fd)


def _lock_within(fd: int, patience_s: float) -> None:
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                raise
            time.sleep(0.05)
        else:
            return
