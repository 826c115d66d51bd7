"""Where commands print: a terminal as it is, a file or pipe wide enough for whole sentences."""

import os
import sys

from rich.console import Console

WIDTH_ELSEWHERE = 140


def terminal() -> Console:
    """Return the console on standard output."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console()
    return Console(width=WIDTH_ELSEWHERE)
