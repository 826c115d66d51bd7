"""The report as people read it: aligned columns, the site's currency, a line on what they mean."""

from collections.abc import Sequence
from datetime import datetime

from wattbus_contract.money import cost_text
from wattbus_logger.columns import LABELS, saving_percent
from wattbus_logger.figures import By, Figures, Summary, total
from wattbus_logger.report import Report

SESSION_FIGURES = (
    "from", "until", "energy", "cost", "at once", "saving", "hours", "SoC", "target",
    "short of goal",
)  # fmt: skip
PERIOD_FIGURES = ("energy", "cost", "at once", "saving", "hours")
_RIGHT = frozenset(
    {"sessions", "energy", "cost", "at once", "saving", "hours", "per kWh", "peak", "target",
     "short of goal", "meter from", "meter to"}
)  # fmt: skip
EXPLANATION = (
    "at once: the same energy from plug-in on at full power, as far as the fuse leaves room\n"
    "beside the recorded house load. Prices are the site's, with the VAT and fees it has set.\n"
)
NOTHING = "No car was plugged in during this time.\n"


def report_text(report: Report, by: By | None = None) -> str:
    """Return the sessions and days, or only what is asked for with a line for the sum."""
    if not report.sessions:
        return NOTHING
    parts: list[str] = []
    if by in {None, By.SESSION}:
        parts += ["Charging sessions\n", _session_table(report, has_total=by is By.SESSION)]
    if by is None:
        parts += ["\nDays\n", _day_table(report)]
    elif by is not By.SESSION:
        parts += [f"{by.capitalize()}s\n", _period_table(report, by)]
    parts += ["\n", EXPLANATION]
    unpriced_wh = total(report.sessions).unpriced_wh
    if unpriced_wh > 0:
        parts.append(
            f"{_energy(unpriced_wh)} were charged while no price was known: not in costs.\n"
        )
    parts += [f"{note}\n" for note in surplus_notes(total(report.sessions))]
    return "".join(parts)


def surplus_notes(figures: Figures) -> list[str]:
    """Return what to say about energy from the roof, nothing without any."""
    if figures.surplus_wh < 1:
        return []
    solar = _energy(figures.surplus_wh)
    return [f"{solar} came from the roof: they cost what selling them would have brought."]


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of text; numbers stand to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, *rows]
    return "".join(
        "  ".join(
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _session_table(report: Report, *, has_total: bool) -> str:
    rows = [_session_cells(summary) for summary in report.sessions]
    if has_total and len(rows) > 1:
        sums = _figures(total(report.sessions), report.currency)
        rows.append(("total", "", f"{len(rows)} sessions", *sums, "", "", ""))
    return aligned((report.whose, *SESSION_FIGURES), rows)


def _day_table(report: Report) -> str:
    return aligned(
        ("day", report.whose, *PERIOD_FIGURES, "SoC"),
        [
            (_label(one, By.DAY), one.who, *_figures(one.figures, one.currency), _soc(one))
            for one in report.periods(By.DAY)
        ],
    )


def _period_table(report: Report, by: By) -> str:
    periods = report.periods(by)
    rows = [
        (
            _label(one, by),
            one.who,
            str(one.session_count),
            *_figures(one.figures, one.currency),
            *_rates(one.figures, one.currency),
        )
        for one in periods
    ]
    if len(rows) > 1:
        sums = total(periods)
        figures = _figures(sums, report.currency)
        rows.append(("total", "", "", *figures, *_rates(sums, report.currency)))
    return aligned((by.value, report.whose, "sessions", *PERIOD_FIGURES, "per kWh", "peak"), rows)


def _session_cells(summary: Summary) -> tuple[str, ...]:
    target = summary.target_soc_percent
    return (
        f"{summary.user} ({summary.station})" if summary.user else summary.station,
        _minute(summary.began_at),
        f"{_minute(summary.ended_at)}{' (still here)' if summary.is_open else ''}",
        *_figures(summary.figures, summary.currency),
        _soc(summary),
        "" if target is None else f"{target:g} %",
        "" if summary.shortfall_wh is None else _shortfall(summary.shortfall_wh),
    )


def _figures(figures: Figures, currency: str) -> tuple[str, ...]:
    percent = saving_percent(figures)
    share = "" if percent is None else f" ({round(percent)} %)"
    return (
        _energy(figures.energy_wh),
        cost_text(figures.cost, currency),
        cost_text(figures.reference_cost, currency),
        cost_text(figures.saving, currency) + share,
        f"{figures.charging_s / 3600:.2f}",
    )


def _rates(figures: Figures, currency: str) -> tuple[str, ...]:
    price = figures.price_per_kwh
    return (
        "" if price is None else cost_text(price, currency),
        f"{figures.peak_w / 1000:.1f} kW",
    )


def _label(summary: Summary, by: By) -> str:
    return "" if summary.first_day is None else f"{summary.first_day:{LABELS[by]}}"


def _soc(summary: Summary) -> str:
    if summary.soc_start_percent is None or summary.soc_end_percent is None:
        return ""
    return f"{summary.soc_start_percent:.1f} -> {summary.soc_end_percent:.1f} %"


def _shortfall(shortfall_wh: float) -> str:
    return "none" if shortfall_wh < 1 else _energy(shortfall_wh)


def _energy(energy_wh: float) -> str:
    return f"{energy_wh / 1000:.2f} kWh"


def _minute(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"
