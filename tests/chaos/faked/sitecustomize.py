"""Lets a process sleep under libfaketime, which refuses the call that Python's own sleep makes.

Python sleeps until an instant of the monotonic clock; libfaketime 0.9.10, told to leave that clock
alone, answers EINVAL. Waiting for an event takes another call, which it does not touch.
"""

import threading
import time


def sleep(seconds: float) -> None:
    """Wait, as `time.sleep` does."""
    threading.Event().wait(seconds)


time.sleep = sleep
