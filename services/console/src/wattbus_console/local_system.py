"""The whole system on this machine: which processes there are, how each is told what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wattbus_console.processes.child import Service
from wattbus_console.processes.ports import HOST

BROKER, SIMULATOR, BRIDGE = "broker", "simulator", "station-bridge"
SCHEDULER, LOGGER, DASHBOARD, HOMEASSISTANT = "scheduler", "logger", "dashboard", "homeassistant"
ON_THE_BUS = (LOGGER, SCHEDULER, BRIDGE)
WITH_METRICS = (BRIDGE, SCHEDULER, LOGGER, DASHBOARD, HOMEASSISTANT)
STOP_ORDER = ((SCHEDULER, DASHBOARD, HOMEASSISTANT), (BRIDGE,), (LOGGER, SIMULATOR), (BROKER,))
"""Who depends on nobody first: the scheduler gives its lease to the bridge, the bridge its last
readings to the logger.
"""


@dataclass(frozen=True)
class Wishes:
    """What to run. None leaves it to the scenario or the site file."""

    scenario: str
    site_file: Path
    site: str
    strategy: str
    seconds_per_hour: str | None
    data_dir: Path
    run_dir: Path
    simulated_stations: tuple[str, ...]
    has_dashboard: bool = False
    has_homeassistant: bool = False

    @property
    def for_people(self) -> tuple[str, ...]:
        """The services that only people need, of those that are wanted."""
        wanted = {DASHBOARD: self.has_dashboard, HOMEASSISTANT: self.has_homeassistant}
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)

    @property
    def secrets(self) -> Path:
        """Where the passwords of the broker's users are."""
        return self.run_dir / "secrets"

    def log_file(self, name: str) -> Path:
        """Where a service's output goes."""
        return self.run_dir / "logs" / f"{name}.log"


@dataclass(frozen=True)
class Endpoints:
    """Ports of this run, on the loopback interface."""

    broker_port: int
    simulator_port: int
    dashboard_port: int

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers."""
        return f"http://{HOST}:{self.simulator_port}"

    @property
    def dashboard_url(self) -> str:
        """Where the dashboard is opened in a browser."""
        return f"http://localhost:{self.dashboard_port}"


def services(
    wishes: Wishes,
    endpoints: Endpoints,
    commands: Mapping[str, Path],
    inherited: Mapping[str, str],
) -> dict[str, Service]:
    """Return every service by name, those for people if they are wanted.

    `commands` gives the program of each, `inherited` the environment in which the console runs;
    settings made there for a service stay.
    """

    def service(name: str, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Service:
        return Service(
            name,
            (str(commands[name]), *arguments),
            {
                **inherited,
                # Else what a service says last before a crash would not be in its log.
                "PYTHONUNBUFFERED": "1",
                "WATTBUS_HEALTH_FILE": str(wishes.run_dir / f"{name}.health"),
                **settings,
            },
            wishes.log_file(name),
            wishes.run_dir,
        )

    def on_the_bus(name: str, settings: Mapping[str, str]) -> Service:
        common = {**_mqtt(name, wishes, endpoints), **_metrics(name, inherited)}
        return service(name, (), {**common, **settings})

    found = {
        BROKER: service(BROKER, ("-c", str(wishes.run_dir / "mosquitto.conf")), {}),
        SIMULATOR: service(SIMULATOR, (), _simulator(wishes, endpoints)),
        LOGGER: on_the_bus(LOGGER, {"WATTBUS_DATA_DIR": str(wishes.data_dir), "MPLBACKEND": "Agg"}),
        SCHEDULER: on_the_bus(SCHEDULER, {"WATTBUS_SCHEDULER_STRATEGY": wishes.strategy}),
        BRIDGE: on_the_bus(BRIDGE, _bridge(wishes, endpoints)),
    }
    own = {DASHBOARD: _dashboard(wishes, endpoints), HOMEASSISTANT: {}}
    return {**found, **{name: on_the_bus(name, own[name]) for name in wishes.for_people}}


def _mqtt(user: str, wishes: Wishes, endpoints: Endpoints) -> dict[str, str]:
    return {
        "WATTBUS_MQTT_HOST": HOST,
        "WATTBUS_MQTT_PORT": str(endpoints.broker_port),
        "WATTBUS_MQTT_USERNAME": user,
        "WATTBUS_MQTT_CLIENT_ID": user,
        "WATTBUS_MQTT_PASSWORD_FILE": str(wishes.secrets / user / "password"),
        "WATTBUS_SITE": wishes.site,
    }


def _metrics(name: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """One port cannot be everybody's: the services after the first have the next ones."""
    port = inherited.get("WATTBUS_METRICS_PORT", "")
    if not port.isdecimal() or int(port) == 0 or name not in WITH_METRICS:
        return {}
    return {"WATTBUS_METRICS_PORT": str(int(port) + WITH_METRICS.index(name))}


def _simulator(wishes: Wishes, endpoints: Endpoints) -> dict[str, str]:
    return {
        "WATTBUS_SIMULATOR_HOST": HOST,
        "WATTBUS_SIMULATOR_PORT": str(endpoints.simulator_port),
        "WATTBUS_SIMULATOR_SCENARIO": wishes.scenario,
        "WATTBUS_SIMULATOR_SECONDS_PER_HOUR": wishes.seconds_per_hour or "",
    }


def _bridge(wishes: Wishes, endpoints: Endpoints) -> dict[str, str]:
    settings = {
        "WATTBUS_SITE_FILE": str(wishes.site_file),
        "WATTBUS_STATE_DIR": str(wishes.run_dir / "bridge-state"),
    }
    for station in wishes.simulated_stations:
        name = station.upper().replace("-", "_")
        settings[f"WATTBUS_BRIDGE__STATION__{name}__URL"] = endpoints.simulator_url
    return settings


def _dashboard(wishes: Wishes, endpoints: Endpoints) -> dict[str, str]:
    return {
        "WATTBUS_DASHBOARD_HOST": HOST,
        "WATTBUS_DASHBOARD_PORT": str(endpoints.dashboard_port),
        "WATTBUS_DASHBOARD_STATE_DIR": str(wishes.run_dir / "dashboard-state"),
    }
