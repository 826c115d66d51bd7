"""The description of a backtest: a TOML file that names data, site, cars, tariffs, strategies."""

import tomllib
from datetime import date, time
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wattbus_scheduler.backtest.csv_rows import BadTable
from wattbus_scheduler.situation import CarControl

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Clock = Literal["utc", "local"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Prices(_Part):
    """Day-ahead prices: a row for each start, `factor` makes the currency per kWh of them."""

    file: str
    at: str = "start_at"
    price: str = "price_per_kwh"
    clock: Clock = "utc"
    delimiter: str = ","
    factor: Finite = 1.0


class House(_Part):
    """The house load: a row for each start, `factor` makes W of it.

    With `shift_weeks` the times are local, and the series is moved by each number of weeks: a
    house of another year, by weekday and hour.
    """

    file: str
    at: str = "start_at"
    power: str = "power_w"
    clock: Clock = "utc"
    delimiter: str = ","
    factor: Finite = 1.0
    shift_weeks: tuple[int, ...] = ()


class Sessions(_Part):
    """Charging sessions of the cars in `cars`, or of those described, or of all there are.

    `only_from` and `only_to` choose local days of arrival (before the shift), both included.
    """

    file: str
    car: str | None = "car"
    cars: tuple[str, ...] = ()
    arrival: str = "arrival_at"
    departure: str = "departure_at"
    energy_kwh: str = "energy_kwh"
    clock: Clock = "utc"
    delimiter: str = ","
    decimal: str = "."
    form: str | None = None
    shift_weeks: tuple[int, ...] = ()
    only_from: date | None = None
    only_to: date | None = None


class SiteModel(_Part):
    """The main fuse: in total, and per phase."""

    max_power_w: Positive | None = None
    fuse_current_a: Positive | None = None
    phases: Literal[1, 3] = 1
    voltage_v: Positive = 230.0
    base_load_w: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class CarModel(_Part):
    """A car and its station; without `battery_capacity_kwh` its largest session fills it.

    `taper` are corners of percent and W: near full a car takes less than it is offered.
    """

    id: str | None = None
    battery_capacity_kwh: Positive | None = None
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.9
    control: CarControl = CarControl.CURRENT
    phases: tuple[Literal[1, 2, 3], ...] = (1,)
    min_current_a: Positive = 6.0
    max_current_a: Positive = 32.0
    current_step_a: Annotated[float, Field(ge=0)] = 1.0
    max_power_w: Positive | None = None
    taper: tuple[tuple[Annotated[float, Field(ge=0, le=100)], Positive], ...] = ()


class Surcharge(_Part):
    """A fee per kWh at some hours: `days` are mon to sun, `hours` local ones (0 to 23)."""

    fee_per_kwh: Finite
    hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = tuple(range(24))
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = tuple(range(1, 13))


class Tariff(_Part):
    """What a household pays: (price + fees) x (1 + VAT); fees are without VAT."""

    name: str = "spot"
    vat_percent: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    fee_per_kwh: Finite = 0.0
    surcharges: tuple[Surcharge, ...] = ()


class Strategies(_Part):
    """Which strategies play, and their settings."""

    names: tuple[str, ...] = ("optimal", "cheapest", "load", "price", "threshold")
    price_threshold_per_kwh: Finite = 0.5
    price_quantile: Annotated[float, Field(ge=0, le=1)] = 0.25
    start_price: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Study(_Part):
    """All of a backtest. `from` and `to` are local days of arrival, both included."""

    description: str = ""
    time_zone: str = "Europe/Stockholm"
    currency: str = "SEK"
    slot_minutes: Literal[5, 10, 15, 20, 30, 60] | None = None
    from_day: date | None = Field(default=None, alias="from")
    to_day: date | None = Field(default=None, alias="to")
    prices_known_at: time = time(13)
    load_forecast: Literal["week-before", "perfect"] = "week-before"
    departure: time | None = None
    prices: Prices
    house: House | None = None
    sessions: Sessions
    site: SiteModel = SiteModel()
    car: CarModel = CarModel()
    cars: tuple[CarModel, ...] = ()
    tariffs: tuple[Tariff, ...] = (Tariff(),)
    strategies: Strategies = Strategies()

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone such as Europe/Stockholm: {error}") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)


BUNDLED = resources.files("wattbus_scheduler.backtest") / "data"


def bundled_names() -> list[str]:
    """Return the names of the studies that come with the scheduler."""
    return sorted(
        e.name.removesuffix(".toml") for e in BUNDLED.iterdir() if e.name.endswith(".toml")
    )


def load_study(name_or_path: str) -> tuple[Study, Path]:
    """Return a study and the folder of its data; BadTable says what is wrong with it."""
    if name_or_path in bundled_names():
        path = Path(str(BUNDLED / f"{name_or_path}.toml"))
    else:
        path = Path(name_or_path)
        if not path.is_file():
            known = ", ".join(bundled_names())
            raise BadTable(f"{name_or_path}: no such file, and no bundled study ({known})")
    try:
        return Study.model_validate(tomllib.loads(path.read_text("utf-8"))), path.parent
    except tomllib.TOMLDecodeError as error:
        raise BadTable(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise BadTable(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadTable(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from error


def find_file(folder: Path, name: str) -> Path:
    """Return a data file, plain or gzipped, anywhere below a folder; BadTable if none is there."""
    for wanted in (name, f"{name}.gz"):
        direct = folder / wanted
        if direct.is_file():
            return direct
        found = sorted(folder.rglob(Path(wanted).name))
        if found:
            return found[0]
    raise BadTable(f"{folder}: no file {name} (or {name}.gz) there or below")
