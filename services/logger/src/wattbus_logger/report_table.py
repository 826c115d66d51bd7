"""The report as people read it: aligned columns, the site's currency, a line on what they mean."""

from collections.abc import Sequence
from datetime import date, datetime

from wattbus_contract.money import cost_text
from wattbus_logger.sessions import Summary

SESSION_HEADER = (
    "station", "from", "until", "energy", "cost", "at once", "saving", "hours", "SoC", "target",
    "short of goal",
)  # fmt: skip
DAY_HEADER = ("day", "station", "energy", "cost", "at once", "saving", "hours", "SoC")
_RIGHT = frozenset({"energy", "cost", "at once", "saving", "hours", "target", "short of goal"})
EXPLANATION = (
    "at once: the same energy from plug-in on at full power, as far as the fuse leaves room\n"
    "beside the recorded house load, at the recorded prices. A day's share begins at midnight.\n"
)


def report_text(sessions: Sequence[Summary], days: Sequence[tuple[date, Summary]]) -> str:
    """Return the whole report."""
    if not sessions:
        return "No car was plugged in during this time.\n"
    parts = [
        "Charging sessions\n",
        _table(SESSION_HEADER, [_session_cells(summary) for summary in sessions]),
        "\nDays\n",
        _table(DAY_HEADER, [_day_cells(day, summary) for day, summary in days]),
        "\n",
        EXPLANATION,
    ]
    unpriced_wh = sum(summary.unpriced_wh for summary in sessions)
    if unpriced_wh > 0:
        parts.append(
            f"{_energy(unpriced_wh)} were charged while no price was known: not in costs.\n"
        )
    return "".join(parts)


def _session_cells(summary: Summary) -> tuple[str, ...]:
    target = summary.target_soc_percent
    return (
        summary.station,
        _minute(summary.began_at),
        f"{_minute(summary.ended_at)}{' (still here)' if summary.is_open else ''}",
        *_figures(summary),
        "" if target is None else f"{target:g} %",
        "" if summary.shortfall_wh is None else _shortfall(summary.shortfall_wh),
    )


def _day_cells(day: date, summary: Summary) -> tuple[str, ...]:
    return (day.isoformat(), summary.station, *_figures(summary))


def _figures(summary: Summary) -> tuple[str, ...]:
    at_once = summary.uncontrolled_cost
    share = f" ({100 * summary.saving / at_once:.0f} %)" if at_once > 0 else ""
    return (
        _energy(summary.energy_wh),
        cost_text(summary.cost, summary.currency),
        cost_text(at_once, summary.currency),
        cost_text(summary.saving, summary.currency) + share,
        f"{summary.charging_s / 3600:.2f}",
        _soc(summary),
    )


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


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
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
