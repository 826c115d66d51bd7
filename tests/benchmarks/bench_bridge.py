"""Polls a second of the station-bridge, against a bare loop over one pooled requests.Session.

Both poll the same farm of stations as fast as they can, with a thread a station, in turns; the farm
counts. The bridge parses, judges and publishes each reading to a real broker besides.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.results import broker_for_benchmark, emit

HERE = Path(__file__).parent
SECONDS = 6.0
TURNS = 3
ROUNDS_BEFORE = 4
LONGEST_START_S = 60.0


def served(port: int) -> int:
    """Return how many polls the farm has answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/served")
    count = int(connection.getresponse().read())
    connection.close()
    return count


def wait_until_all_are_polled(farm_port: int, stations: int) -> None:
    """Wait until every station has been asked some times, so that making contact is over."""
    goal = served(farm_port) + ROUNDS_BEFORE * stations
    deadline = time.monotonic() + LONGEST_START_S
    while served(farm_port) < goal and time.monotonic() < deadline:
        time.sleep(0.1)


def rate_while(farm_port: int, seconds: float) -> float:
    """Return the polls a second that the farm answers during `seconds`."""
    before, started = served(farm_port), time.monotonic()
    time.sleep(seconds)  # the measurement itself
    return (served(farm_port) - before) / (time.monotonic() - started)


def site_file(folder: Path, farm_port: int, stations: int) -> Path:
    """Write a site of so many stations that are polled without a pause."""
    lines = [
        "[site]", 'id = "bench"', 'name = "Bench"', 'time_zone = "Europe/Stockholm"',
        'currency = "SEK"', f"fuse_power_w = {10_000 * stations}", "phases = 3",
        "seconds_per_hour = 3600", "poll_interval_s = 0.0001", "[prices]", 'source = "none"',
        "[base_load]", 'source = "none"',
    ]  # fmt: skip
    for number in range(stations):
        lines += ["[[station]]", f'id = "s{number}"', f'url = "http://127.0.0.1:{farm_port}"']
    path = folder / "site.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def measure_bare(farm_port: int, stations: int) -> float:
    """Return the polls a second of the bare loop."""
    poller = subprocess.Popen(
        [
            sys.executable, HERE / "bare_poller.py", f"http://127.0.0.1:{farm_port}",
            str(stations), str(SECONDS + LONGEST_START_S),
        ]
    )  # fmt: skip
    try:
        time.sleep(2)  # of its start, which is not measured
        wait_until_all_are_polled(farm_port, stations)
        return rate_while(farm_port, SECONDS)
    finally:
        poller.terminate()
        poller.wait()


def measure_bridge(farm_port: int, stations: int, folder: Path) -> float:
    """Return the polls a second of the bridge, with a real broker behind it."""
    with broker_for_benchmark(folder / "broker") as broker:
        environment = {
            **os.environ,
            "WATTBUS_SITE_FILE": str(site_file(folder, farm_port, stations)),
            "WATTBUS_STATE_DIR": str(folder / "state"),
            "WATTBUS_LOG_LEVEL": "ERROR",
            "WATTBUS_HEALTH_FILE": str(folder / "health"),
            **broker.environment("station-bridge"),
        }
        bridge = subprocess.Popen(["wattbus-station-bridge"], env=environment)
        try:
            time.sleep(4)  # as above
            wait_until_all_are_polled(farm_port, stations)
            return rate_while(farm_port, SECONDS)
        finally:
            bridge.terminate()
            bridge.wait()


def main(sizes: tuple[int, ...] = (1, 10, 100, 1000)) -> None:
    """Measure for several numbers of stations and print the figures as JSON."""
    figures = {}
    for stations in sizes:
        bare, bridge = [], []
        for _ in range(TURNS if stations <= 100 else 1):
            with tempfile.TemporaryDirectory() as folder:
                farm = subprocess.Popen(
                    [sys.executable, HERE / "station_farm.py"], stdout=subprocess.PIPE
                )
                try:
                    assert farm.stdout is not None
                    port = int(farm.stdout.readline())
                    bare.append(measure_bare(port, stations))
                    bridge.append(measure_bridge(port, stations, Path(folder)))
                finally:
                    farm.terminate()
                    farm.wait()
        figures[str(stations)] = {
            "bare_polls_per_s": median(bare),
            "bridge_polls_per_s": median(bridge),
            "ratio": median(ours / limit for ours, limit in zip(bridge, bare, strict=True)),
        }
    emit("bridge", {"stations": figures})


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or (1, 10, 100, 1000))
