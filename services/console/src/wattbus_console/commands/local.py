"""What `up` and `demo` have in common: from options to wishes, and the folders of the run."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattbus_console import run_folder
from wattbus_console.local_system import Wishes
from wattbus_console.mistakes import Mistake
from wattbus_console.processes.ports import HOST
from wattbus_console.project import Project, find_project, read_site_file
from wattbus_console.run_folder import FolderLock, RunFacts
from wattbus_console.starting import LocalSystem

LEAST_SECONDS_PER_HOUR = 0.05


@dataclass(frozen=True)
class Asked:
    """The options of a local run as they were given."""

    scenario: str
    site_file: Path | None
    strategy: str
    seconds_per_hour: str | None
    data_dir: Path
    run_dir: Path | None


def wishes_of(asked: Asked, name: str) -> tuple[Project, Wishes]:
    """Return the project and what to run; Mistake for an option that makes no sense."""
    _check_pace(asked.seconds_per_hour)
    project = find_project(Path.cwd(), os.environ)
    scenario = asked.scenario
    if scenario.endswith(".toml"):
        if not Path(scenario).is_file():
            raise Mistake(f"--scenario {scenario}: there is no such file")
        scenario = str(Path(scenario).resolve())
    site_file = asked.site_file or project.site_file(scenario)
    summary = read_site_file(site_file)
    return project, Wishes(
        scenario=scenario,
        site_file=site_file,
        site=os.environ.get("WATTBUS_SITE", summary.site),
        strategy=asked.strategy,
        seconds_per_hour=asked.seconds_per_hour,
        data_dir=asked.data_dir,
        run_dir=asked.run_dir or project.runs / name,
        simulated_stations=summary.simulated_stations,
    )


def _check_pace(seconds_per_hour: str | None) -> None:
    if seconds_per_hour is None or seconds_per_hour == "real":
        return
    try:
        is_right = LEAST_SECONDS_PER_HOUR <= float(seconds_per_hour) <= 3600
    except ValueError:
        is_right = False
    if not is_right:
        raise Mistake(
            f"--seconds-per-hour {seconds_per_hour}: takes {LEAST_SECONDS_PER_HOUR:g} to 3600, "
            "or real"
        )


@contextmanager
def held_folders(wishes: Wishes) -> Iterator[None]:
    """Keep others out of the run's and the data folder; tell our log where to go."""
    locks = [
        FolderLock(wishes.run_dir, "--run-dir"),
        FolderLock(wishes.data_dir, "--data-dir"),
    ]
    if run_folder.is_locked(wishes.data_dir, run_folder.LOGGER_LOCK):
        raise Mistake(
            f"--data-dir {wishes.data_dir}: another logger writes there (docker compose?)"
        )
    logs = wishes.run_dir / "logs"
    logs.mkdir(exist_ok=True)
    handler = logging.FileHandler(logs / "console.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        for lock in locks:
            lock.release()


def publish_facts(system: LocalSystem) -> None:
    """Let other commands find this run."""
    wishes = system.wishes
    run_folder.write_facts(
        wishes.run_dir,
        RunFacts(
            pid=os.getpid(),
            host=HOST,
            port=system.endpoints.broker_port,
            site=wishes.site,
            secrets=str(wishes.secrets),
            data_dir=str(wishes.data_dir),
            simulator_url=system.endpoints.simulator_url,
        ),
    )


def subscribe_line(system: LocalSystem) -> str:
    """Return the command that shows every message."""
    password_file = system.wishes.secrets / "viewer" / "password"
    return (
        f"mosquitto_sub -h {HOST} -p {system.endpoints.broker_port} -u viewer "
        f"-P \"$(cat {shown(password_file)})\" -t 'wattbus/#' -v"
    )


def shown(path: Path) -> str:
    """Return a path as people type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
