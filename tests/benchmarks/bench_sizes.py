"""Memory and idle processor time of each service, polling one station every five seconds."""

import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.results import broker_for_benchmark, emit
from fixtures.broker_process import ROOT, free_port

SETTLE_S = 15.0
WATCH_S = 30.0
SERVICES = ("simulator", "station-bridge", "scheduler", "logger")


def main() -> None:
    """Run the services in real time for a while and print what each needs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(broker_for_benchmark(folder / "broker"))
        port = str(free_port())
        processes = {}
        for service in SERVICES:
            environment = {
                **os.environ,
                "WATTBUS_HEALTH_FILE": str(folder / f"{service}.health"),
                "WATTBUS_SIMULATOR_PORT": port,
                "WATTBUS_SIMULATOR_SECONDS_PER_HOUR": "real",
                "WATTBUS_SITE_FILE": str(ROOT / "sites" / "demo.toml"),
                "WATTBUS_STATE_DIR": str(folder / "state"),
                "WATTBUS_BRIDGE__SITE__POLL_INTERVAL_S": "5",
                "WATTBUS_BRIDGE__SITE__FAILSAFE_AFTER_S": "60",
                "WATTBUS_BRIDGE__STATION__CAR1__URL": f"http://127.0.0.1:{port}",
                "WATTBUS_DATA_DIR": str(folder / "data"),
            }
            if service != "simulator":
                environment |= broker.environment(service)
            process = subprocess.Popen(
                [f"wattbus-{service}"], env=environment, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            processes[service] = psutil.Process(process.pid)
        time.sleep(SETTLE_S)
        before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
        time.sleep(WATCH_S)
        figures = {
            name: {
                "resident_mb": process.memory_info().rss / 2**20,
                "idle_cpu_percent": (sum(process.cpu_times()[:2]) - before[name]) / WATCH_S * 100,
            }
            for name, process in processes.items()
        }
    emit("sizes", {"services": figures})


if __name__ == "__main__":
    main()
