"""Small file systems of our own, in memory; needs root."""

import subprocess
import time
from pathlib import Path

LET_GO_WITHIN_S = 20.0


def mount(folder: Path, size_bytes: int) -> None:
    """Mount an empty file system of a size on a folder, which is made. CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "tmpfs", str(folder))


def set_writable(folder: Path, *, is_writable: bool) -> None:
    """Make a file system read-only or writable again; CalledProcessError if somebody writes to it.

    Who was killed a moment ago may hold its files until the kernel is done with it.
    """
    command = ("mount", "-o", f"remount,{'rw' if is_writable else 'ro'}", str(folder))
    deadline_s = time.monotonic() + LET_GO_WITHIN_S
    while time.monotonic() < deadline_s:
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.05)
    _run(*command)


def unmount(folder: Path) -> None:
    """Take a file system away with all that is in it, at once or as soon as it is let go."""
    if folder.is_mount():
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
