"""One child process: its own process group, its output in a log file, its end made sure of."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wattbus_console.processes import launcher


@dataclass(frozen=True)
class Service:
    """What to run: a program by its absolute path, with its whole environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log_file: Path
    folder: Path


class Child:
    """A running service. Only the main thread may start one: the kernel's death signal is tied
    to the thread that forked.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        service.log_file.parent.mkdir(parents=True, exist_ok=True)
        with service.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", launcher.__file__, str(os.getpid())),
                    *service.command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(service.environment),
                cwd=service.folder,
                # Ctrl-C goes to the terminal's foreground group: the console ends its children.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """The process id, and that of its group."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """What it ended with (negative: by which signal), or None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.exit_status is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False if it still runs after that time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def finish(self) -> None:
        """End whatever is left of it and of what it has started."""
        # Nobody is left, or (macOS) only zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def log_tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log file, "" if there is none."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
