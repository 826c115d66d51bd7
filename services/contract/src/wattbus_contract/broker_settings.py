"""How to reach the broker: environment variables `WATTBUS_MQTT_…`, checked at start."""

import os
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class BadSetting(SystemExit):
    """A setting that stops the start; the message names it, its value and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(f"bad setting: {message}")


class BrokerSettings(BaseSettings):
    """Where the broker is and who we are. A password file is preferred to a password.

    With `ca_file` the connection is TLS. The broker may announce less than `max_packet_bytes`.
    A connection that the other side has lost is noticed within twice `keepalive_s`.
    `max_brief_connections` in a row, each lost within `brief_connection_s`, end the process: that
    is how a second process with the same client id shows.
    """

    model_config = SettingsConfigDict(env_prefix="WATTBUS_MQTT_", extra="ignore")

    host: Annotated[str, Field(min_length=1, max_length=253)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    username: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    password: str | None = Field(default=None, repr=False)
    password_file: Path | None = None
    client_id: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    ca_file: Path | None = None
    keepalive_s: Annotated[int, Field(ge=2, le=3600)] = 5
    session_expiry_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 7 * 86_400
    max_packet_bytes: Annotated[int, Field(ge=2048, le=256 * 2**20)] = 2**20
    brief_connection_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    max_brief_connections: Annotated[int, Field(ge=1, le=1000)] = 5

    @field_validator("host")
    @classmethod
    def _host_is_a_name(cls, host: str) -> str:
        try:
            # What the resolver does; it would end paho's thread, which expects an OSError.
            host.encode("idna")
        except UnicodeError as error:
            raise ValueError(f"is no host name ({error})") from error
        return host

    @field_validator("password_file", "ca_file")
    @classmethod
    def _file_is_readable(cls, path: Path | None) -> Path | None:
        if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
            raise ValueError("is not a readable file")
        return path

    def read_password(self) -> str | None:
        """Return the password from the file if one is set, else from the environment."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return self.password


def load(kind: type[SettingsT]) -> SettingsT:
    """Return settings from the environment, or raise BadSetting naming the variable."""
    try:
        return kind()
    except ValidationError as error:
        raise BadSetting(describe(error, str(kind.model_config.get("env_prefix", "")))) from error


def describe(error: ValidationError, prefix: str = "") -> str:
    """Return one line that names each bad setting, its value and what is wrong with it."""
    parts = []
    for detail in error.errors(include_url=False):
        name = prefix.upper() + "_".join(str(part) for part in detail["loc"]).upper()
        shown = "" if isinstance(detail["input"], dict) else f" = {detail['input']!r}"
        if "PASSWORD" in name and not name.endswith("_FILE"):
            shown = ""
        parts.append(f"{name}{shown}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)
