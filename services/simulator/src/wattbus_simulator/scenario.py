"""A scenario as its TOML file states it: clock, household, prices, stations and cars."""

import tomllib
from datetime import date, datetime, time
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from wattbus_simulator.station import Control

Percent = Annotated[float, Field(ge=0, le=100)]
SECONDS_PER_HOUR_LIMITS = (0.05, 3600.0)
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class BadScenarioError(ValueError):
    """A scenario that cannot be used; the text names the file, the key and what is allowed."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClockTable(_Table):
    """When the simulated time begins and how fast it runs."""

    start_at: datetime = Field(description="Local wall time, without offset.")
    time_zone: str = "Europe/Stockholm"
    seconds_per_hour: float = Field(
        4.0, ge=SECONDS_PER_HOUR_LIMITS[0], le=SECONDS_PER_HOUR_LIMITS[1]
    )

    @field_validator("start_at")
    @classmethod
    def _is_naive(cls, value: datetime) -> datetime:
        if value.tzinfo is not None:
            raise ValueError("is local wall time and takes no offset")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone such as Europe/Stockholm") from error
        return value


class SeriesTable(_Table):
    """A CSV file beside the scenario, its column, and what to multiply it with."""

    file: str
    column: str
    factor: PositiveFloat = 1.0


class PricesTable(SeriesTable):
    """Prices; column x factor is the price per kWh in the currency's major unit."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "SEK"
    includes_vat: bool
    source: str
    published_at: time | None = Field(
        None, description="Local time at which tomorrow becomes known; always known without it."
    )


class HouseholdTable(_Table):
    """The house without its chargers."""

    phases: Literal[1, 3] = 1
    voltage_v: PositiveFloat = 230.0
    fuse_w: PositiveFloat | None = None
    load_shares: tuple[NonNegativeFloat, ...] | None = Field(
        None, description="Share of the load on each phase; equal shares without it."
    )
    load: SeriesTable
    solar: SeriesTable | None = Field(
        None, description="Column x factor is what the roof gives, in W; no roof without it."
    )

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if self.load_shares is None:
            return self
        if len(self.load_shares) != self.phases or abs(sum(self.load_shares) - 1) > 1e-9:
            raise ValueError(f"load_shares needs {self.phases} numbers that add up to 1")
        return self


class TripTable(_Table):
    """A weekly drive; a return not later than the departure falls on the next day."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    leaves: time
    returns: time
    energy_kwh: NonNegativeFloat


class CarTable(_Table):
    """A car that belongs to a station."""

    name: str = "car"
    battery_capacity_kwh: PositiveFloat
    soc_percent: Percent = 20.0
    charging_efficiency: Annotated[float, Field(gt=0, le=1)] = 1.0
    phases: Literal[1, 3] = 1
    is_plugged_in: bool = True
    taper: tuple[tuple[Percent, PositiveFloat], ...] = Field(
        (), description="Corners [SoC %, most AC power W], joined by straight lines."
    )
    trips: tuple[TripTable, ...] = ()

    @model_validator(mode="after")
    def _taper_rises_in_soc(self) -> Self:
        corners = [soc_percent for soc_percent, _ in self.taper]
        if any(left >= right for left, right in pairwise(corners)):
            raise ValueError("the corners of taper need rising SoC")
        return self


class StationTable(_Table):
    """A charging station: `switch` needs power_w, `current` takes a range in amperes."""

    id: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    name: str = ""
    control: Control
    phases: tuple[Literal[1, 2, 3], ...] = Field((1,), min_length=1)
    power_w: PositiveFloat | None = None
    min_current_a: PositiveFloat = 6.0
    max_current_a: PositiveFloat = 32.0
    current_step_a: PositiveFloat = 1.0
    car: CarTable

    @model_validator(mode="after")
    def _fits_its_control(self) -> Self:
        if (self.control is Control.SWITCH) != (self.power_w is not None):
            raise ValueError("power_w belongs to control 'switch', and to it alone")
        if self.min_current_a > self.max_current_a:
            raise ValueError("min_current_a is above max_current_a")
        if len(set(self.phases)) != len(self.phases):
            raise ValueError("phases names a phase twice")
        if self.control is Control.SWITCH and self.car.phases < len(self.phases):
            raise ValueError("a switch station needs a car that uses all of its phases")
        return self


class Scenario(_Table):
    """A whole simulated household."""

    name: str
    description: str = ""
    clock: ClockTable
    household: HouseholdTable
    prices: PricesTable
    stations: tuple[StationTable, ...] = Field(min_length=1)
    folder: Path = Field(Path(), exclude=True)

    @model_validator(mode="after")
    def _stations_fit_the_household(self) -> Self:
        ids = [station.id for station in self.stations]
        if len(set(ids)) != len(ids):
            raise ValueError("two stations share one id")
        for station in self.stations:
            if max(station.phases) > self.household.phases:
                raise ValueError(f"station {station.id!r} is wired to a phase the house lacks")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The household's time zone."""
        return ZoneInfo(self.clock.time_zone)

    def starting(self, start_at: datetime | None, seconds_per_hour: float | None) -> Self:
        """The same scenario with another local start or another pace, where given."""
        changes: dict[str, datetime | float] = {}
        if start_at is not None:
            changes["start_at"] = start_at
        if seconds_per_hour is not None:
            changes["seconds_per_hour"] = seconds_per_hour
        return self.model_copy(update={"clock": self.clock.model_copy(update=changes)})


def bundled_folder() -> Path:
    """The folder of the scenarios that come with the package."""
    return Path(str(resources.files("wattbus_simulator") / "scenarios"))


def bundled_names() -> list[str]:
    """Names that `load_scenario` takes instead of a path."""
    return sorted(path.stem for path in bundled_folder().glob("*.toml"))


def load_scenario(name_or_path: str) -> Scenario:
    """Read a bundled scenario by name or any TOML file by path. Raises BadScenarioError."""
    if name_or_path in bundled_names():
        path = bundled_folder() / f"{name_or_path}.toml"
    else:
        path = Path(name_or_path)
        if path.suffix != ".toml" or not path.is_file():
            known = ", ".join(bundled_names())
            raise BadScenarioError(
                f"{name_or_path!r} is neither a TOML file nor one of the bundled {known}"
            )
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadScenarioError(f"{path}: {error}") from error
    try:
        return Scenario.model_validate({**tables, "folder": path.parent})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadScenarioError(f"{path}: {key}: {first['msg']}") from error


def parse_start_at(text: str) -> datetime:
    """A local date or date-time without offset. Raises ValueError."""
    try:
        return datetime.combine(date.fromisoformat(text), time(0))
    except ValueError:
        parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is not None:
        raise ValueError("takes local wall time without an offset")
    return parsed
