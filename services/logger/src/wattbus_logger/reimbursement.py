"""What a company car charged at home, for its owner's employer: sessions with meter readings.

A session that goes over the first or last midnight is divided there, so that the claims of two
months never hold the same kWh, and none is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from wattbus_logger.columns import Column, Row, columns
from wattbus_logger.figures import Summary, summarise_session
from wattbus_logger.report import Report
from wattbus_logger.report_table import aligned
from wattbus_logger.sessions import Session

LEAST_WH = 1.0
CLAIM_COLUMNS = (
    *columns("station", "began_at", "ended_at"),
    Column("meter_start_kwh", "meter from", "kWh", 3),
    Column("meter_end_kwh", "meter to", "kWh", 3),
    Column("energy_kwh", "energy", "kWh", 3),
    *columns("price_per_kwh", "cost", "currency"),
)
PRICES_AS_RECORDED = "Each kWh has the site's price of its time, with the VAT and fees it has set."
FIXED_PRICE = "Each kWh has the price that was agreed."
READINGS = "Meter readings are the energy register of the charging station, as it was recorded."


@dataclass(frozen=True, slots=True)
class Claim:
    """The lines of a claim, and their sum: of the amounts as they are shown."""

    first: date
    last: date
    currency: str
    lines: list[Row]
    note: str
    unpriced_kwh: float

    @property
    def energy_kwh(self) -> float:
        """The sum of the lines."""
        return round(sum(_number(line, "energy_kwh") for line in self.lines), 3)

    @property
    def cost(self) -> float:
        """The sum of the lines."""
        return round(sum(_number(line, "cost") for line in self.lines), 2)


def make_claim(report: Report, fixed_price_per_kwh: float | None = None) -> Claim:
    """Return what was charged within the report's days, at recorded prices or at an agreed one."""
    lines, unpriced_wh = [], 0.0
    for session in report.visits:
        summary = _within(session, report.first, report.last)
        if summary is None:
            continue
        lines.append(_line(summary, fixed_price_per_kwh))
        unpriced_wh += summary.figures.unpriced_wh
    return Claim(
        first=report.first,
        last=report.last,
        currency=report.currency,
        lines=lines,
        note=PRICES_AS_RECORDED if fixed_price_per_kwh is None else FIXED_PRICE,
        unpriced_kwh=unpriced_wh / 1000 if fixed_price_per_kwh is None else 0.0,
    )


def claim_title(claim: Claim) -> str:
    """Return what the claim is about."""
    return f"Charging at home, {claim.first} to {claim.last}"


def claim_notes(claim: Claim) -> list[str]:
    """Return what has to be known about the figures."""
    notes = [READINGS, claim.note]
    if claim.unpriced_kwh > 0:
        notes.append(f"{claim.unpriced_kwh:.2f} kWh had no known price: they are not in the sum.")
    return notes


def claim_text(claim: Claim) -> str:
    """Return the claim for the terminal."""
    if not claim.lines:
        return "Nothing was charged during this time.\n"
    shown = [column for column in CLAIM_COLUMNS if column.key != "currency"]
    rows = [[column.text(line[column.key], claim.currency) for column in shown]
            for line in claim.lines]  # fmt: skip
    rows.append(["total", *_total_cells(claim, shown)[1:]])
    table = aligned([column.title for column in shown], rows)
    return f"{claim_title(claim)}\n{table}\n" + "".join(f"{n}\n" for n in claim_notes(claim))


def _total_cells(claim: Claim, shown: Sequence[Column]) -> list[str]:
    sums = {"energy_kwh": claim.energy_kwh, "cost": claim.cost}
    return [column.text(sums.get(column.key), claim.currency) for column in shown]


def _within(session: Session, first: date, last: date) -> Summary | None:
    quarters = [quarter for quarter in session.quarters if first <= quarter.day <= last]
    if sum(quarter.energy_wh for quarter in quarters) < LEAST_WH:
        return None
    return summarise_session(
        replace(
            session,
            began_at=max(session.began_at, quarters[0].began_at),
            ended_at=min(session.ended_at, quarters[-1].ended_at),
            quarters=quarters,
        )
    )


def _line(summary: Summary, fixed_price_per_kwh: float | None) -> Row:
    figures = summary.figures
    # What is paid is the difference of what is shown, so that readings follow on each other.
    meter_start_kwh = round((summary.register_start_wh or 0.0) / 1000, 3)
    meter_end_kwh = round((summary.register_end_wh or 0.0) / 1000, 3)
    energy_kwh = round(meter_end_kwh - meter_start_kwh, 3)
    price = figures.price_per_kwh if fixed_price_per_kwh is None else fixed_price_per_kwh
    cost = figures.cost if fixed_price_per_kwh is None else energy_kwh * fixed_price_per_kwh
    return {
        "station": summary.station,
        "began_at": summary.began_at.replace(microsecond=0),
        "ended_at": summary.ended_at.replace(microsecond=0),
        "meter_start_kwh": meter_start_kwh,
        "meter_end_kwh": meter_end_kwh,
        "energy_kwh": energy_kwh,
        "price_per_kwh": None if price is None else round(price, 4),
        "cost": round(cost, 2) + 0.0,
        "currency": summary.currency,
    }


def _number(line: Row, key: str) -> float:
    value = line[key]
    return value if isinstance(value, float) else 0.0
