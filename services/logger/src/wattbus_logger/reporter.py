"""Has the figures of the topic `report` reckoned by a process of its own, and publishes them."""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from wattbus_contract.accounts import ChargingReport

log = logging.getLogger(__name__)

FIRST_AFTER_S = 10.0
AT_MOST_EVERY_S = 5.0
TIMEOUT_S = 300.0


class Reporter:
    """Starts `wattbus_logger.standing` when it is due, one at a time; call `tend` often.

    Due is it `every_s` after the last one if there is news, and soon after a milestone: a session
    has ended. With `every_s` 0 never.
    """

    def __init__(
        self,
        folder: Path,
        every_s: float,
        publish: Callable[[ChargingReport], None],
        monotonic_s: Callable[[], float] = time.monotonic,
        command: tuple[str, ...] = (sys.executable, "-m", "wattbus_logger.standing"),
    ) -> None:
        self._folder = folder
        self._every_s = every_s
        self._publish = publish
        self._monotonic_s = monotonic_s
        self._command = command
        self._has_news = False
        self._has_milestone = False
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._started_s = float("-inf")
        self._due_s = monotonic_s() + min(FIRST_AFTER_S, every_s)

    def tend(self, *, has_news: bool, has_milestone: bool, time_zone: str) -> None:
        """Note what has happened since the last call; start the process, or publish what it says.

        `time_zone` is empty while the site has not told it.
        """
        self._has_news = self._has_news or has_news or has_milestone
        self._has_milestone = self._has_milestone or has_milestone
        now_s = self._monotonic_s()
        if self._process is not None and not self._is_over(self._process, now_s):
            return
        is_due = now_s >= self._due_s
        is_soon = self._has_milestone and now_s - self._started_s >= AT_MOST_EVERY_S
        if self._every_s > 0 and self._has_news and time_zone and (is_due or is_soon):
            self._start(now_s, time_zone)

    def finish(self) -> None:
        """End a process that is still at work."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self, now_s: float, time_zone: str) -> None:
        self._has_news = self._has_milestone = False
        self._started_s, self._due_s = now_s, now_s + self._every_s
        try:
            # A file and no pipe: nobody reads while it writes.
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is over
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*self._command, str(self._folder), time_zone],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
            )
        except OSError as error:
            log.warning("cannot reckon the report: %s", error)

    def _is_over(self, process: "subprocess.Popen[bytes]", now_s: float) -> bool:
        code = process.poll()
        if code is None:
            if now_s - self._started_s <= TIMEOUT_S:
                return False
            log.warning("reckoning the report took more than %g s; given up", TIMEOUT_S)
            process.kill()
            process.wait()
        elif code:
            log.warning("the report could not be reckoned (exit status %d)", code)
        self._process = None
        if self._output is not None:
            with self._output as output:
                output.seek(0)
                said = output.read()
            if code == 0 and said:
                self._tell(said)
        return True

    def _tell(self, said: bytes) -> None:
        try:
            self._publish(ChargingReport.model_validate_json(said))
        except ValidationError as error:
            first = error.errors()[0]
            log.warning("no report: %s: %s", ".".join(map(str, first["loc"])), first["msg"])
