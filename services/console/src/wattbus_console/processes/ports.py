"""TCP ports of this machine: whether one is free, and one that is."""

import fcntl
import os
import socket
import tempfile
from functools import cache
from pathlib import Path

HOST = "127.0.0.1"
LOCK_NAME = "wattbus-ports.lock"
"""One file for all runs, which stays: its byte N is locked by who has claimed port N."""
_claimed: set[int] = set()


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def pick(preferred: int) -> int:
    """Return the preferred port if it is free, else any that is.

    Two runs that start at the same moment do not get the same one: a claim lasts as long as the
    process does.
    """
    if is_free(preferred) and _claim(preferred):
        return preferred
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _claim(port: int) -> bool:
    """Have a port to ourselves among runs on this machine; where no lock can be had, trust."""
    file = _lock_file()
    if file is None or port in _claimed:
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return True


@cache
def _lock_file() -> int | None:
    """Return the file whose bytes are locked; None where it cannot be had.

    It is never closed: closing it once would give back every claim of this process.
    """
    path = Path(tempfile.gettempdir()) / LOCK_NAME
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        # Without O_CREAT where it is there: Linux may refuse that for a file of another user.
        return os.open(path, flags if path.exists() else flags | os.O_CREAT, 0o666)
    except OSError:
        return None


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
