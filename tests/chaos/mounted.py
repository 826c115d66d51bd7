"""Small file systems of our own, in memory; needs root."""

import subprocess
from pathlib import Path


def mount(folder: Path, size_bytes: int) -> None:
    """Mount an empty file system of a size on a folder, which is made. CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "tmpfs", str(folder))


def set_writable(folder: Path, *, is_writable: bool) -> None:
    """Make a file system read-only or writable again; nobody may write to it meanwhile."""
    _run("mount", "-o", f"remount,{'rw' if is_writable else 'ro'}", str(folder))


def unmount(folder: Path) -> None:
    """Take a file system away with all that is in it, at once or as soon as it is let go."""
    if folder.is_mount():
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
