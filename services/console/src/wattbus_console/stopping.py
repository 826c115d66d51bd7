"""Ctrl-C, SIGTERM and SIGHUP as a wish to stop; a second one as a wish to hurry."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Stopping:
    """Which signals have come. No exception is raised, so that nothing is left half done."""

    first_signal: int | None = None
    is_hurried: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether the command is to end."""
        return self.first_signal is not None

    @property
    def exit_status(self) -> int:
        """What a command that was broken off ends with, as shells have it."""
        return 128 + (self.first_signal or 0)

    def note(self, number: int, _frame: FrameType | None = None) -> None:
        """Take note of a signal."""
        if self.first_signal is None:
            self.first_signal = number
        else:
            self.is_hurried = True


@contextmanager
def heeding_signals() -> Iterator[Stopping]:
    """Give what becomes wanted at a signal; the handlers before come back at the end."""
    stopping = Stopping()
    # A signal that was ignored at the start (nohup) stays ignored.
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stopping.note) for number in heeded}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
