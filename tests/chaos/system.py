"""The system under test: real broker and services as child processes, each behind its own link."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from chaos import house, mounted
from chaos.evidence import Evidence
from chaos.mqtt_tap import MqttTap
from chaos.network import HOST, Link, Network
from chaos.power_watch import PowerWatch
from chaos.station_tap import StationTap
from fixtures.broker_process import ROOT, BrokerProcess, free_port
from wattbus_console.processes.child import Child, Service, log_tail

SIMULATOR, BRIDGE, LOGGER = "simulator", "station-bridge", "logger"
SCHEDULERS = ("scheduler-a", "scheduler-b")
END_TIMEOUT_S = 15.0
START_TIMEOUT_S = 60.0


class NotReady(RuntimeError):  # noqa: N818 - says what happened
    """Something did not happen in time; the message says what, with the ends of the logs."""


@dataclass(slots=True)
class Member:
    """A service of the system: how it is started, its process, and the link to the broker."""

    service: Service
    link: Link | None = None
    child: Child | None = None
    starts: int = 0

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.child is not None and self.child.exit_status is None


@dataclass(slots=True)
class Options:
    """How a system differs from the usual one, mostly for negative controls.

    `without` names for a service the protection that is switched off, `files` are written into
    the folder first; with `disk_bytes` the logger writes to a file system of its own of that size.
    """

    schedulers: int = 2
    without: Mapping[str, str] = field(default_factory=dict)
    broker_instead: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    disk_bytes: int = 0


class System:
    """Broker, simulator, bridge, schedulers and logger. `stop` ends them all, whatever happened."""

    def __init__(
        self, folder: Path, network: Network, evidence: Evidence, mosquitto: str, options: Options
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.state_dir = folder / "bridge-state"
        self.evidence = evidence
        self.options = options
        self.schedulers = SCHEDULERS[: options.schedulers]
        self.broker = BrokerProcess(folder / "broker", mosquitto, options.broker_instead)
        self.simulator_port = free_port()
        self._network = network
        self._members: dict[str, Member] = {}
        self.power_watch = PowerWatch(evidence, self.simulator_port)
        self.stations = network.link(self.simulator_port, self._station_tap(BRIDGE, self.state_dir))

    def __getitem__(self, name: str) -> Member:
        return self._members[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The services that belong to it, but for the simulator."""
        return (LOGGER, *self.schedulers, BRIDGE)

    def start(self) -> None:
        """Start everything; the bridge's stations answer already when it begins."""
        for name, text in self.options.files.items():
            (self.folder / name).write_text(text)
        self.broker.start()
        scenario = house.write_scenario(self.folder)
        self.add(
            SIMULATOR,
            "wattbus-simulator",
            {
                "WATTBUS_SIMULATOR_PORT": str(self.simulator_port),
                "WATTBUS_SIMULATOR_SCENARIO": str(scenario),
            },
        )
        self.begin(SIMULATOR)
        if self.options.disk_bytes:
            mounted.mount(self.data, self.options.disk_bytes)
        self.data.mkdir(exist_ok=True)
        self.add_on_the_bus(
            LOGGER,
            LOGGER,
            {
                "WATTBUS_DATA_DIR": str(self.data),
                "WATTBUS_LOGGER_PLOT_EVERY_S": "0",
                "WATTBUS_LOGGER_RETRY_S": "0.5",
                "MPLBACKEND": "Agg",
            },
        )
        for name in self.schedulers:
            strategy = {"WATTBUS_SCHEDULER_STRATEGY": "threshold"}
            self.add_on_the_bus(name, "scheduler", strategy)
        self.add_bridge(BRIDGE, self.stations.port, self.state_dir)
        for name in (LOGGER, *self.schedulers):
            self.begin(name)
        self.wait_for_simulator()
        self._network.watch(self.power_watch.run)
        self.begin(BRIDGE)

    def add_bridge(self, name: str, station_port: int, state_dir: Path) -> None:
        """Make a bridge known, which is not started yet."""
        site_file = house.write_site_file(self.folder / f"{name}.toml", station_port)
        settings = {"WATTBUS_SITE_FILE": str(site_file), "WATTBUS_STATE_DIR": str(state_dir)}
        self.add_on_the_bus(name, BRIDGE, settings)

    def add_foreign_bridge(self, name: str, state_dir: Path) -> None:
        """Make a second bridge for the same stations known, with a link to them of its own."""
        link = self._network.link(self.simulator_port, self._station_tap(name, state_dir))
        self.add_bridge(name, link.port, state_dir)

    def add_on_the_bus(self, name: str, user: str, settings: Mapping[str, str]) -> None:
        """Make a service known that meets the others on the broker as `user`."""
        tap = MqttTap(name, self.evidence.sightings.append, hears_inward=user == BRIDGE)
        link = self._network.link(self.broker.port, tap)
        self.add(
            name,
            f"wattbus-{user}",
            {
                "WATTBUS_SITE": house.SITE,
                "WATTBUS_MQTT_HOST": HOST,
                "WATTBUS_MQTT_PORT": str(link.port),
                "WATTBUS_MQTT_USERNAME": user,
                "WATTBUS_MQTT_CLIENT_ID": name,
                "WATTBUS_MQTT_PASSWORD_FILE": str(self.broker.password_file(user)),
                **settings,
            },
            link,
        )

    def add(
        self, name: str, program: str, settings: Mapping[str, str], link: Link | None = None
    ) -> None:
        """Make a service known. With a protection of it switched off it runs in our launcher."""
        command: tuple[str, ...] = (str(Path(sys.executable).with_name(program)),)
        if protection := self.options.without.get(name):
            command = (sys.executable, "-m", "chaos.without", protection, "--", program)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WATTBUS_")},
            "PYTHONPATH": str(ROOT / "tests"),
            "PYTHONUNBUFFERED": "1",
            "WATTBUS_HEALTH_FILE": str(self.folder / f"{name}.health"),
            **self.options.environment,
            **settings,
        }
        log_file = self.folder / "logs" / f"{name}.log"
        self._members[name] = Member(
            Service(name, command, environment, log_file, self.folder), link
        )

    def begin(self, name: str) -> None:
        """Start a service's process."""
        member = self[name]
        member.child = Child(member.service)
        member.starts += 1

    def kill(self, name: str, *, is_whole: bool = True) -> None:
        """End a service as a power cut does; with `is_whole` also what it has started itself."""
        child = self._child(name)
        if is_whole:
            child.finish()
        else:
            os.kill(child.pid, signal.SIGKILL)
            child.wait(END_TIMEOUT_S)

    def pause(self, name: str) -> None:
        """Let a service hang: connections stay, nothing is answered."""
        os.killpg(self._child(name).pid, signal.SIGSTOP)

    def pause_children(self, name: str) -> None:
        """Let the processes that a service has started hang, but not the service itself."""
        for process in psutil.Process(self._child(name).pid).children():
            process.suspend()

    def resume(self, name: str) -> None:
        """Let a paused service go on."""
        os.killpg(self._child(name).pid, signal.SIGCONT)

    def lives_on(self, name: str, for_s: float) -> bool:
        """Whether a service still runs after a time; returns at once when it has ended."""
        return not self._child(name).wait(for_s)

    def terminate(self, name: str) -> None:
        """Ask a service to end and wait for it; NotReady if it does not."""
        child = self._child(name)
        child.terminate()
        if not child.wait(END_TIMEOUT_S):
            raise NotReady(f"{name} did not end within {END_TIMEOUT_S:g} s\n{self.logs()}")

    def lose_broker(self, how: str) -> None:
        """End the broker by `kill`, `stop` or, losing all it knew, `wipe`."""
        for link in self.broker_links:
            link.refuse()
        if how == "stop":
            self.broker.stop()
        else:
            self.broker.kill()
        if how == "wipe":
            shutil.rmtree(self.broker.folder / "data")

    def restore_broker(self) -> None:
        """Start the broker on its old port."""
        self.broker.start()
        for link in self.broker_links:
            link.accept()

    @property
    def broker_links(self) -> list[Link]:
        """The links of all services to the broker."""
        return [member.link for member in self._members.values() if member.link is not None]

    def wait_for_simulator(self) -> None:
        """Wait until the simulator answers."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            try:
                urlopen(f"http://{HOST}:{self.simulator_port}/health", timeout=1).close()
            except (URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise NotReady(f"the simulator does not answer\n{self.logs()}")

    def logs(self) -> str:
        """Return the last lines of every service's log."""
        return "\n".join(
            f"--- {name}\n{log_tail(member.service.log_file)}"
            for name, member in self._members.items()
        )

    def stop(self) -> None:
        """End all processes at once; what the logger has written stays until `clean`."""
        for member in self._members.values():
            if member.child is not None:
                member.child.finish()
        self.broker.kill()

    def clean(self) -> None:
        """Take away what deleting the folder would not."""
        mounted.unmount(self.data)

    def resume_broker(self) -> None:
        """Let a paused broker go on."""
        self.broker.resume()

    def _child(self, name: str) -> Child:
        child = self[name].child
        if child is None:
            raise RuntimeError(f"{name} was never started")
        return child

    def _station_tap(self, bridge: str, state_dir: Path) -> StationTap:
        return StationTap(
            self.evidence,
            lambda: (bridge, self[bridge].starts),
            state_dir / "journal",
            self.power_watch.look_after_call,
        )
