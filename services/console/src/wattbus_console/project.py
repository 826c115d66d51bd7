"""Finds what the console starts: the project's folders, the services' commands and Mosquitto."""

import os
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wattbus_console.mistakes import Mistake

MARK = Path("broker") / "prepare-local.sh"
# A plain user's PATH on Debian lacks /usr/sbin, where the package puts Mosquitto.
EXTRA_PATH = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
SIMULATOR_HOST = "simulator"
"""The host that site files name for the simulator, as the compose file does."""


@dataclass(frozen=True)
class Project:
    """The folder with `broker/` and `sites/`."""

    root: Path

    @property
    def runs(self) -> Path:
        """Where folders of local runs are."""
        return self.root / ".wattbus"

    @property
    def prepare_broker(self) -> Path:
        """The script that sets a local broker up."""
        return self.root / MARK

    def site_file(self, scenario: str) -> Path:
        """Return the site file that goes with a scenario; Mistake if there is none."""
        stem = Path(scenario).stem
        for name in (stem, stem.removeprefix("course-"), "demo"):
            path = self.root / "sites" / f"{name}.toml"
            if path.is_file():
                return path
        raise Mistake(f"no site file in {self.root / 'sites'}: give one with --site-file")


def find_project(start: Path, environ: Mapping[str, str]) -> Project:
    """Return the project: WATTBUS_HOME, else upwards from `start`, else around this source."""
    home = environ.get("WATTBUS_HOME")
    if home is not None:
        if not (Path(home) / MARK).is_file():
            raise Mistake(f"WATTBUS_HOME = {home!r}: must be the folder that holds {MARK}")
        return Project(Path(home).resolve())
    start, source = start.resolve(), Path(__file__).resolve()
    for folder in (start, *start.parents, *source.parents):
        if (folder / MARK).is_file():
            return Project(folder)
    raise Mistake(
        "the project's folder (with broker/ and sites/) was not found: run this command inside of "
        "it, or set WATTBUS_HOME"
    )


def find_command(name: str) -> Path:
    """Return the path of a service's command; Mistake if it is not installed."""
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    found = shutil.which(name)
    if found is None:
        raise Mistake(f"{name} is not installed: run `make setup` (or `uv sync --all-packages`)")
    return Path(found)


def search_path(environ: Mapping[str, str]) -> str:
    """Return PATH with the folders in which Mosquitto may be."""
    return os.pathsep.join([environ.get("PATH", os.defpath), *EXTRA_PATH])


def find_mosquitto(environ: Mapping[str, str]) -> Path:
    """Return the path of Mosquitto; Mistake with what to install."""
    path = search_path(environ)
    found = shutil.which("mosquitto", path=path)
    if found is None or shutil.which("mosquitto_passwd", path=path) is None:
        raise Mistake(
            "Mosquitto, the MQTT broker, is not installed: sudo apt-get install mosquitto "
            "(macOS: brew install mosquitto)"
        )
    return Path(found)


@dataclass(frozen=True)
class SiteSummary:
    """What the console has to know of a site file; the bridge checks the rest."""

    site: str
    simulated_stations: tuple[str, ...]


def read_site_file(path: Path) -> SiteSummary:
    """Return the site's id and the stations that live in the simulator; Mistake if unreadable."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"--site-file {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Mistake(f"--site-file {path}: is not TOML: {error}") from error
    site, stations = document.get("site", {}), document.get("station", [])
    if not isinstance(site, dict) or not isinstance(stations, list):
        raise Mistake(f"--site-file {path}: needs a table [site] and tables [[station]]")
    simulated = tuple(
        str(station["id"])
        for station in stations
        if isinstance(station, dict)
        and "id" in station
        and urlsplit(str(station.get("url", ""))).hostname == SIMULATOR_HOST
    )
    return SiteSummary(str(site.get("id", "home")), simulated)
