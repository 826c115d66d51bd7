"""Reads the site file and what overrides it; a mistake stops the start and names the key."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract import broker_settings
from wattbus_contract.base import ID_PATTERN
from wattbus_contract.broker_settings import BadSetting, BrokerSettings
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_station_bridge import site_file
from wattbus_station_bridge.site_file import SiteFile

OVERRIDE_PREFIX = "WATTBUS_BRIDGE__"


class BridgeSettings(BaseSettings):
    """Environment variables of the process itself."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site_file: Path
    state_dir: Path = Path("data/bridge-state")
    site: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


@dataclass(frozen=True)
class Settings:
    """All that the bridge is told."""

    process: BridgeSettings
    broker: BrokerSettings
    metrics: MetricsSettings
    file: SiteFile


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return all settings from the environment and the site file; BadSetting names the mistake."""
    process = broker_settings.load(BridgeSettings)
    file = load_site_file(process.site_file, os.environ if environ is None else environ)
    if process.site is not None:
        site = file.site.model_copy(update={"id": process.site})
        file = file.model_copy(update={"site": site})
    load_settings = broker_settings.load
    return Settings(process, load_settings(BrokerSettings), load_settings(MetricsSettings), file)


def load_site_file(path: Path, environ: Mapping[str, str]) -> SiteFile:
    """Return the site file with its overrides; BadSetting names key, value and what is allowed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"WATTBUS_SITE_FILE = {str(path)!r}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{path}: is not TOML: {error}") from error
    for name in sorted(environ):
        if name.startswith(OVERRIDE_PREFIX):
            _override(document, name, environ[name])
    try:
        return SiteFile.model_validate(document)
    except ValidationError as error:
        lines = [_describe(document, detail) for detail in error.errors(include_url=False)]
        raise BadSetting(f"{path}: " + "; ".join(lines)) from error


def _override(document: dict[str, Any], name: str, text: str) -> None:
    """Write one variable into the document: `…__SITE__NAME`, `…__STATION__CAR1__GOAL__MODE`."""
    keys = [key.lower() for key in name.removeprefix(OVERRIDE_PREFIX).split("__")]
    table: Any = document
    if keys[0] == "station" and len(keys) > 2:
        stations = document.get("station", [])
        named = [entry for entry in stations if _as_variable(entry.get("id")) == keys[1]]
        if not named:
            known = ", ".join(str(entry.get("id")) for entry in stations)
            raise BadSetting(f"{name}: no station {keys[1]!r}; the site file has {known}")
        table, keys = named[0], keys[2:]
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise BadSetting(f"{name}: {key} is no table of the site file")
    table[keys[-1]] = _value(text)


def _as_variable(station_id: object) -> str:
    return str(station_id).replace("-", "_")


def _value(text: str) -> object:
    """Return the text as a TOML value where it is one (number, boolean, list), else as it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _describe(document: dict[str, Any], detail: ErrorDetails) -> str:
    key = _key(document, detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key{_did_you_mean(detail['loc'])}"
    given = detail["input"]
    shown = "" if isinstance(given, dict) else f" = {given!r}"
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}{shown}: {message[:1].lower()}{message[1:]}"


def _key(document: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """Return a key as people write it, with a station's id instead of its number."""
    parts = [str(part) for part in location]
    if len(location) > 1 and location[0] == "station" and isinstance(location[1], int):
        try:
            parts[1] = str(document["station"][location[1]]["id"])
        except (KeyError, IndexError, TypeError):
            parts[1] = f"number {location[1] + 1}"
    return ".".join(parts)


TABLES: dict[tuple[str, ...], type[site_file.Table]] = {
    (): site_file.SiteFile,
    ("site",): site_file.SiteTable,
    ("tariff",): site_file.TariffTable,
    ("prices",): site_file.SeriesTable,
    ("base_load",): site_file.SeriesTable,
    ("solar",): site_file.SeriesTable,
    ("co2",): site_file.Co2Table,
    ("station",): site_file.StationTable,
    ("station", "car"): site_file.CarTable,
    ("station", "goal"): site_file.GoalTable,
    ("station", "goal", "weekly"): site_file.WeeklyTable,
    ("station", "course"): site_file.CourseTable,
}


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    path = tuple(part for part in location[:-1] if isinstance(part, str))
    known = list(TABLES[path].model_fields)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; allowed are {', '.join(known)}"
