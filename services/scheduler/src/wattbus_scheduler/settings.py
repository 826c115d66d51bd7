"""The scheduler's settings: environment variables `WATTBUS_…`, checked at start."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN
from wattbus_scheduler.controller import ControlSettings
from wattbus_scheduler.strategies import StrategySettings, strategy_named


class SiteSettings(BaseSettings):
    """Which site this process serves."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"


class SchedulerSettings(BaseSettings):
    """How to plan, and how often to repeat limits. Prices are in the site's currency."""

    # Compose files hand over what nobody has set as an empty text.
    model_config = SettingsConfigDict(
        env_prefix="WATTBUS_SCHEDULER_", extra="ignore", env_ignore_empty=True
    )

    strategy: str = "cheapest"
    price_threshold_per_kwh: Annotated[float, Field(ge=-100, le=1000, allow_inf_nan=False)] = 0.50
    price_quantile: Annotated[float, Field(gt=0, le=1)] = 0.25
    start_price: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    calm_share: Annotated[float, Field(ge=0, le=1)] = 0.005
    replan_saving: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    time_limit_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    soc_tolerance_percent: Annotated[float, Field(gt=0, le=50)] = 2.0
    hold_load_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    refresh_s: Annotated[float, Field(ge=0.5, le=600)] = 10.0
    valid_for_s: Annotated[float, Field(ge=2, le=3600)] = 60.0
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    @field_validator("strategy")
    @classmethod
    def _is_known(cls, value: str) -> str:
        strategy_named(value)
        return value

    @field_validator("valid_for_s")
    @classmethod
    def _outlives_a_missed_refresh(cls, value: float, info: object) -> float:
        refresh_s = getattr(info, "data", {}).get("refresh_s", 0.0)
        if value < 2 * refresh_s:
            raise ValueError(f"must be at least twice WATTBUS_SCHEDULER_REFRESH_S ({refresh_s:g})")
        return value

    @property
    def strategy_settings(self) -> StrategySettings:
        """The figures that strategies are tuned with."""
        return StrategySettings(
            price_threshold_per_kwh=self.price_threshold_per_kwh,
            price_quantile=self.price_quantile,
            start_price=self.start_price,
            calm_share=self.calm_share,
            replan_saving=self.replan_saving,
            time_limit_s=self.time_limit_s,
        )

    @property
    def control_settings(self) -> ControlSettings:
        """When to plan anew."""
        return ControlSettings(self.soc_tolerance_percent, self.hold_load_s)
