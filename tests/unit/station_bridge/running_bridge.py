"""The bridge's own process on a real broker, with a scheduler that does what a test tells it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder, RecordedMessage
from fixtures.sessions import make_session, wait_until
from wattbus_contract import topics
from wattbus_contract.base import Reason
from wattbus_contract.control import LeaseAction, LeaseRequest, SetLimit
from wattbus_contract.topics import TopicSpec

SITE_FILE = """
[site]
fuse_power_w = {fuse_w}
poll_interval_s = 0.05
failsafe_after_s = {failsafe_after_s}
lease_ttl_s = 30
[prices]
source = "station:car1"
[base_load]
source = "station:car1"
"""
STATION = """
[[station]]
id = "{name}"
url = "{url}"
timeout_s = 2
[station.goal]
target_soc_percent = 80
departure_time = "07:00"
"""


class RunningBridge:
    """One bridge process that can be ended and started again, and what it publishes."""

    def __init__(self, broker: BrokerProcess, site: str, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self._broker = broker
        self._process: subprocess.Popen[bytes] | None = None
        self.hears = MqttRecorder(broker.host, broker.port, "viewer", broker.password("viewer"))
        self.hears.subscribe(topics.everything(site))

    def configure(
        self, url: str, *names: str, fuse_w: float = 11_000, failsafe_after_s: float = 30.0
    ) -> None:
        """Write the site file."""
        text = SITE_FILE.format(fuse_w=fuse_w, failsafe_after_s=failsafe_after_s)
        text += "".join(STATION.format(name=name, url=url) for name in names)
        (self.folder / "site.toml").write_text(text)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process; it is connected when its status is up."""
        heard = len(self.hears.messages)
        self._process = self.spawn()
        self.hears.wait_for(
            lambda m: "service/station-bridge/" in m.topic and m.json["status"] == "up", since=heard
        )
        return self._process

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start a process and return at once."""
        with (self.folder / "bridge.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wattbus_station_bridge.main"],
                env={
                    **os.environ,
                    "WATTBUS_SITE_FILE": str(self.folder / "site.toml"),
                    "WATTBUS_STATE_DIR": str(self.folder / "state"),
                    "WATTBUS_SITE": self.site,
                    "WATTBUS_MQTT_HOST": self._broker.host,
                    "WATTBUS_MQTT_PORT": str(self._broker.port),
                    "WATTBUS_MQTT_USERNAME": "station-bridge",
                    # Tests share a broker, on which a client id is taken by who comes last.
                    "WATTBUS_MQTT_CLIENT_ID": f"bridge-{self.site}"[:32],
                    "WATTBUS_MQTT_PASSWORD_FILE": str(self._broker.password_file("station-bridge")),
                    "WATTBUS_HEALTH_FILE": str(self.folder / "health"),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def end(self, *, is_kill: bool = False) -> int:
        """End the process by SIGTERM or SIGKILL; returns its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if is_kill:
            process.kill()
        else:
            process.terminate()
        return process.wait(10)

    def log(self) -> str:
        """Return what the bridge has logged."""
        return (self.folder / "bridge.log").read_text()

    def wait(
        self, spec: TopicSpec, station: str | None = None, since: int = 0, **fields: Any
    ) -> dict[str, Any]:
        """Return the first message of a kind whose fields have these values."""
        ids = {} if station is None else {"station": station}
        topic = spec.topic(self.site, **ids)

        def fits(message: RecordedMessage) -> bool:
            if message.topic != topic or not message.payload:
                return False
            document = message.json
            return all(_at(document, key) == value for key, value in fields.items())

        return self.hears.wait_for(fits, since=since).json

    def all(self, spec: TopicSpec, station: str, since: int = 0) -> list[dict[str, Any]]:
        """Return all messages of a kind."""
        topic = spec.topic(self.site, station=station)
        return [m.json for m in self.hears.messages[since:] if m.topic == topic and m.payload]

    @property
    def mark(self) -> int:
        """How many messages were heard so far."""
        return len(self.hears.messages)


class ScriptedScheduler:
    """Commands whatever a test wants, with the right to it or without."""

    def __init__(self, bridge: RunningBridge, broker: BrokerProcess, name: str = "s1") -> None:
        self.name = name
        self.epoch = 0
        self._bridge = bridge
        self.session = make_session(
            broker, "scheduler", bridge.site, client_id=f"{name}-{bridge.site}"[:32]
        )
        self.session.start()
        wait_until(lambda: self.session.is_connected, "the scheduler connects")

    def request(self, action: LeaseAction, successor: str | None = None) -> str:
        """Send a lease request; returns its nonce."""
        nonce = f"{self.name}-{action.value}-{self._bridge.mark}"
        self.session.publish(
            topics.LEASE_REQUEST,
            LeaseRequest(
                action=action, instance=self.name, nonce=nonce, successor=successor,
                epoch=None if action is LeaseAction.ACQUIRE else self.epoch,
            ),
        )  # fmt: skip
        return nonce

    def acquire(self) -> int:
        """Acquire the lease; returns the epoch."""
        nonce = self.request(LeaseAction.ACQUIRE)
        state = self._bridge.wait(topics.LEASE_STATE, nonce=nonce)
        self.epoch = state["epoch"]
        return self.epoch

    def command(
        self, station: str, limit_w: float, epoch: int | None = None, valid_for_s: float = 60.0,
        instance: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Send a limit and return the bridge's answer to it."""
        message = self.session.publish(
            topics.SET_LIMIT,
            self.limit(limit_w, epoch, valid_for_s, instance),
            # The broker drops what it may keep for a second only; then nobody would answer.
            expiry_s=max(5.0, valid_for_s),
            station=station,
        )
        return self.answer_to(station, message.seq)

    def limit(
        self, limit_w: float, epoch: int | None = None, valid_for_s: float = 60.0,
        instance: str | None = None,
    ) -> SetLimit:  # fmt: skip
        """Return a limit of this scheduler."""
        return SetLimit(
            epoch=self.epoch if epoch is None else epoch,
            instance=instance or self.name,
            valid_for_s=valid_for_s,
            reason=Reason(code="test", text="a test wants it"),
            limit_w=limit_w,
        )

    def answer_to(self, station: str, seq: int) -> dict[str, Any]:
        """Return the bridge's answer to a limit."""
        topic = topics.LIMIT_RESULT.topic(self._bridge.site, station=station)
        return self._bridge.hears.wait_for(
            lambda m: (
                m.topic == topic
                and m.json["command"]["seq"] == seq
                and m.json["command"]["boot_id"] == self.session.boot_id
            )
        ).json


@contextmanager
def bridge_on(broker: BrokerProcess, site: str, folder: Path) -> Iterator[RunningBridge]:
    """Give a bridge that is ended in the end."""
    bridge = RunningBridge(broker, site, folder)
    try:
        yield bridge
    finally:
        bridge.end(is_kill=True)
        bridge.hears.close()


def _at(document: dict[str, Any], key: str) -> Any:
    value: Any = document
    for part in key.split("__"):
        value = value.get(part) if isinstance(value, dict) else None
    return value
