"""Starts the system in order, each step when the one before has shown that it is ready."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from wattbus_console import bus, local_system
from wattbus_console.bus import Bus
from wattbus_console.local_system import Endpoints, Wishes
from wattbus_console.mistakes import Mistake
from wattbus_console.processes import ports
from wattbus_console.processes.child import Service, log_tail
from wattbus_console.processes.supervisor import Supervisor, ended_text
from wattbus_console.project import Project, find_command, find_mosquitto, search_path
from wattbus_console.stopping import Stopping
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.service import Status

READY_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.02
HTTP_TIMEOUT_S = 5.0
ATTEMPTS = 5


class Reporter(Protocol):
    """Told how the start goes, and what happens to services afterwards."""

    def ready(self, name: str, word: str) -> None:
        """Hear that a service is ready, and a word about it."""

    def warn(self, line: str) -> None:
        """Hear that something is not as it should be."""


@dataclass
class LocalSystem:
    """A running system: its processes and the console's own connection to its bus."""

    wishes: Wishes
    endpoints: Endpoints
    supervisor: Supervisor
    bus: Bus


@contextmanager
def running(
    wishes: Wishes,
    project: Project,
    broker_port: int | None,
    reporter: Reporter,
    stopping: Stopping,
) -> Iterator[LocalSystem | None]:
    """Start everything, give it, and end everything, whatever happens in between.

    Gives None if it was told to stop meanwhile. Mistake, with the last lines of its log, when a
    service does not get ready.
    """
    supervisor = Supervisor(reporter.warn)
    start = _Start(wishes, project, supervisor, reporter, stopping)
    try:
        if not start.broker(broker_port):
            yield None
            return
        with bus.connected(start.console_settings(), wishes.site) as connected:
            yield start.system if start.everything_else(connected) else None
    finally:
        supervisor.stop(local_system.STOP_ORDER, lambda: stopping.is_hurried)


class _Start:
    """One start in progress. Its steps return False when they were told to stop."""

    def __init__(
        self,
        wishes: Wishes,
        project: Project,
        supervisor: Supervisor,
        reporter: Reporter,
        stopping: Stopping,
    ) -> None:
        self._wishes = wishes
        self._project = project
        self._supervisor = supervisor
        self._reporter = reporter
        self._stopping = stopping
        self._commands = _commands(wishes)
        self._services: dict[str, Service] = {}
        self._endpoints = Endpoints(0, 0, 0)
        self._bus: Bus | None = None

    @property
    def system(self) -> LocalSystem:
        """What was started."""
        if self._bus is None:
            raise RuntimeError("not started yet")
        return LocalSystem(self._wishes, self._endpoints, self._supervisor, self._bus)

    def broker(self, port: int | None) -> bool:
        """Start Mosquitto with the project's settings, users and access list."""
        if port is not None and not ports.is_free(port):
            raise Mistake(f"--port {port} is in use: leave it out to take a free one")
        for attempt in range(ATTEMPTS):
            self._choose_ports(port)
            _prepare_broker(self._project, self._wishes.run_dir, self._endpoints.broker_port)
            self._supervisor.start(self._services[local_system.BROKER])
            try:
                is_up = self._wait(
                    local_system.BROKER, lambda: ports.answers(self._endpoints.broker_port)
                )
            except Mistake:
                # Somebody may have taken the port since it was found free.
                if port is not None or attempt == ATTEMPTS - 1:
                    raise
                self._supervisor.stop()
            else:
                where = f"{ports.HOST}:{self._endpoints.broker_port}"
                if is_up:
                    self._reporter.ready(local_system.BROKER, f"Mosquitto on {where}")
                return is_up
        return False

    def console_settings(self) -> BrokerSettings:
        """Return how the console itself connects."""
        return BrokerSettings(
            host=ports.HOST,
            port=self._endpoints.broker_port,
            username=bus.USER,
            password_file=self._wishes.secrets / bus.USER / "password",
        )

    def everything_else(self, connected: Bus) -> bool:
        """Start the rest: the bridge last, so that nobody misses its first words."""
        self._bus = connected
        started_at = datetime.now(UTC)
        first = (local_system.SIMULATOR, local_system.LOGGER, local_system.SCHEDULER)
        for name in (*first, *self._wishes.for_people):
            self._supervisor.start(self._services[name])
        url = self._endpoints.simulator_url
        steps = (
            (local_system.SIMULATOR, lambda: _is_healthy(url), f"{self._wishes.scenario}, {url}"),
            (
                local_system.SCHEDULER,
                lambda: self._is_up(local_system.SCHEDULER, started_at),
                f"strategy {self._wishes.strategy}",
            ),
            (
                local_system.LOGGER,
                lambda: self._is_up(local_system.LOGGER, started_at),
                f"writes to {self._wishes.data_dir}",
            ),
        )
        for name, is_ready, word in steps:
            if not self._wait(name, is_ready):
                return False
            self._reporter.ready(name, word)
        return self._bridge(started_at) and self._wait_for_people(started_at)

    def _wait_for_people(self, started_at: datetime) -> bool:
        words = {
            local_system.DASHBOARD: self._endpoints.dashboard_url,
            local_system.HOMEASSISTANT: "announces the site and its stations by MQTT",
        }
        for name in self._wishes.for_people:
            if not self._wait(name, partial(self._is_up, name, started_at)):
                return False
            self._reporter.ready(name, words[name])
        return True

    def _bridge(self, started_at: datetime) -> bool:
        # The car and its clock begin when somebody looks.
        reset_simulator(self._endpoints.simulator_url)
        self._supervisor.start(self._services[local_system.BRIDGE])
        if not self._wait(
            local_system.BRIDGE, lambda: self._is_up(local_system.BRIDGE, started_at)
        ):
            return False
        self._reporter.ready(
            local_system.BRIDGE, f"site {self._wishes.site}, {self._wishes.site_file.name}"
        )
        return True

    def _choose_ports(self, broker_port: int | None) -> None:
        self._endpoints = Endpoints(
            broker_port or ports.pick(1883), ports.pick(5000), ports.pick(8080)
        )
        self._services = local_system.services(
            self._wishes, self._endpoints, self._commands, _inherited(os.environ)
        )

    def _is_up(self, user: str, since: datetime) -> bool:
        if self._bus is None:
            return False
        statuses = self._bus.picture.services.items()
        return any(
            name == user and status.status is Status.UP and status.started_at >= since
            for (name, _), status in statuses
        )

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> bool:
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        log_file = self._wishes.log_file(name)
        while not is_ready():
            if self._stopping.is_wanted:
                return False
            status = self._supervisor.exit_status(name)
            if status is not None:
                raise Mistake(f"{name} {ended_text(status)}:\n{log_tail(log_file)}")
            if time.monotonic() > deadline_s:
                raise Mistake(
                    f"{name} was not ready within {READY_TIMEOUT_S:g} s; its log {log_file} "
                    f"ends with:\n{log_tail(log_file)}"
                )
            if self._bus is None:
                time.sleep(LOOK_EVERY_S)
            else:
                self._bus.pump(LOOK_EVERY_S)
        return True


def _commands(wishes: Wishes) -> dict[str, Path]:
    names = [local_system.SIMULATOR, *local_system.ON_THE_BUS, *wishes.for_people]
    return {
        local_system.BROKER: find_mosquitto(os.environ),
        **{name: find_command(f"wattbus-{name}") for name in names},
    }


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what would make a child connect elsewhere."""
    return {name: value for name, value in environ.items() if not name.startswith("WATTBUS_MQTT_")}


def _prepare_broker(project: Project, run_dir: Path, port: int) -> None:
    done = subprocess.run(
        ["sh", str(project.prepare_broker), str(run_dir), str(port)],  # noqa: S607 - any POSIX sh
        env={**os.environ, "PATH": search_path(os.environ)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Mistake(f"the broker could not be set up: {done.stderr.strip()}")


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 - our own simulator
            return bool(answer.status == 200)
    except OSError:
        return False


def reset_simulator(url: str) -> None:
    """Set the simulator's clock and cars back to their start."""
    request = urllib.request.Request(  # noqa: S310 - our own simulator
        f"{url}/reset",
        data=json.dumps({}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S).close()  # noqa: S310 - as above
    except OSError as error:
        raise Mistake(f"the simulator at {url} could not be reset: {error}") from error
