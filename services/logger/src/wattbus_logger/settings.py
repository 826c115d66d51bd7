"""The logger's settings: environment variables `WATTBUS_…`, checked at start."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN


class FolderSettings(BaseSettings):
    """Which site this process records, and where its files are."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"
    data_dir: Path = Path("data")


class LoggerSettings(BaseSettings):
    """How the logger works.

    `receive_maximum` is how many messages the broker sends before it waits for confirmations; it
    has a limit of its own. `draws` off makes neither plots nor reports. `plot_every_s` 0 makes them
    only at milestones and at the end, where they have `draw_at_end_within_s`, less than the time
    that `docker stop` leaves. What charging came to is published every `report_every_s`, and when a
    session ends; 0 never. A disk that has refused is tried again every `retry_s`.
    """

    model_config = SettingsConfigDict(env_prefix="WATTBUS_LOGGER_", extra="ignore")

    draws: bool = True
    draw_at_end_within_s: Annotated[float, Field(ge=0, le=600)] = 10.0
    plot_every_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    report_every_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    retry_s: Annotated[float, Field(gt=0, le=600)] = 3.0
    receive_maximum: Annotated[int, Field(ge=2, le=1000)] = 1000
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
