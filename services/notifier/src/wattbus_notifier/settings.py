"""The notifier's settings: environment variables `WATTBUS_…`, checked at start."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN

Language = Literal["en", "sv"]


class SiteSettings(BaseSettings):
    """Which site this process serves."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"


class NotifierSettings(BaseSettings):
    """Where to, in which language, and of what.

    URLs are Apprise's, separated by white space; they hold passwords, so no message shows them.
    A state is told when it has lasted `settle_s`, and again only after it was over for as long.
    `…_per_kwh` is in the site's currency.
    """

    model_config = SettingsConfigDict(env_prefix="WATTBUS_NOTIFIER_", extra="ignore")

    urls: str = Field(default="", repr=False)
    urls_file: Path | None = None
    language: Language = "en"
    state_dir: Path | None = None
    tells_shortfall: bool = True
    tells_offline: bool = True
    tells_failsafe: bool = True
    tells_finished: bool = True
    tells_low_price: bool = True
    settle_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    shortfall_wh: Annotated[float, Field(ge=0, le=1e6)] = 500.0
    low_price_per_kwh: Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)] | None = None
    low_price_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    @field_validator("urls_file", "state_dir", "low_price_per_kwh", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        # A compose file can leave a variable empty, but not out.
        return None if value == "" else value

    @field_validator("urls_file")
    @classmethod
    def _file_is_readable(cls, path: Path | None) -> Path | None:
        if path is None:
            return None
        try:
            path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot be read ({type(error).__name__})") from error
        return path

    def read_urls(self) -> tuple[str, ...]:
        """Return all URLs, those of the file too; lines that begin with # are comments."""
        lines = self.urls_file.read_text().splitlines() if self.urls_file is not None else []
        written = " ".join(line for line in lines if not line.lstrip().startswith("#"))
        return tuple(f"{self.urls} {written}".split())
