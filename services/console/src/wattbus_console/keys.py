"""Single keys from a terminal, read without waiting; nothing where there is no terminal."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Keys:
    """`pressed` gives the keys since the last call, in order; special keys are left out."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def can_be_pressed(self) -> bool:
        """Whether somebody sits at a keyboard."""
        return self._descriptor is not None

    def pressed(self) -> str:
        """Return what was typed."""
        if self._descriptor is None or not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        typed = os.read(self._descriptor, 64).decode(errors="replace")
        # An arrow or a function key begins with escape and brings letters of its own.
        return "" if typed.startswith("\x1b") else typed


@contextmanager
def listening_keys() -> Iterator[Keys]:
    """Have keys at once and unseen, without Enter; the terminal is as before at the end.

    Ctrl-C stays a signal.
    """
    if not sys.stdin.isatty():
        yield Keys(None)
        return
    descriptor = sys.stdin.fileno()
    before: list[Any] = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
