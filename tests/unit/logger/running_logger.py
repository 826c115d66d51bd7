"""The real logger as a process on the broker under test, and a bridge that feeds it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder, RecordedMessage
from fixtures.sessions import wait_until
from wattbus_contract import topics

COMMAND = [sys.executable, "-m", "wattbus_logger"]
END_S = 90.0


class RunningLogger:
    """One `wattbus-logger`. Use as a context manager; `kill` is a power cut for all it runs."""

    def __init__(
        self,
        broker: BrokerProcess,
        folder: Path,
        site: str,
        program: Iterable[str] = (),
        **more: str,
    ) -> None:
        self.folder = folder
        self.log_path = folder.parent / "logger.log"
        environment = {
            **os.environ,
            "WATTBUS_SITE": site,
            "WATTBUS_DATA_DIR": str(folder),
            "WATTBUS_MQTT_HOST": broker.host,
            "WATTBUS_MQTT_PORT": str(broker.port),
            "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file("logger")),
            "WATTBUS_MQTT_CLIENT_ID": site[-32:],
            "WATTBUS_LOGGER_DRAWS": "false",
            "WATTBUS_LOGGER_DRAW_AT_END_WITHIN_S": "60",
            "WATTBUS_LOGGER_PLOT_EVERY_S": "0",
            "WATTBUS_LOGGER_REPORT_EVERY_S": "0",
            "WATTBUS_LOGGER_RETRY_S": "0.2",
            "WATTBUS_HEALTH_FILE": str(folder.parent / "health"),
            **more,
        }
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(list(program) or COMMAND, env=environment, stderr=log)

    def __enter__(self) -> "RunningLogger":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self.log_path.read_text()

    @property
    def is_connected(self) -> bool:
        """Whether both of its sessions have reached the broker."""
        return self.log.count("connected to the broker") >= 2

    @property
    def rows(self) -> list[str]:
        """The rows of all its CSV files, headers left out."""
        return rows_in(self.folder)

    def wait_for_rows(self, count: int, timeout_s: float = 20.0) -> None:
        """Wait until so many rows are there."""
        wait_until(lambda: len(self.rows) >= count, f"{count} rows", timeout_s)

    def kill(self) -> None:
        """End all its processes at once, as a power cut does."""
        for process in [*psutil.Process(self.process.pid).children(recursive=True)]:
            process.kill()
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as `docker stop` does; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=END_S)


def rows_in(folder: Path) -> list[str]:
    """Return the whole rows of a folder's CSV files."""
    rows: list[str] = []
    for path in sorted(folder.glob("battery_log*.csv")):
        text = path.read_bytes().decode(errors="replace")
        rows += [line for line in text.split("\n")[1:-1] if line]
    return rows


def ids_in(rows: Iterable[str]) -> list[tuple[str, int]]:
    """Return boot_id and seq of rows."""
    cells = [row.rsplit(",", 2) for row in rows]
    return [(boot_id, int(seq)) for _, boot_id, seq in cells]


def confirmed_by(messages: Iterable[RecordedMessage]) -> set[tuple[str, int]]:
    """Return boot_id and seq of all that was confirmed."""
    found: set[tuple[str, int]] = set()
    for message in messages:
        if not message.topic.endswith("/log/confirmed"):
            continue
        for one in message.json["confirmed"]:
            span = range(one["first_seq"], one["last_seq"] + 1)
            found |= {(one["boot_id"], seq) for seq in span}
    return found


def health_of(client: MqttRecorder) -> dict[str, Any]:
    """Return the newest status of a logger that a client has heard; {} before the first."""
    statuses = [m for m in client.messages if "/service/logger/" in m.topic]
    return json.loads(statuses[-1].payload) if statuses else {}


def status_filter(site: str) -> str:
    """Return the filter of all statuses of a site."""
    return topics.SERVICE_STATUS.filter(site)
