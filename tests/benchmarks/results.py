"""What the benchmarks share: percentiles, a real broker, and one JSON document as the answer."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fixtures.broker_process import BrokerProcess, find_mosquitto


class BenchmarkBroker(BrokerProcess):
    """The real Mosquitto with the project's settings, and what a service needs to find it."""

    def environment(self, user: str) -> dict[str, str]:
        """Return the settings with which a service connects as `user`."""
        return {
            "WATTBUS_MQTT_HOST": self.host,
            "WATTBUS_MQTT_PORT": str(self.port),
            "WATTBUS_MQTT_PASSWORD_FILE": str(self.password_file(user)),
        }


@contextmanager
def broker_for_benchmark(folder: Path) -> Iterator[BenchmarkBroker]:
    """Run a broker in a folder of its own; ends the program where Mosquitto is missing."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        sys.exit("Mosquitto is missing; install it with: sudo apt-get install mosquitto")
    broker = BenchmarkBroker(folder, mosquitto)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile; IndexError for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def emit(name: str, figures: dict[str, Any]) -> None:
    """Print a benchmark's figures as one line of JSON."""
    sys.stdout.write(json.dumps({"benchmark": name, **figures}) + "\n")
    sys.stdout.flush()
