"""The columns of reports, each with its unit, and the rows of typed cells that all forms share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wattbus_contract.money import cost_text
from wattbus_logger.figures import By, Figures, Summary

Cell = str | bool | int | float | date | datetime | None
Row = dict[str, Cell]
MONEY = "money"
LABELS = {By.DAY: "%Y-%m-%d", By.MONTH: "%Y-%m", By.YEAR: "%Y"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key for programs, its title for people, how its numbers are shown."""

    key: str
    title: str
    unit: str = ""
    decimals: int = 2

    def text(self, cell: Cell, currency: str) -> str:
        """Return a cell as people read it; nothing for what is not known."""
        match cell:
            case None:
                return ""
            case bool():
                return "yes" if cell else ""
            case datetime():
                return f"{cell:%Y-%m-%d %H:%M}"
            case float() if self.unit == MONEY:
                return cost_text(cell, currency)
            case float():
                return f"{without_minus_zero(cell, self.decimals):.{self.decimals}f} {self.unit}"
            case _:
                return str(cell)

    def bare_text(self, cell: Cell) -> str:
        """Return a cell without its unit, for tables whose heads have it."""
        if isinstance(cell, float):
            # A thin space divides thousands: comma and point mean other things elsewhere.
            text = f"{without_minus_zero(cell, self.decimals):,.{self.decimals}f}"
            return text.replace(",", "\N{NARROW NO-BREAK SPACE}")
        return self.text(cell, "")

    def unit_text(self, currency: str) -> str:
        """Return what the numbers are in."""
        return currency if self.unit == MONEY else self.unit

    @property
    def is_number(self) -> bool:
        """Whether cells belong to the right."""
        return bool(self.unit)


COLUMNS = (
    Column("kind", "kind"),
    Column("period", "period"),
    Column("user", "user"),
    Column("station", "station"),
    Column("began_at", "from"),
    Column("ended_at", "until"),
    Column("is_open", "still here"),
    Column("session_count", "sessions"),
    Column("energy_kwh", "energy", "kWh"),
    Column("cost", "cost", MONEY),
    Column("reference_cost", "at once", MONEY),
    Column("saving", "saving", MONEY),
    Column("saving_percent", "saved", "%", 0),
    Column("price_per_kwh", "per kWh", MONEY),
    Column("currency", "currency"),
    Column("charging_hours", "charging", "h"),
    Column("peak_kw", "peak", "kW", 1),
    Column("site_peak_kw", "peak with house", "kW", 1),
    Column("soc_start_percent", "SoC from", "%", 0),
    Column("soc_end_percent", "SoC to", "%", 0),
    Column("target_soc_percent", "target", "%", 0),
    Column("shortfall_kwh", "short of goal", "kWh"),
    Column("meter_start_kwh", "meter from", "kWh"),
    Column("meter_end_kwh", "meter to", "kWh"),
    Column("unpriced_kwh", "without price", "kWh"),
    Column("solar_kwh", "solar", "kWh"),
    Column("co2_kg", "CO₂", "kg"),
)
BY_KEY = {column.key: column for column in COLUMNS}


def columns(*keys: str) -> tuple[Column, ...]:
    """Return columns by their keys."""
    return tuple(BY_KEY[key] for key in keys)


def row_of(summary: Summary, by: By, co2_g_per_kwh: float | None = None) -> Row:
    """Return a summary as typed cells by key; numbers rounded to what is known of them."""
    day = summary.first_day
    return {
        "kind": by.value,
        "period": None if day is None else f"{day:{LABELS.get(by, LABELS[By.DAY])}}",
        "user": summary.user or None,
        "station": summary.station,
        "began_at": summary.began_at.replace(microsecond=0),
        "ended_at": summary.ended_at.replace(microsecond=0),
        "is_open": summary.is_open,
        "session_count": summary.session_count,
        "currency": summary.currency,
        "soc_start_percent": _rounded(summary.soc_start_percent, 2),
        "soc_end_percent": _rounded(summary.soc_end_percent, 2),
        "target_soc_percent": summary.target_soc_percent,
        "shortfall_kwh": _kilo(summary.shortfall_wh),
        "meter_start_kwh": _kilo(summary.register_start_wh),
        "meter_end_kwh": _kilo(summary.register_end_wh),
        **figure_cells(summary.figures, co2_g_per_kwh),
    }


def figure_cells(figures: Figures, co2_g_per_kwh: float | None = None) -> Row:
    """Return sums as typed cells by key."""
    return {
        "energy_kwh": _kilo(figures.energy_wh),
        "cost": _rounded(figures.cost, 4),
        "reference_cost": _rounded(figures.reference_cost, 4),
        "saving": _rounded(figures.saving, 4),
        "saving_percent": saving_percent(figures),
        "price_per_kwh": _rounded(figures.price_per_kwh, 4),
        "charging_hours": _rounded(figures.charging_s / 3600, 3),
        "peak_kw": _kilo(figures.peak_w),
        "site_peak_kw": _kilo(figures.site_peak_w),
        "unpriced_kwh": _kilo(figures.unpriced_wh),
        "solar_kwh": _kilo(figures.surplus_wh),
        "co2_kg": _rounded(figures.co2_with(co2_g_per_kwh), 3),
    }


def known_columns(wanted: Sequence[Column], rows: Iterable[Row]) -> tuple[Column, ...]:
    """Leave out columns in which no row has anything."""
    there = list(rows)
    return tuple(column for column in wanted if any(row.get(column.key) for row in there))


def saving_percent(figures: Figures) -> float | None:
    """Return the saving as a share of what charging at once would have cost; None without cost."""
    if figures.reference_cost < 0.005:
        return None
    return without_minus_zero(100 * figures.saving / figures.reference_cost, 1)


def without_minus_zero(value: float, decimals: int) -> float:
    """Round, so that a little less than nothing is shown as nothing, without a sign."""
    return round(value, decimals) + 0.0


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else without_minus_zero(value, decimals)


def _kilo(value: float | None) -> float | None:
    return None if value is None else without_minus_zero(value / 1000, 3)
