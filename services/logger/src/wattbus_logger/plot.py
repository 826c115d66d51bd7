"""Draws `battery_plot.png`: power, plan and SoC of each station, the house and its fuse, the price.

Runs in a process of its own, so that pandas and matplotlib leave the service's memory again.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wattbus_contract.money import price_text
from wattbus_logger.plot_data import (
    AWAY,
    CHARGING,
    DONE,
    FAILSAFE,
    FUSE,
    GUARD,
    NOW,
    WAITING,
    LocalClock,
    stretches_of,
    subtitle,
    window_of,
)
from wattbus_logger.reading import BadLog, Problems, RecordedRow
from wattbus_logger.timeline import DAY, newest_day, read_days

MOST_STATIONS = 12
MOST_POINTS = 4000
INK, FAINT = "#1d2733", "#8a96a3"
SOC_COLOUR, HOUSE_COLOUR, PRICE_COLOUR, FUSE_COLOUR = "#5b3fa0", "#b4c2d0", "#c2611f", "#c1272d"
SOLAR_COLOUR = "#b7791f"
COLOURS = {
    CHARGING: "#2a9d8f",
    NOW: "#3a78b8",
    FAILSAFE: "#e07a3f",
    GUARD: "#d9b53a",
    FUSE: "#e3a3a6",
    WAITING: "#dde3e8",
    DONE: "#bfe3dd",
    AWAY: "#ffffff",
}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8ecf0",
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def draw(
    folder: Path,
    target: Path,
    first: date | None = None,
    last: date | None = None,
    stations: frozenset[str] | None = None,
) -> list[str]:
    """Draw the days asked for, by default the last 36 hours; returns what rows were left out.

    The file is replaced as a whole. Raises BadLog if there is nothing to draw, OSError.
    """
    problems = Problems()
    is_newest = first is None and last is None
    first = first or last or newest_day(folder) - DAY
    last = last or date.max
    timelines = read_days(folder, first, last, problems, stations)
    if not is_newest:
        timelines = {
            name: [row for row in rows if first <= row.local_time.date() <= last]
            for name, rows in timelines.items()
        }
    timelines = {name: rows for name, rows in timelines.items() if rows}
    if not timelines:
        raise BadLog(f"{folder}: no rows of these days and stations")
    figure = picture(window_of(timelines, is_newest=is_newest))
    beside = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix or '.png'}")
    try:
        figure.savefig(beside, dpi=130)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return problems.lines()


def picture(timelines: Mapping[str, Sequence[RecordedRow]]) -> Figure:
    """Return the figure of some stations' rows, none of them empty."""
    shown = dict(list(timelines.items())[:MOST_STATIONS])
    everything = sorted((row for rows in shown.values() for row in rows), key=lambda row: row.at)
    clock = LocalClock(everything)
    heights = [2.4] * len(shown) + [2.1, 1.5]
    with mpl.rc_context(STYLE):
        # Without pyplot: no backend, no window, no state beside this figure.
        figure = Figure(figsize=(12, sum(heights) + 1.5), layout="constrained")
        axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        for axis, (name, rows) in zip(axes, shown.items(), strict=False):
            _draw_station(axis, name, rows)
        _draw_house(axes[-2], everything)
        _draw_price(axes[-1], everything)
        for rows in shown.values():
            _shade_charging(axes[len(shown) :], rows)
        _draw_time_axis(axes[-1], clock, everything[0].at, everything[-1].at)
        _draw_title(figure, shown, clock, hidden=len(timelines) - len(shown))
    return figure


def _frame(rows: Sequence[RecordedRow]) -> pd.DataFrame:
    """Return the numbers by instant in matplotlib's days, thinned to what a picture can show."""
    frame = pd.DataFrame(
        {
            "power_kw": [row.power_w / 1000 for row in rows],
            "planned_kw": [_kilo(row.planned_limit_w) for row in rows],
            "soc_percent": [row.soc_percent for row in rows],
            "target_soc_percent": [row.target_soc_percent for row in rows],
            "house_kw": [_kilo(row.house_load_w) for row in rows],
            "site_kw": [_kilo(row.site_load_w) for row in rows],
            "fuse_kw": [_kilo(row.fuse_power_w) for row in rows],
            "price": [row.price_per_kwh for row in rows],
            "solar_kw": [_kilo(row.pv_power_w) for row in rows],
        },
        index=[_axis_days(row.at) for row in rows],
        dtype="float64",
    )
    frame = frame[~frame.index.duplicated(keep="last")]
    # Evenly thinned: every stretch of charging is longer than a few of so many points.
    return frame.iloc[:: max(1, len(frame) // MOST_POINTS)]


def _draw_station(axis: Axes, name: str, rows: Sequence[RecordedRow]) -> None:
    frame, stretches = _frame(rows), stretches_of(rows)
    highest_kw = max(frame[["power_kw", "planned_kw"]].max().max(), 1.0)
    top_kw = highest_kw * 1.3
    used = [kind for kind in COLOURS if any(stretch.kind == kind for stretch in stretches)]
    for stretch in stretches:
        start, end = _axis_days(stretch.start), _axis_days(stretch.end)
        axis.axvspan(start, end, 0, 0.045, color=COLOURS[stretch.kind], lw=0)
        if stretch.is_charging:
            inside = frame["power_kw"].where((frame.index >= start) & (frame.index < end), 0.0)
            axis.fill_between(
                frame.index, inside, step="post", color=COLOURS[stretch.kind], alpha=0.75, lw=0
            )
    axis.step(frame.index, frame["planned_kw"], where="post", color=INK, lw=1.1, ls=(0, (4, 2)))
    axis.set_ylim(0, top_kw)
    axis.set_ylabel(f"{name}\ncharging power [kW]")
    right = axis.twinx()
    right.grid(visible=False)
    right.plot(frame.index, frame["soc_percent"], color=SOC_COLOUR, lw=2)
    right.step(
        frame.index, frame["target_soc_percent"], where="post", color=SOC_COLOUR, lw=1, ls=":"
    )
    right.set_ylim(0, 115)
    right.set_yticks(range(0, 101, 20))
    right.set_ylabel("state of charge [%]", color=SOC_COLOUR)
    right.tick_params(axis="y", colors=SOC_COLOUR)
    handles: list[Patch | Line2D] = [
        Patch(color=COLOURS[kind], label=kind) for kind in used if kind != AWAY
    ]
    handles.append(Line2D([], [], color=INK, lw=1.1, ls=(0, (4, 2)), label="planned"))
    handles.append(Line2D([], [], color=SOC_COLOUR, lw=2, label="SoC"))
    if frame["target_soc_percent"].notna().any():
        handles.append(Line2D([], [], color=SOC_COLOUR, lw=1, ls=":", label="target"))
    _legend(axis, handles)


def _draw_house(axis: Axes, rows: Sequence[RecordedRow]) -> None:
    frame = _frame(rows)[["house_kw", "site_kw", "fuse_kw", "solar_kw"]].ffill()
    axis.fill_between(
        frame.index, frame["house_kw"], step="post", color=HOUSE_COLOUR, lw=0, label="house"
    )
    axis.fill_between(
        frame.index,
        frame["house_kw"],
        frame["site_kw"],
        step="post",
        color=COLOURS[CHARGING],
        alpha=0.75,
        lw=0,
        label="charging",
    )
    top_kw = frame[["site_kw", "fuse_kw", "solar_kw"]].max().max()
    if (frame["solar_kw"] > 0).any():
        solar = frame["solar_kw"]
        axis.step(frame.index, solar, where="post", color=SOLAR_COLOUR, lw=1.8, label="solar")
    if frame["fuse_kw"].notna().any():
        axis.step(
            frame.index,
            frame["fuse_kw"],
            where="post",
            color=FUSE_COLOUR,
            lw=1.4,
            label=f"fuse {frame['fuse_kw'].iloc[-1]:g} kW",
        )
    axis.set_ylim(0, max(top_kw if pd.notna(top_kw) else 1.0, 1.0) * 1.22)
    axis.set_ylabel("household [kW]")
    _legend(axis, axis.get_legend_handles_labels()[0])


def _draw_price(axis: Axes, rows: Sequence[RecordedRow]) -> None:
    currency = next((row.currency for row in reversed(rows) if row.currency), "")
    unit, factor = _price_unit(currency)
    price = _frame(rows)["price"].ffill() * factor
    axis.step(price.index, price, where="post", color=PRICE_COLOUR, lw=1.8)
    axis.fill_between(price.index, price, step="post", color=PRICE_COLOUR, alpha=0.12, lw=0)
    low, high = min(0.0, price.min(skipna=True)), price.max(skipna=True)
    if pd.notna(high):
        axis.set_ylim(low * 1.1, max(high, 1e-3) * 1.15)
    axis.set_ylabel(f"price [{unit}]")


def _shade_charging(axes: Sequence[Axes], rows: Sequence[RecordedRow]) -> None:
    for stretch in stretches_of(rows):
        if stretch.is_charging:
            start, end = _axis_days(stretch.start), _axis_days(stretch.end)
            for axis in axes:
                axis.axvspan(start, end, color=COLOURS[stretch.kind], alpha=0.1, lw=0)


def _draw_time_axis(axis: Axes, clock: LocalClock, begin: datetime, end: datetime) -> None:
    ticks = clock.ticks(begin, end)
    axis.set_xticks([_axis_days(instant) for instant, _ in ticks], [label for _, label in ticks])
    if begin < end:
        axis.set_xlim(_axis_days(begin), _axis_days(end))
    axis.set_xlabel("local time of the site")


def _draw_title(
    figure: Figure, shown: Mapping[str, Sequence[RecordedRow]], clock: LocalClock, hidden: int
) -> None:
    begin = min(clock.local(rows[0].at) for rows in shown.values())
    end = max(clock.local(rows[-1].at) for rows in shown.values())
    span = f"{begin:%A %-d %B %Y, %H:%M} to "
    span += f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%A %-d %B, %H:%M}"
    lines = [subtitle(name, rows) for name, rows in shown.items()][:4]
    if hidden:
        lines.append(f"{hidden} more stations are not shown")
    figure.suptitle(span, x=0.01, ha="left", fontsize=14, fontweight="bold")
    figure.axes[0].set_title("\n".join(lines), loc="left", fontsize=10, color=INK)


def _legend(axis: Axes, handles: Sequence[object]) -> None:
    axis.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0.2)


def _price_unit(currency: str) -> tuple[str, float]:
    """Return the unit in which people quote a price, and what to multiply with."""
    amount, _, unit = price_text(1.0, currency).partition(" ")
    return (unit if currency else "per kWh"), float(amount) if currency else 1.0


def _axis_days(instant: datetime) -> float:
    """Return what matplotlib counts time in: days since 1970, in UTC."""
    return instant.timestamp() / 86_400


def _kilo(value: float | None) -> float | None:
    return None if value is None else value / 1000
