"""Finds the broker: by options, environment, a local run or the compose stack, in this order."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from wattbus_console import run_folder
from wattbus_console.mistakes import Mistake
from wattbus_console.project import Project, find_project
from wattbus_contract.broker_settings import BrokerSettings, describe

PREFIX = "WATTBUS_MQTT_"
USER = "console"
COMPOSE_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Given:
    """What a person has said on the command line; None where nothing was said."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    password_file: Path | None = None
    site: str | None = None


@dataclass(frozen=True)
class Whereabouts:
    """Which broker, as whom, and which site on it."""

    broker: BrokerSettings
    site: str


def find(given: Given, environ: Mapping[str, str]) -> Whereabouts:
    """Return where to connect; Mistake when a setting is wrong or no password can be found."""
    options: dict[str, object] = {
        name: value
        for name, value in {
            "host": given.host,
            "port": given.port,
            "username": given.user,
            "password_file": given.password_file,
        }.items()
        if value is not None
    }
    site = given.site or environ.get("WATTBUS_SITE")
    if given.host is None and given.password_file is None and not _is_set(environ):
        found = _local(given, environ) or _compose(given, environ)
        if found is not None:
            options = {**found[0], **options}
            site = site or found[1]
    user = environ.get(f"{PREFIX}USERNAME", USER)
    return Whereabouts(_settings({"username": user, **options}), site or "home")


def _is_set(environ: Mapping[str, str]) -> bool:
    return any(f"{PREFIX}{name}" in environ for name in ("HOST", "PASSWORD", "PASSWORD_FILE"))


def _settings(options: Mapping[str, object]) -> BrokerSettings:
    try:
        return BrokerSettings(**options)  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as error:
        raise Mistake(f"bad setting: {describe(error, PREFIX)}") from error


def _local(given: Given, environ: Mapping[str, str]) -> tuple[dict[str, object], str | None] | None:
    project = _project(environ)
    if project is None:
        return None
    for facts in run_folder.running(project.runs):
        if given.port in {None, facts.port}:
            password_file = facts.password_file(given.user or USER)
            return {
                "host": facts.host,
                "port": facts.port,
                "password_file": password_file,
            }, facts.site
    return None


def _project(environ: Mapping[str, str]) -> Project | None:
    try:
        return find_project(Path.cwd(), environ)
    except Mistake:
        # Not a place for local runs; there may still be a broker.
        return None


def _compose(
    given: Given, environ: Mapping[str, str]
) -> tuple[dict[str, object], str | None] | None:
    """Ask the compose stack of the project, if one runs, for its port and our password."""
    project = _project(environ)
    docker = shutil.which("docker")
    if project is None or docker is None:
        return None
    published = _ask(project, docker, "port", "broker", "1883")
    if not published:
        return None
    host, _, port = published.rpartition(":")
    user = given.user or USER
    password = _ask(
        project,
        docker,
        *("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat"),
        *("broker-setup", f"/secrets/{user}/password"),
    )
    if not password:
        raise Mistake(f"the compose stack runs, but has no password for user {user!r}")
    # In memory only for as long as this process lives; never on a command line.
    return {
        "host": "127.0.0.1" if host in {"0.0.0.0", "[::]"} else host,  # noqa: S104 - compared, not bound
        "port": int(port),
        "password": password,
    }, None


def _ask(project: Project, docker: str, *arguments: str) -> str:
    """Return what `docker compose …` prints; "" when it fails, as it does where nothing runs."""
    try:
        done = subprocess.run(
            [docker, "compose", *arguments],
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMPOSE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def leave_no_health_file() -> None:
    """Have sessions of the console leave no sign of life: nobody asks it whether it is well."""
    os.environ.setdefault("WATTBUS_HEALTH_FILE", os.devnull)
