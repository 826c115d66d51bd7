"""Keeps services running: starts them, restarts the crashed, ends all in order."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wattbus_console.processes.child import Child, Service

FIRST_DELAY_S = 0.1
MOST_DELAY_S = 60.0
STEADY_AFTER_S = 10.0
STOP_TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.1


def restart_delay_s(failures: int) -> float:
    """Return the wait before a restart after so many failures in a row, as Docker's policy has it:
    100 ms, doubled each time, at most a minute.
    """
    return min(FIRST_DELAY_S * 2.0 ** min(failures - 1, 30), MOST_DELAY_S)


@dataclass
class _Kept:
    service: Service
    child: Child
    started_s: float
    failures: int = 0
    restart_at_s: float | None = None


class Supervisor:
    """Runs services until `stop`. It has no thread: call `check` often, from the main thread."""

    def __init__(
        self, say: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def start(self, service: Service) -> None:
        """Start a service, to be kept running from now on."""
        self._kept[service.name] = _Kept(service, Child(service), self._monotonic())

    def exit_status(self, name: str) -> int | None:
        """Return what a service has ended with, or None while it runs."""
        return self._kept[name].child.exit_status

    def pids(self) -> dict[str, int]:
        """Return the process ids of the running services."""
        return {
            name: kept.child.pid
            for name, kept in self._kept.items()
            if kept.child.exit_status is None
        }

    def check(self) -> None:
        """Restart what has ended, each after its delay."""
        for kept in self._kept.values():
            now_s = self._monotonic()
            if kept.restart_at_s is not None:
                if now_s >= kept.restart_at_s:
                    self._restart(kept)
            elif (status := kept.child.exit_status) is not None:
                kept.child.finish()
                is_steady = now_s - kept.started_s >= STEADY_AFTER_S
                kept.failures = 1 if is_steady else kept.failures + 1
                kept.restart_at_s = now_s + restart_delay_s(kept.failures)
                self._say(f"{kept.service.name} {ended_text(status)}; it is started again")

    def stop(
        self,
        order: Iterable[Sequence[str]] = (),
        is_hurried: Callable[[], bool] = lambda: False,
        timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        """End all: wave by wave in the given order, then the rest.

        Who has not ended after `timeout_s`, or once `is_hurried`, is killed.
        """
        waves = [[name for name in wave if name in self._kept] for wave in order]
        ordered = {name for wave in waves for name in wave}
        for wave in [*waves, [name for name in self._kept if name not in ordered]]:
            children = [self._kept[name].child for name in wave]
            for child in children:
                child.terminate()
            deadline_s = self._monotonic() + timeout_s
            for child in children:
                while not is_hurried() and self._monotonic() < deadline_s:
                    if child.wait(LOOK_EVERY_S):
                        break
                child.finish()
        self._kept.clear()

    def _restart(self, kept: _Kept) -> None:
        kept.child = Child(kept.service)
        kept.started_s = self._monotonic()
        kept.restart_at_s = None


def ended_text(status: int) -> str:
    """Return how a process has ended, for people."""
    return f"was ended by signal {-status}" if status < 0 else f"has ended with status {status}"
