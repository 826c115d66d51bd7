"""The simulator's settings: command line over environment over defaults, each checked."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_simulator.scenario import (
    SECONDS_PER_HOUR_LIMITS,
    BadScenarioError,
    Scenario,
    bundled_names,
    load_scenario,
    parse_start_at,
)

_PREFIX = "WATTBUS_SIMULATOR_"
REAL_TIME = 3600.0


class BadSettingError(ValueError):
    """A setting that stops the start; the text names it, its value and what is allowed."""


class Settings(BaseSettings):
    """Each field is also `WATTBUS_SIMULATOR_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 5000
    scenario: str = "course-day"
    seconds_per_hour: Annotated[
        float | None,
        Field(ge=SECONDS_PER_HOUR_LIMITS[0], le=SECONDS_PER_HOUR_LIMITS[1], allow_inf_nan=False),
    ] = None
    start_at: datetime | None = None

    @field_validator("seconds_per_hour", mode="before")
    @classmethod
    def _real_means_real_time(cls, value: object) -> object:
        return REAL_TIME if value == "real" else value

    @field_validator("start_at", mode="before")
    @classmethod
    def _is_local(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return parse_start_at(value)
        except ValueError as error:
            raise ValueError(
                "takes a local date or date-time such as 2025-01-15 or 2025-01-15T18:00"
            ) from error

    def chosen_scenario(self) -> Scenario:
        """The scenario with start and pace as set. Raises BadSettingError."""
        try:
            scenario = load_scenario(self.scenario)
        except BadScenarioError as error:
            raise BadSettingError(f"{_PREFIX}SCENARIO: {error}") from error
        return scenario.starting(self.start_at, self.seconds_per_hour)


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from the command line, then the environment. Raises BadSettingError."""
    given: dict[str, Any] = vars(_parser().parse_args(arguments))
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise BadSettingError(
            f"{_PREFIX}{name.upper()} or --{name.replace('_', '-')}: {first['input']!r}: "
            f"{first['msg']}"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wattbus-simulator",
        description="A household with cars and charging stations in simulated time, over HTTP.",
        epilog="example: wattbus-simulator --scenario three-cars --seconds-per-hour 10",
    )
    parser.add_argument("--host", help=f"address to listen on ({_PREFIX}HOST, 127.0.0.1)")
    parser.add_argument("--port", help=f"port, 0 for a free one ({_PREFIX}PORT, 5000)")
    parser.add_argument(
        "--scenario",
        help=f"{', '.join(bundled_names())} or a TOML file ({_PREFIX}SCENARIO, course-day)",
    )
    parser.add_argument(
        "--seconds-per-hour",
        help=f"wall seconds per simulated hour, or 'real' ({_PREFIX}SECONDS_PER_HOUR)",
    )
    parser.add_argument(
        "--start-at", help=f"local date or date-time of the start ({_PREFIX}START_AT)"
    )
    return parser
