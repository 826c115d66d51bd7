"""The dashboard's settings: environment variables `WATTBUS_DASHBOARD_…`, checked at start."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from wattbus_contract.base import ID_PATTERN
from wattbus_contract.broker_settings import BadSetting


class SiteSettings(BaseSettings):
    """Which site is shown."""

    model_config = SettingsConfigDict(env_prefix="WATTBUS_", extra="ignore")

    site: Annotated[str, Field(pattern=ID_PATTERN)] = "home"


class DashboardSettings(BaseSettings):
    """Where the page is served.

    `published_at` is the address at which others reach `host` and `port`, where that is another
    one: a container listens on all its addresses, and Docker decides who gets to it.
    `state_dir` keeps the hash of the password, the secret of the sessions and the chart's last day.
    """

    model_config = SettingsConfigDict(env_prefix="WATTBUS_DASHBOARD_", extra="ignore")

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    published_at: str | None = None
    state_dir: Path = Path(".wattbus/dashboard")
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_loopback(host_of(self.published_at) if self.published_at else self.host)


def host_of(address: str) -> str:
    """Return the host of `host:port`, `[host]:port` or a port alone, which means every host."""
    host, colon, _ = address.rpartition(":")
    return host.strip("[]") if colon and host else "0.0.0.0"  # noqa: S104 - what Docker takes it for


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine and nobody else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_guarded(settings: DashboardSettings, *, has_password: bool) -> None:
    """Raise BadSetting where others could reach a page that asks for no password."""
    if has_password or settings.is_local:
        return
    name, value = "WATTBUS_DASHBOARD_HOST", settings.host
    if settings.published_at:
        name, value = "WATTBUS_DASHBOARD_PUBLISHED_AT", settings.published_at
    raise BadSetting(
        f"{name} = {value!r}: others could open the page and there is no password; set one with "
        "`wattbus-dashboard set-password`, or listen on 127.0.0.1"
    )
