"""The announcer's settings: environment variables `WATTBUS_…`, checked at start."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN


class SiteSettings(BaseSettings):
    """Which site this process serves."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"


Language = Literal["en", "sv"]
DepartureKind = Literal["time", "text"]
"""Home Assistant before 2026.5 knows no time over MQTT, and takes no device that has one."""


class HomeAssistantSettings(BaseSettings):
    """In which language entities are named, what a departure is set with, how much is logged."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_HOMEASSISTANT_", extra="ignore")

    language: Language = "en"
    departure: DepartureKind = "time"
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
