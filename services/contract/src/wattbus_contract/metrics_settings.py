"""Whether and where a service shows its figures to Prometheus: `WATTBUS_METRICS_…`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MetricsSettings(BaseSettings):
    """Figures are at `http://host:port/metrics`; port 0 is none at all."""

    model_config = SettingsConfigDict(
        env_prefix="WATTBUS_METRICS_", extra="ignore", env_ignore_empty=True
    )

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
