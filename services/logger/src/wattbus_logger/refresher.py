"""Has plot and report made by a process of its own, so that its memory and time are not ours."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

FIRST_AFTER_S = 20.0
AT_MOST_EVERY_S = 10.0
TIMEOUT_S = 120.0


class Refresher:
    """Starts `wattbus-logger refresh` when it is due, one at a time; `tend` often, `finish` once.

    Due is it `every_s` after the last one if there is news, and soon after a milestone. `every_s` 0
    leaves only milestones and the end, where it is waited for `at_end_within_s`.
    """

    def __init__(
        self,
        folder: Path,
        every_s: float,
        at_end_within_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
        command: tuple[str, ...] = (sys.executable, "-m", "wattbus_logger", "refresh", "--data"),
    ) -> None:
        self._command = (*command, str(folder))
        self._every_s = every_s
        self._at_end_within_s = at_end_within_s
        self._monotonic_s = monotonic_s
        self._has_news = False
        self._has_milestone = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = float("-inf")
        self._due_s = monotonic_s() + min(FIRST_AFTER_S, every_s)

    def tend(self, *, has_news: bool, has_milestone: bool) -> None:
        """Note what has happened since the last call; start or reap the process."""
        self._has_news = self._has_news or has_news or has_milestone
        self._has_milestone = self._has_milestone or has_milestone
        now_s = self._monotonic_s()
        if self._process is not None:
            if not self._is_over(self._process, now_s):
                return
            self._process = None
        is_due = self._every_s > 0 and now_s >= self._due_s
        is_soon = self._has_milestone and now_s - self._started_s >= AT_MOST_EVERY_S
        if self._has_news and (is_due or is_soon):
            self._start(now_s)

    def finish(self) -> None:
        """Make plot and report a last time if there is news, and wait for them."""
        if self._process is not None:
            # What it draws is out of date if there is news.
            if self._has_news:
                self._process.kill()
            self._wait(self._process)
            self._process = None
        if self._has_news:
            self._start(self._monotonic_s())
            if self._process is not None:
                self._wait(self._process)
                self._process = None

    def _start(self, now_s: float) -> None:
        self._has_news = self._has_milestone = False
        self._started_s, self._due_s = now_s, now_s + self._every_s
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
        except OSError as error:
            log.warning("cannot draw plot and report: %s", error)

    def _is_over(self, process: "subprocess.Popen[bytes]", now_s: float) -> bool:
        code = process.poll()
        if code is None and now_s - self._started_s > TIMEOUT_S:
            log.warning("drawing plot and report took more than %g s; given up", TIMEOUT_S)
            process.kill()
            process.wait()
            return True
        if code:
            log.warning("plot and report could not be made (exit status %d)", code)
        return code is not None

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.wait(self._at_end_within_s)
        except subprocess.TimeoutExpired:
            log.warning("plot and report were not ready in %g s", self._at_end_within_s)
            process.kill()
            process.wait()
