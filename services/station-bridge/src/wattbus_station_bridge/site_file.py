"""The site file as typed settings: what a site, its tariff, stations, cars and goals may say."""

from datetime import date, time
from itertools import pairwise
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from wattbus_contract.base import ID_PATTERN
from wattbus_contract.facts import MOST_PEAK_HOURS, Control, Mode
from wattbus_contract.weekly import WEEKDAYS, Weekday

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Percent = Annotated[float, Field(ge=0, le=100)]
Volts = Annotated[float, Field(ge=50, le=1000)]
Amperes = Annotated[float, Field(gt=0, le=1000)]
Watts = Annotated[float, Field(gt=0, le=1e7)]
Fee = Annotated[float, Field(ge=-100, le=100)]
Weight = Annotated[float, Field(ge=0, le=1000)]


def _time_of_day(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) else value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
"""Local time of day, such as "07:00"."""


class Table(BaseModel):
    """A table of the file: a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SiteTable(Table):
    """[site]: the connection point, and how the bridge watches over it."""

    id: Id = "home"
    name: str = "Home"
    time_zone: str = "Europe/Stockholm"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "SEK"
    bidding_zone: str | None = None
    phases: Annotated[int, Field(ge=1, le=3)] = 1
    voltage_v: Volts = 230.0
    fuse_power_w: Watts | None = None
    fuse_current_a: Amperes | None = None
    seconds_per_hour: Annotated[float, Field(ge=0.05, le=3600)] | None = None
    start_date: date = date(2025, 1, 15)
    poll_interval_s: Seconds = 5.0
    failsafe_after_s: Seconds = 60.0
    lease_ttl_s: Annotated[float, Field(ge=1, le=600)] = 15.0
    spool_max_mb: Annotated[float, Field(ge=0, le=1_000_000)] = 256.0
    replay_after_s: Annotated[float, Field(ge=0.1, le=3600)] = 3.0

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("must be a time zone such as Europe/Stockholm") from error
        return value

    @model_validator(mode="after")
    def _has_a_fuse(self) -> Self:
        if self.fuse_power_w is None and self.fuse_current_a is None:
            raise ValueError("give fuse_power_w (W in all) or fuse_current_a (A per phase)")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def max_power_w(self) -> float:
        """What the main fuse carries over all phases."""
        by_current = (self.fuse_current_a or float("inf")) * self.voltage_v * self.phases
        return min(self.fuse_power_w or float("inf"), by_current)

    @property
    def max_phase_power_w(self) -> float:
        """What the main fuse carries on each phase."""
        if self.fuse_current_a is not None:
            return self.fuse_current_a * self.voltage_v
        return self.max_power_w / self.phases


class TariffTable(Table):
    """[tariff]: what comes on top of the market's price, in the currency's major unit."""

    vat_percent: Percent = 25.0
    prices_include_vat: bool | None = None
    fees_include_vat: bool = True
    energy_tax_per_kwh: Fee = 0.0
    grid_fee_per_kwh: Fee = 0.0
    supplier_fee_per_kwh: Fee = 0.0
    feed_in_price_per_kwh: Fee | None = None
    feed_in_spot_factor: Annotated[float, Field(ge=0, le=10)] | None = None
    feed_in_fee_per_kwh: Fee = 0.0
    peak_price_per_kw: Annotated[float, Field(ge=0, le=100_000)] | None = None
    peak_hours: Annotated[int, Field(ge=1, le=MOST_PEAK_HOURS)] = 1

    @model_validator(mode="after")
    def _has_one_feed_in(self) -> Self:
        if self.feed_in_spot_factor is not None and self.feed_in_price_per_kwh is not None:
            raise ValueError("give feed_in_price_per_kwh or feed_in_spot_factor, not both")
        if self.feed_in_fee_per_kwh and self.feed_in_spot_factor is None:
            raise ValueError("feed_in_fee_per_kwh needs feed_in_spot_factor")
        if self.peak_hours > 1 and self.peak_price_per_kw is None:
            raise ValueError("peak_hours needs peak_price_per_kw")
        return self


class SeriesTable(Table):
    """[prices], [base_load] and [solar]: `station:<id>`, `file:<path>.csv`, or `none`."""

    source: Annotated[str, Field(pattern="^(none|station:[a-z0-9-]{1,32}|file:.+)$")] = "none"
    column: str | None = None
    factor: Annotated[float, Field(gt=0)] | None = None

    @property
    def station(self) -> str | None:
        """The station that is asked, if one is."""
        kind, _, name = self.source.partition(":")
        return name if kind == "station" else None

    @property
    def file(self) -> str | None:
        """The file that is read, if one is."""
        kind, _, name = self.source.partition(":")
        return name if kind == "file" else None


class Co2Table(SeriesTable):
    """[co2]: what a kWh from the grid emits in g, and how plans weigh a kg; it is never paid."""

    price_per_kg: Weight | None = None


class CarTable(Table):
    """[station.car]: the car that charges there."""

    name: str | None = None
    battery_capacity_kwh: Annotated[float, Field(gt=0, le=10_000)] | None = None
    charging_efficiency: Annotated[float, Field(gt=0, le=1)] | None = None
    charging_curve: Annotated[tuple[tuple[Percent, Watts], ...], Field(max_length=20)] = ()
    high_soc_percent: Percent | None = None
    high_soc_price_per_kwh_h: Weight | None = None
    high_power_w: Watts | None = None
    high_power_price_per_kwh: Weight | None = None
    overhead_w: Annotated[float, Field(ge=0, le=1000)] | None = None

    @field_validator("charging_curve")
    @classmethod
    def _rises_in_soc(
        cls, value: tuple[tuple[float, float], ...]
    ) -> tuple[tuple[float, float], ...]:
        if any(left[0] >= right[0] for left, right in pairwise(value)):
            raise ValueError("needs corners [state of charge in %, power in W] of rising percent")
        return value

    @model_validator(mode="after")
    def _says_above_what(self) -> Self:
        if self.high_soc_price_per_kwh_h is not None and self.high_soc_percent is None:
            raise ValueError("high_soc_price_per_kwh_h needs high_soc_percent")
        if self.high_power_price_per_kwh is not None and self.high_power_w is None:
            raise ValueError("high_power_price_per_kwh needs high_power_w")
        return self


class WeeklyTable(Table):
    """[[station.goal.weekly]]: on these days the car leaves at this time."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    departure_time: TimeOfDay
    target_soc_percent: Percent | None = None


class GoalTable(Table):
    """[station.goal]: what the car should have, and by when."""

    mode: Mode = Mode.SMART
    target_soc_percent: Percent = 80.0
    min_soc_percent: Percent = 0.0
    departure_time: TimeOfDay | None = None
    departure_after_h: Annotated[float, Field(gt=0, le=168)] | None = None
    arrival_time: TimeOfDay | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    weekly: tuple[WeeklyTable, ...] = ()
    price_cap_per_kwh: Annotated[float, Field(ge=-1000, le=1000)] | None = None
    max_current_a: Amperes | None = None

    @model_validator(mode="after")
    def _has_one_departure(self) -> Self:
        if self.departure_time is not None and self.departure_after_h is not None:
            raise ValueError("give departure_time or departure_after_h, not both")
        is_daily = self.departure_time is not None or self.departure_after_h is not None
        if self.weekly and is_daily:
            raise ValueError("give weekly, or departure_time or departure_after_h, not both")
        return self


class CourseTable(Table):
    """[station.course]: peculiarities of a course charging station."""

    off_request: Literal["charge", "discharge"] = "charge"


class StationTable(Table):
    """[[station]]: one charging station; what is left out is taken from the station itself."""

    id: Id
    name: str | None = None
    url: str
    kind: Literal["wattbus", "course"] = "wattbus"
    control: Control | None = None
    phases: Annotated[tuple[int, ...], Field(min_length=1, max_length=3)] | None = None
    voltage_v: Volts | None = None
    min_current_a: Amperes | None = None
    max_current_a: Amperes | None = None
    current_step_a: Amperes | None = None
    max_power_w: Watts | None = None
    failsafe_limit_a: Annotated[float, Field(ge=0, le=1000)] = 6.0
    poll_interval_s: Seconds | None = None
    timeout_s: Annotated[float, Field(ge=0.05, le=60)] = 5.0
    car: CarTable = CarTable()
    goal: GoalTable = GoalTable()
    course: CourseTable = CourseTable()

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as http://192.168.1.20:5000")
        return value.rstrip("/")

    @field_validator("phases")
    @classmethod
    def _are_phases(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (len(set(value)) != len(value) or not set(value) <= {1, 2, 3}):
            raise ValueError("must name each of 1, 2, 3 at most once")
        return value


class SiteFile(Table):
    """The whole file."""

    site: SiteTable
    tariff: TariffTable = TariffTable()
    prices: SeriesTable = SeriesTable()
    base_load: SeriesTable = SeriesTable()
    solar: SeriesTable = SeriesTable()
    co2: Co2Table = Co2Table()
    station: tuple[StationTable, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [station.id for station in self.station]
        if not ids:
            raise ValueError("station: a site needs at least one [[station]]")
        if len(set(ids)) != len(ids):
            raise ValueError(f"station: each id may stand once, found {', '.join(ids)}")
        sources = {"prices": self.prices, "base_load": self.base_load, "solar": self.solar}
        for name, series in sources.items():
            if series.station is not None and series.station not in ids:
                raise ValueError(f"{name}.source = {series.source!r}: no such station")
        if self.solar.source != "none" and self.base_load.source == "none":
            raise ValueError(
                f"solar.source = {self.solar.source!r}: needs [base_load], "
                "which says how much of it the house takes"
            )
        if self.co2.station is not None:
            raise ValueError(f"co2.source = {self.co2.source!r}: takes a file, stations tell none")
        if self.co2.file is not None and self.prices.source == "none":
            raise ValueError(
                f"co2.source = {self.co2.source!r}: needs [prices], beside which it goes"
            )
        for station in self.station:
            if station.id == self.solar.station and station.kind == "course":
                raise ValueError(
                    f"solar.source = {self.solar.source!r}: a course station tells nothing of a "
                    "roof; give a file"
                )
            if station.phases is not None and max(station.phases) > self.site.phases:
                raise ValueError(
                    f"station.{station.id}.phases = {list(station.phases)}: the site has "
                    f"{self.site.phases} phase(s)"
                )
        return self

    def poll_interval_s(self, station: StationTable) -> float:
        """How often a station is polled, in wall seconds."""
        return station.poll_interval_s or self.site.poll_interval_s
