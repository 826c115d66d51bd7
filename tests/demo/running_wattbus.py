"""Starts `wattbus` as a person does, and looks at what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

WATTBUS = Path(sys.executable).parent / "wattbus"
START_TIMEOUT_S = 90.0


class RunningWattbus:
    """One `wattbus up` or `wattbus demo` with folders of its own and no terminal."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.data_dir = folder / "data"
        self.run_dir = folder / "run"
        self.output_file = folder / "output"
        kept = {name: v for name, v in os.environ.items() if not name.startswith("WATTBUS_")}
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(WATTBUS, *arguments),
                    *("--data-dir", self.data_dir, "--run-dir", self.run_dir),
                ],
                env={**kept, "COLUMNS": "120"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """All that it has printed."""
        return self.output_file.read_text()

    def facts(self) -> dict[str, Any]:
        """Wait until it runs; returns what it tells other commands."""
        file = self.run_dir / "run.json"
        self.wait_until(lambda: file.exists() and file.read_text(), "the system runs")
        facts: dict[str, Any] = json.loads(file.read_text())
        return facts

    def wait_until(
        self, holds: Callable[[], object], what: str, timeout_s: float = START_TIMEOUT_S
    ) -> None:
        """Wait; AssertionError with the output when it does not happen."""
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline_s, f"not in time: {what}\n{self.output}"
            time.sleep(0.05)

    def services(self) -> dict[int, str]:
        """Return its services that are alive, by process id: they run in its folder."""
        found = {}
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.run_dir) and process.status() != "zombie":
                    found[process.pid] = " ".join(process.cmdline())
            except psutil.Error:
                continue
        return found

    def service(self, name: str) -> int:
        """Return the process id of a service."""
        # A service may have helpers of the same name: the console's own child is meant.
        (pid,) = [
            pid
            for pid, command in self.services().items()
            if f"wattbus-{name}" in command and psutil.Process(pid).ppid() == self.process.pid
        ]
        return pid

    def end(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 60.0) -> int:
        """Send a signal and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout_s)
