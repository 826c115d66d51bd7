"""The chart as a sentence and a table, for who cannot see it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_dashboard import formats
from wattbus_dashboard.chart_data import COLUMN_S, ChartData, Column
from wattbus_dashboard.words import Words

ROWS_EVERY = 4
"""A row of the table is an hour."""


def summary(data: ChartData, currency: str, words: Words, zone: ZoneInfo) -> str:
    """Return the chart in a few sentences."""
    parts = [words.chart_summary]
    priced = [column for column in data.columns if column.price_per_kwh is not None]
    if priced:
        low = min(priced, key=lambda column: column.price_per_kwh or 0.0)
        high = max(priced, key=lambda column: column.price_per_kwh or 0.0)
        parts.append(
            words.chart_summary_price.format(
                low=formats.price(low.price_per_kwh or 0.0, currency, words),
                low_at=formats.day_time(low.start_at, zone, words),
                high=formats.price(high.price_per_kwh or 0.0, currency, words),
                high_at=formats.day_time(high.start_at, zone, words),
            )
        )
    if data.has_solar:
        best = max(data.columns, key=lambda column: column.pv_w or column.expected_pv_w or 0.0)
        parts.append(
            words.chart_summary_solar.format(
                power=formats.power(best.pv_w or best.expected_pv_w or 0.0, words),
                at=formats.day_time(best.start_at, zone, words),
            )
        )
    spans = _planned_spans(data, zone)
    if spans:
        parts.append(words.chart_summary_plan.format(spans=", ".join(spans)))
    else:
        parts.append(words.chart_summary_no_plan)
    return " ".join(parts)


def _planned_spans(data: ChartData, zone: ZoneInfo) -> list[str]:
    spans: list[tuple[datetime, datetime]] = []
    for column in data.columns:
        if column.start_at + timedelta(seconds=COLUMN_S) <= data.now or not column.planned_w:
            continue
        end = column.start_at + timedelta(seconds=COLUMN_S)
        if spans and spans[-1][1] == column.start_at:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((column.start_at, end))
    return [formats.span(start, end, zone) for start, end in spans]


def head(data: ChartData, words: Words, unit: str) -> tuple[str, ...]:
    """Return the names of the table's columns, with units."""
    solar = (f"{words.chart_solar}, kW",) if data.has_solar else ()
    return (
        words.chart_time,
        f"{words.chart_price}, {unit}",
        f"{words.chart_planned}, kW",
        f"{words.chart_actual}, kW",
        f"{words.chart_house}, kW",
        *solar,
    )


def rows(data: ChartData, words: Words, zone: ZoneInfo, factor: float) -> list[tuple[str, ...]]:
    """Return the table's cells; prices times `factor`."""
    found: list[tuple[str, ...]] = []
    for first in range(0, len(data.columns), ROWS_EVERY):
        hour = data.columns[first : first + ROWS_EVERY]
        solar = _mean(hour, "pv_w", 1e-3, 2, words) or _mean(hour, "expected_pv_w", 1e-3, 2, words)
        found.append(
            (
                formats.day_time(hour[0].start_at, zone, words),
                _mean(hour, "price_per_kwh", factor, 1, words),
                _mean(hour, "planned_w", 1e-3, 2, words),
                _mean(hour, "actual_w", 1e-3, 2, words),
                _mean(hour, "house_w", 1e-3, 2, words)
                or _mean(hour, "expected_house_w", 1e-3, 2, words),
                *((solar,) if data.has_solar else ()),
            )
        )
    return found


def _mean(columns: tuple[Column, ...], field: str, factor: float, digits: int, words: Words) -> str:
    values = [value for column in columns if (value := getattr(column, field)) is not None]
    return formats.number(factor * sum(values) / len(values), digits, words) if values else ""
