"""TCP ports of this machine: whether one is free, and one that is."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import BinaryIO

HOST = "127.0.0.1"
_claims: dict[int, BinaryIO] = {}


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
    if port in _claims:
        return True
    path = Path(tempfile.gettempdir()) / f"wattbus-port-{port}.lock"
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644), "rb")
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _claims[port] = file
    return True


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
