"""From the command `wattbus demo` to the first meter value on disk, once all is installed."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.results import emit

TURNS = 3
PATIENCE_S = 60.0


def first_row_after_s(folder: Path) -> float:
    """Start the demo, wait for the first row of its CSV, and end it."""
    started = time.monotonic()
    demo = subprocess.Popen(
        ["wattbus", "demo", "--strategy", "cheapest", "--data-dir", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ},
    )
    try:
        csv = folder / "battery_log.csv"
        while time.monotonic() - started < PATIENCE_S:
            if csv.exists() and csv.read_bytes().count(b"\n") > 1:
                return time.monotonic() - started
            time.sleep(0.02)
        raise TimeoutError(f"no row within {PATIENCE_S:.0f} s")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=30)


def main() -> None:
    """Measure a few starts and print the figures as JSON."""
    times_s = []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory() as folder:
            times_s.append(first_row_after_s(Path(folder)))
    emit("startup", {"first_row_s": median(times_s), "turns_s": times_s})


if __name__ == "__main__":
    main()
