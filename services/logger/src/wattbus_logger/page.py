"""Reports as one HTML page that needs nothing else: figures, charts as inline SVG, tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined

from wattbus_contract.money import cost_text, currency_text, price_text
from wattbus_logger.columns import (
    LABELS,
    Column,
    Row,
    columns,
    figure_cells,
    known_columns,
    row_of,
    saving_percent,
    without_minus_zero,
)
from wattbus_logger.figures import By, Figures, Summary, begin_of, total
from wattbus_logger.page_charts import Chart, Group, Part, bar_chart
from wattbus_logger.quarters import Quarter
from wattbus_logger.reimbursement import CLAIM_COLUMNS, Claim, claim_notes
from wattbus_logger.report import Report
from wattbus_logger.report_table import EXPLANATION, surplus_notes

MOST_DAYS_DRAWN = 62
LOW = 170.0
STATION_COLOURS = 6
PERIOD_COLUMNS = columns(
    "period", "user", "station", "session_count", "energy_kwh", "cost", "reference_cost", "saving",
    "saving_percent", "price_per_kwh", "charging_hours", "peak_kw", "solar_kwh", "co2_kg",
)  # fmt: skip
SESSION_COLUMNS = columns(
    "user", "station", "began_at", "ended_at", "is_open", "energy_kwh", "cost", "reference_cost",
    "saving", "price_per_kwh", "charging_hours", "soc_start_percent", "soc_end_percent",
    "target_soc_percent", "shortfall_kwh", "solar_kwh", "co2_kg",
)  # fmt: skip
STATION_COLUMNS = columns(
    "user", "station", "energy_kwh", "cost", "reference_cost", "saving", "saving_percent",
    "price_per_kwh", "charging_hours", "peak_kw", "solar_kwh", "co2_kg",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the large figures at the head of the page."""

    title: str
    value: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text cells; the last row may be the sum."""

    title: str
    columns: Sequence[Column]
    rows: list[list[str]]
    has_total: bool


def report_page(report: Report, by: By | None) -> str:
    """Return the report as HTML."""
    drawn_by = _drawn_by(report, by)
    periods = report.periods(drawn_by)
    return _render(
        title="Charging report",
        span=_span_text(report),
        stations=report.stations,
        currency=currency_text(report.currency),
        figures=_head(report),
        charts=[] if not report.sessions else _charts(report, drawn_by, periods),
        tables=_tables(report, drawn_by, periods),
        notes=[*_explanation(report), *report.problems],
        signs=False,
    )


def claim_page(claim: Claim) -> str:
    """Return a claim for reimbursement as HTML, with room for a signature."""
    shown = [column for column in CLAIM_COLUMNS if column.key != "currency"]
    sums: Row = {"station": "total", "energy_kwh": claim.energy_kwh, "cost": claim.cost}
    rows = [[column.bare_text(line.get(column.key)) for column in shown]
            for line in [*claim.lines, sums]]  # fmt: skip
    return _render(
        title="Reimbursement of charging at home",
        span=f"{claim.first} to {claim.last}",
        stations=sorted({str(line["station"]) for line in claim.lines}),
        currency=currency_text(claim.currency),
        figures=[
            Figure("Charged", f"{claim.energy_kwh:.3f} kWh", f"{len(claim.lines)} sessions"),
            Figure("To be reimbursed", cost_text(claim.cost, claim.currency)),
        ],
        charts=[],
        tables=[Table("Sessions", shown, rows, has_total=True)] if claim.lines else [],
        notes=claim_notes(claim),
        signs=True,
    )


def _render(**values: object) -> str:
    environment = Environment(
        loader=PackageLoader("wattbus_logger"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(**values)


def _drawn_by(report: Report, by: By | None) -> By:
    if by in {By.DAY, By.MONTH, By.YEAR} and by is not None:
        return by
    return By.DAY if (report.last - report.first).days <= MOST_DAYS_DRAWN else By.MONTH


def _span_text(report: Report) -> str:
    return f"{report.first}" if report.first == report.last else f"{report.first} to {report.last}"


def _head(report: Report) -> list[Figure]:
    sums, currency = total(report.days), report.currency
    percent = saving_percent(sums)
    price = sums.price_per_kwh
    count = len(report.sessions)
    head = [
        Figure(
            "Charged",
            f"{sums.energy_wh / 1000:.1f} kWh",
            f"{count} session{'' if count == 1 else 's'}, {sums.charging_s / 3600:.1f} h charging",
        ),
        Figure(
            "Cost",
            cost_text(sums.cost, currency),
            "" if price is None else f"{price_text(price, currency)} on average",
        ),
        Figure("At once on arrival", cost_text(sums.reference_cost, currency), "for comparison"),
        Figure(
            "Saved" if sums.saving > -0.005 else "Cost more than at once",
            cost_text(abs(sums.saving), currency),
            "" if percent is None else f"{abs(round(percent))} %",
        ),
        Figure("Highest power", f"{sums.peak_w / 1000:.1f} kW", _site_peak(sums)),
    ]
    if sums.surplus_wh >= 1:
        share = 100 * sums.surplus_wh / sums.energy_wh
        head.append(Figure("Solar", f"{sums.surplus_wh / 1000:.1f} kWh", f"{share:.0f} %"))
    kilograms = sums.co2_with(report.co2_g_per_kwh)
    if kilograms is not None:
        mean = 1e6 * kilograms / sums.energy_wh if sums.energy_wh >= 1 else 0.0
        head.append(Figure("CO₂", f"{kilograms:.1f} kg", f"{mean:.0f} g/kWh on average"))
    return head


def _site_peak(sums: Figures) -> str:
    if sums.site_peak_w is None:
        return ""
    return f"{sums.site_peak_w / 1000:.1f} kW with the house, while a car was there"


def _charts(report: Report, by: By, periods: Sequence[Summary]) -> list[Chart]:
    currency = report.currency
    shares: dict[date, list[Summary]] = {}
    for summary in periods:
        if summary.first_day is not None:
            shares.setdefault(summary.first_day, []).append(summary)
    cost, energy = [], []
    colours = {name: number % STATION_COLOURS for number, name in enumerate(report.people)}
    for day in _period_days(by, sorted(shares)):
        there = shares.get(day, [])
        sums, label = total(there), f"{day:{LABELS[by]}}"
        short = f"{day.day}" if by is By.DAY and len(shares) > 1 else label
        words = f"{label}: nothing charged"
        if there:
            words = (
                f"{label}: {cost_text(sums.cost, currency)}, at once"
                f" {cost_text(sums.reference_cost, currency)},"
                f" saved {cost_text(sums.saving, currency)}"
            )
        mark = sums.reference_cost if sums.energy_wh >= 1 else None
        cost.append(Group(short, [Part("cost", sums.cost)], words, mark))
        each = ", ".join(f"{one.who} {one.figures.energy_wh / 1000:.2f} kWh" for one in there)
        parts = [Part(f"station{colours[one.who]}", one.figures.energy_wh / 1000) for one in there]
        energy.append(Group(short, parts, f"{label}: {each or 'nothing charged'}"))
    by_hour, price = _hours(report)
    return [
        bar_chart(
            f"Cost a {by.value}, and what charging at once would have cost",
            cost,
            currency_text(currency),
        ),
        bar_chart(f"Energy a {by.value}", energy, "kWh"),
        bar_chart("Energy by hour of the day", by_hour, "kWh", LOW),
        bar_chart(
            "Mean price by hour of the day, while a car was there",
            price,
            f"{currency_text(currency)}/kWh",
            LOW,
        ),
    ]


def _period_days(by: By, there: Sequence[date]) -> Iterator[date]:
    """Yield the first days of all periods from the first with a session to the last."""
    if not there:
        return
    day = there[0]
    while day <= there[-1]:
        yield day
        following = day + timedelta(days=1)
        while begin_of(following, by) == day:
            following += timedelta(days=27 if by is By.YEAR else 1)
        day = begin_of(following, by)


def _hours(report: Report) -> tuple[list[Group], list[Group]]:
    by_hour: dict[int, list[Quarter]] = {hour: [] for hour in range(24)}
    for visit in report.visits:
        for quarter in visit.quarters:
            if report.first <= quarter.day <= report.last:
                by_hour[quarter.began_at.hour].append(quarter)
    energy, prices = [], []
    for hour, quarters in by_hour.items():
        label = f"{hour:02d}"
        kwh = sum(quarter.energy_wh for quarter in quarters) / 1000
        energy.append(Group(label, [Part("cost", kwh)], f"{label}:00: {kwh:.2f} kWh"))
        known = [one.price_per_kwh for one in quarters if one.price_per_kwh is not None]
        mean = sum(known) / len(known) if known else 0.0
        words = price_text(mean, report.currency) if known else "no price known"
        prices.append(Group(label, [Part("price", mean)], f"{label}:00: {words}"))
    return energy, prices


def _tables(report: Report, by: By, periods: Sequence[Summary]) -> list[Table]:
    if not report.sessions:
        return []
    co2 = report.co2_g_per_kwh
    # A day on which a car stood there full is no line.
    rows = [row_of(one, by, co2) for one in periods if one.figures.energy_wh >= 1]
    sums = figure_cells(total(periods), co2)
    tables = [_table(f"By {by.value}", PERIOD_COLUMNS, rows, sums)]
    if len(report.people) > 1:
        each: list[Row] = [
            {
                report.whose: name,
                **figure_cells(total(one for one in periods if one.who == name), co2),
            }
            for name in report.people
        ]
        tables.append(_table(f"By {report.whose}", STATION_COLUMNS, each, sums))
    sessions = [row_of(one, By.SESSION, co2) for one in report.sessions]
    whole = figure_cells(total(report.sessions), co2)
    tables.append(_table("Sessions", SESSION_COLUMNS, sessions, whole))
    return tables


def _table(title: str, wanted: Sequence[Column], rows: Sequence[Row], sums: Row) -> Table:
    shown = known_columns(wanted, rows)
    cells = [[column.bare_text(row.get(column.key)) for column in shown] for row in rows]
    if len(rows) > 1:
        last = [column.bare_text(sums.get(column.key)) for column in shown]
        cells.append(["total", *last[1:]])
    return Table(title, shown, cells, has_total=len(rows) > 1)


def _explanation(report: Report) -> list[str]:
    notes = [" ".join(EXPLANATION.split())]
    notes.append(
        "A session's cost at once is shared out to its days by what was charged in them. "
        "The table of sessions shows each as a whole, also one that goes over the ends of the time."
    )
    unpriced_wh = total(report.days).unpriced_wh
    if unpriced_wh >= 1:
        shown = without_minus_zero(unpriced_wh / 1000, 2)
        notes.append(f"{shown:.2f} kWh were charged while no price was known: not in costs.")
    notes += surplus_notes(total(report.days))
    if report.co2_g_per_kwh is not None:
        notes.append(
            "CO₂ is what the record has of each time, and the figure that was given where it has "
            "none. Energy from the roof counts as none."
        )
    return notes
