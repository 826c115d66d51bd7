"""A console in small, run as a process by tests: keeps the given programs running.

usage: supervising.py FOLDER PROGRAM… (each a line of Python); writes `pids` when all run.
"""

import sys
import time
from pathlib import Path

from wattbus_console.processes.child import Service
from wattbus_console.processes.supervisor import Supervisor
from wattbus_console.stopping import heeding_signals


def main(folder: Path, programs: list[str]) -> None:
    with heeding_signals() as stopping:
        supervisor = Supervisor(print)
        for number, program in enumerate(programs):
            command = (sys.executable, "-u", "-c", program)
            log_file = folder / f"{number}.log"
            supervisor.start(Service(f"program-{number}", command, {}, log_file, folder))
        (folder / "pids").write_text(" ".join(str(pid) for pid in supervisor.pids().values()))
        while not stopping.is_wanted:
            supervisor.check()
            time.sleep(0.02)
        supervisor.stop(is_hurried=lambda: stopping.is_hurried, timeout_s=2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
