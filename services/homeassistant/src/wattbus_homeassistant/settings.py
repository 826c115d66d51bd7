"""The announcer's settings: environment variables `WATTBUS_…`, checked at start."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN


class SiteSettings(BaseSettings):
    """Which site this process serves."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"


class HomeAssistantSettings(BaseSettings):
    """How much is logged."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_HOMEASSISTANT_", extra="ignore")

    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
