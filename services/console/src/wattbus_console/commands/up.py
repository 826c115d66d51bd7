"""`wattbus up`: the whole system on this machine until it is told to end."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from wattbus_console.commands import local, options
from wattbus_console.commands.local import Asked
from wattbus_console.commands.output import terminal
from wattbus_console.local_system import HOMEASSISTANT
from wattbus_console.processes.ports import HOST
from wattbus_console.rendering import palette
from wattbus_console.starting import LocalSystem, running
from wattbus_console.stopping import heeding_signals
from wattbus_console.strategies import DEFAULT

PUMP_S = 0.2
EXAMPLES = """Examples:

wattbus up

wattbus up --strategy load --seconds-per-hour 10

wattbus up --scenario three-cars --data-dir /tmp/three-cars

wattbus up --homeassistant
"""


def up(
    *,
    strategy: Annotated[
        str,
        typer.Option(
            envvar=["STRATEGY", "SCHEDULER_STRATEGY"],
            metavar="NAME",
            help="How to choose the hours.",
        ),
    ] = DEFAULT,
    scenario: options.Scenario = "course-day",
    site_file: options.SiteFile = None,
    seconds_per_hour: options.SecondsPerHour = None,
    data_dir: options.DataDir = options.DATA_DIR,
    run_dir: options.RunDir = None,
    port: options.BrokerPort = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="Serve the page in the browser.")
    ] = True,
    homeassistant: Annotated[
        bool,
        typer.Option(
            "--homeassistant/--no-homeassistant", help="Announce the site to Home Assistant."
        ),
    ] = False,
) -> None:
    """Run the whole system on this machine, without Docker, until Ctrl-C.

    The real Mosquitto with the same configuration, users and access list as in the container, the
    simulator, station-bridge, scheduler, logger and dashboard run as child processes.
    A crashed one is started again. None is left behind.
    """
    console = terminal()
    asked = Asked(scenario, site_file, strategy, seconds_per_hour, data_dir, run_dir)
    project, wishes = local.wishes_of(asked, "up")
    wishes = replace(wishes, has_dashboard=dashboard, has_homeassistant=homeassistant)
    with (
        heeding_signals() as stopping,
        local.held_folders(wishes),
        running(wishes, project, port, Reporter(console), stopping) as system,
    ):
        if system is not None:
            local.publish_facts(system)
            _tell_what_to_do(console, system)
        while system is not None and not stopping.is_wanted:
            system.bus.pump(PUMP_S)
            system.supervisor.check()
        console.print("ending …")
    console.print("all services have ended")


@dataclass(frozen=True)
class Reporter:
    """Prints how the start goes, and what happens to services afterwards."""

    console: Console

    def ready(self, name: str, word: str) -> None:
        """Print that a service is ready."""
        line = Text.assemble(("● ", palette.GOOD), f"{name:<15}", (word, palette.QUIET))
        self.console.print(line, soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print that something is not as it should be."""
        self.console.print(Text(line, palette.ALARM), soft_wrap=True)


def _tell_what_to_do(console: Console, system: LocalSystem) -> None:
    lines = (
        *([("open it", system.endpoints.dashboard_url)] if system.wishes.has_dashboard else []),
        *([("Home Assistant", _home_assistant(system))] if system.wishes.has_homeassistant else []),
        ("see it", "wattbus watch"),
        ("every message", local.subscribe_line(system)),
        ("ask for it", "wattbus mode car1 now"),
        ("logs", local.shown(system.wishes.run_dir / "logs")),
        ("end", "Ctrl-C"),
    )
    console.print()
    for name, word in lines:
        console.print(
            Text.assemble((f"  {name:<15}", palette.QUIET), word), soft_wrap=True, highlight=False
        )


def _home_assistant(system: LocalSystem) -> str:
    password_file = system.wishes.secrets / HOMEASSISTANT / "password"
    return (
        f"its MQTT integration: broker {HOST}, port {system.endpoints.broker_port}, user "
        f"{HOMEASSISTANT}, password in {local.shown(password_file)}"
    )
