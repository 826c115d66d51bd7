"""Rows a second of the logger, fsyncs included, against a bare paho subscriber, same backlog.

Both find the same messages waiting in the broker: what is measured is the receiver, not how fast a
publisher can be made. The two take turns, each round begins with the other one.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.results import emit
from fixtures.broker_process import BrokerProcess, find_mosquitto
from wattbus_contract import facts, topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import encode

SITE = "bench"
START_AT = datetime(2025, 1, 14, 23, 0, tzinfo=UTC)
SUBSCRIBER = Path(__file__).parent / "bare_subscriber.py"
TIMEOUT_S = 120.0


class Feeder:
    """Publishes meter values as a bridge does, on one bare paho client."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.fed = 0
        self._seq = 0
        self._boot_id = uuid.uuid4().hex[:16]
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="station-bridge",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.username_pw_set("station-bridge", broker.password("station-bridge"))
        self._client.max_inflight_messages_set(100)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def feed(self, stations: int, count: int) -> None:
        """Publish `count` meter values in all, and wait until the broker has them."""
        for number in range(count):
            station = f"car{number % stations + 1}"
            reading = _reading(START_AT + timedelta(seconds=number // stations))
            last = self.say(topics.METER, reading, station=station)
            if number % 1000 == 999:
                last.wait_for_publish(TIMEOUT_S)
        last.wait_for_publish(TIMEOUT_S)
        self.fed += count

    def say(self, spec: topics.TopicSpec, body: Body, **ids: str) -> Any:
        """Publish one message."""
        self._seq += 1
        envelope = Envelope(
            schema_id=spec.schema_id,
            sent_at=datetime.now(UTC),
            source="station-bridge",
            boot_id=self._boot_id,
            seq=self._seq,
        )
        topic = spec.topic(SITE, **ids)
        return self._client.publish(topic, encode(body, envelope), 1, spec.is_retained)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


def _reading(at: datetime) -> facts.MeterReading:
    return facts.MeterReading(
        at=at, connector_status=facts.ConnectorStatus.CHARGING, is_plugged_in=True,
        mode=facts.Mode.SMART, is_failsafe=False, power_active_import_w=7400,
        energy_active_import_register_wh=12_345.678, offered_limit_w=7400, soc_percent=42.123,
        house_load_w=934.5, price_per_kwh=0.6801, current_import_l1_a=32.17,
        transaction_id="car1-1", round_trip_s=0.0123,
    )  # fmt: skip


def run_bare(broker: BrokerProcess, count: int) -> float:
    """Return the seconds that the bare subscriber takes; with count 0 it only subscribes."""
    arguments = [
        str(broker.port), "bare", str(broker.password_file("logger")), topics.METER.filter(SITE),
        str(count),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, SUBSCRIBER, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    return float(done.stdout) if count else 0.0


class LoggerProcess:
    """A wattbus-logger on a folder of its own."""

    def __init__(self, broker: BrokerProcess, data: Path) -> None:
        self.data = data
        environment = {
            **os.environ,
            "WATTBUS_SITE": SITE,
            "WATTBUS_DATA_DIR": str(data),
            "WATTBUS_MQTT_HOST": broker.host,
            "WATTBUS_MQTT_PORT": str(broker.port),
            "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file("logger")),
            "WATTBUS_LOGGER_DRAWS": "false",
            "WATTBUS_HEALTH_FILE": str(data.parent / "health"),
        }
        self._log = (data.parent / "logger.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wattbus_logger"], env=environment, stderr=self._log
        )

    @property
    def processes(self) -> list[psutil.Process]:
        """The receiver and its writer."""
        receiver = psutil.Process(self.process.pid)
        return [receiver, *receiver.children()]

    @property
    def resident_mb(self) -> float:
        """Memory of both processes; what they share is counted twice."""
        return sum(process.memory_info().rss for process in self.processes) / 2**20

    @property
    def cpu_s(self) -> float:
        """Time that both have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes)

    @property
    def rows(self) -> Path:
        """Its CSV file."""
        return self.data / "battery_log.csv"

    def wait_for_rows(self, count: int) -> None:
        """Wait until the file has so many; TimeoutError."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.rows.exists() or self.rows.read_bytes().count(b"\n") - 1 < count:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"the logger has not written {count} rows")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as `docker stop` does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self._log.close()


def run_logger(broker: BrokerProcess, data: Path, rows: int) -> tuple[float, float]:
    """Return the seconds from the first message to the last row on disk, and the RSS in MB."""
    events = data / "events.jsonl"
    offset = events.stat().st_size if events.exists() else 0
    logger = LoggerProcess(broker, data)
    try:
        logger.wait_for_rows(rows)
        ended_s = logger.rows.stat().st_mtime_ns / 1e9
        resident_mb = logger.resident_mb
    finally:
        logger.stop()
    with events.open("rb") as file:
        file.seek(offset)
        for line in file:
            document = json.loads(line)
            if document["topic"].endswith("/meter"):
                began_at = datetime.fromisoformat(document["received_at"])
                return ended_s - began_at.timestamp(), resident_mb
    raise TimeoutError("nothing was recorded")


def run_idle(
    broker: BrokerProcess, data: Path, feeder: Feeder, stations: int, seconds: int = 10
) -> float:
    """Return the percentage of a core that one meter value a second costs."""
    logger = LoggerProcess(broker, data)
    try:
        time.sleep(2.0)  # what it does at its start is not idling
        used_s, began_s = logger.cpu_s, time.monotonic()
        for _ in range(seconds):
            feeder.feed(stations, 1)
            time.sleep(1.0)  # the pace of the meter values
        return 100 * (logger.cpu_s - used_s) / (time.monotonic() - began_s)
    finally:
        logger.wait_for_rows(feeder.fed)
        logger.stop()


def measure(broker: BrokerProcess, folder: Path, stations: int, count: int, rounds: int) -> Any:
    """Return rows a second of both, and their ratio, as medians over the rounds."""
    data = folder / f"data-{stations}"
    feeder = Feeder(broker)
    run_bare(broker, 0)
    bare, logger, resident_mb = [], [], 0.0
    try:
        # Begins the logger's durable session.
        run_idle(broker, data, feeder, stations, seconds=1)
        idle_percent = run_idle(broker, data, feeder, stations)
        for number in range(rounds):
            feeder.feed(stations, count)
            rows = feeder.fed
            if number % 2:
                bare.append(count / run_bare(broker, count))
            seconds, resident_mb = run_logger(broker, data, rows)
            logger.append(count / seconds)
            if not number % 2:
                bare.append(count / run_bare(broker, count))
    finally:
        feeder.stop()
    return {
        "messages": count * rounds,
        "logger_rows_per_s": median(logger),
        "bare_messages_per_s": median(bare),
        "ratio": median(one / other for one, other in zip(logger, bare, strict=True)),
        "resident_mb": resident_mb,
        "idle_cpu_percent": idle_percent,
    }


def main(stations: tuple[int, ...] = (1, 10, 100, 1000), count: int = 10_000) -> None:
    """Measure for several sizes of a site and print the figures as JSON."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        sys.exit("mosquitto is missing: run `make setup`")
    figures = {}
    for number in stations:
        with tempfile.TemporaryDirectory() as folder:
            broker = BrokerProcess(Path(folder) / "broker", mosquitto)
            broker.start()
            try:
                figures[str(number)] = measure(broker, Path(folder), number, count, rounds=3)
            finally:
                broker.stop()
    emit("logger", {"stations": figures})


if __name__ == "__main__":
    main()
