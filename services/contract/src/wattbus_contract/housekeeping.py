"""Watches a session from a thread of its own: announces it, and ends what would be a zombie."""

import logging
import os
import threading
import time
from collections.abc import Callable

from wattbus_contract import healthcheck
from wattbus_contract.service import Health

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
WRITE_HEALTH_EVERY_S = 5.0
STALLED_AFTER_S = 300.0
"""No `receive` for so long means that the service's main loop hangs."""
GRACE_S = 10.0
"""How long a service may take to end by itself after a fault."""
MAX_DETAIL = 2000
EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


class Housekeeper:
    """Calls `announce` after each connect and change of health, and `find_fault` once a second.

    After a fault, `receive` raises it in the main thread; a process that still lives `GRACE_S`
    later is ended, so that whoever supervises it can start it anew.
    """

    def __init__(self, announce: Callable[[], None], find_fault: Callable[[], str | None]) -> None:
        self.fault: str | None = None
        self._service_health = (Health.OK, "")
        self._problems: dict[str, str] = {}
        self._announce = announce
        self._find_fault = find_fault
        self.is_connected = False
        self._is_stopped = False
        self._must_announce = False
        self._wake = threading.Event()
        self._silent_s = 0.0
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    @property
    def health(self) -> Health:
        """Degraded if the service says so, or the session has a problem."""
        return Health.DEGRADED if self._problems else self._service_health[0]

    @property
    def detail(self) -> str:
        """What is wrong, in the words of the service and of the session."""
        parts = [self._service_health[1], *list(self._problems.values())]
        return "; ".join(part for part in parts if part)[:MAX_DETAIL]

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; no announcement follows."""
        self._is_stopped = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * CHECK_EVERY_S)
            _clear_health()

    def beat(self) -> None:
        """Note that the main loop is alive."""
        self._silent_s = 0.0

    def connected(self) -> None:
        """Note that the session is connected and subscribed."""
        self.is_connected = True
        self._must_announce = True
        self._wake.set()

    def disconnected(self) -> None:
        """Note that the session is not connected."""
        self.is_connected = False

    def fail(self, fault: str) -> None:
        """Note what makes this session unable to go on."""
        if self.fault is None:
            self.fault = fault
        self._wake.set()

    def set_health(self, health: Health, detail: str) -> None:
        """Note what the service says of itself; announced if it is new."""
        if (health, detail) != self._service_health:
            self._service_health = (health, detail)
            self._announce_soon()

    def report(self, problem: str, detail: str | None) -> None:
        """Note a problem of the session itself, or with None that it is over."""
        if self._problems.get(problem) == detail:
            return
        if detail is None:
            self._problems.pop(problem, None)
        else:
            self._problems[problem] = detail
            log.warning("%s", detail)
        self._announce_soon()

    def _announce_soon(self) -> None:
        self._must_announce = True
        self._wake.set()

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:
            # Nobody would notice the death of the one who watches.
            log.exception("the session's watch has failed")
            self._end(f"the session's watch has failed: {error}")

    def _watch(self) -> None:
        written_monotonic_s = float("-inf")
        woken_monotonic_s = time.monotonic()
        while not self._is_stopped:
            self._wake.wait(CHECK_EVERY_S)
            self._wake.clear()
            if self._is_stopped:
                return
            # Time in which the whole process was stopped does not count as a hanging main loop.
            passed_s = time.monotonic() - woken_monotonic_s
            woken_monotonic_s += passed_s
            self._silent_s += min(passed_s, 2 * CHECK_EVERY_S)
            fault = self.fault or self._find_fault() or self._stalled()
            if fault is not None:
                self._end(fault)
                return
            if self._must_announce and self.is_connected:
                self._must_announce = False
                self._announce()
            if time.monotonic() - written_monotonic_s >= WRITE_HEALTH_EVERY_S:
                written_monotonic_s = time.monotonic()
                self._write_health()

    def _stalled(self) -> str | None:
        if self._silent_s > STALLED_AFTER_S:
            return f"the main loop has not moved for {self._silent_s:.0f} s"
        return None

    def _write_health(self) -> None:
        text = "ok" if self.is_connected else "not connected to the broker"
        try:
            healthcheck.write(text)
        except OSError as error:
            log.debug("cannot write the health file: %s", error)

    def _end(self, fault: str) -> None:
        self.fault = fault
        log.critical("%s; ending the process", fault)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and not self._is_stopped:
            self._wake.wait(0.1)
        if not self._is_stopped:
            log.critical("the process did not end by itself within %g s", GRACE_S)
            os._exit(EXIT_CODE)


def _clear_health() -> None:
    try:
        healthcheck.clear()
    except OSError as error:
        log.debug("cannot remove the health file: %s", error)
