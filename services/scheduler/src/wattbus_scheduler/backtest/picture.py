"""Draws a backtest: what a month cost, a calendar of savings, and one night as an example."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from wattbus_scheduler.backtest.running import HINDSIGHT, Outcome
from wattbus_scheduler.backtest.summary import AT_ONCE, Summary, at_once_prices, made_good
from wattbus_scheduler.backtest.world import World

COLOURS = ("#0b6e4f", "#2a7fb8", "#8e6bbf", "#d9822b", "#c2a83e", "#9b4d6a")
GREY, DARK = "#9aa3ab", "#2f3b45"
LONGEST_EXAMPLE_S = 20 * 3600
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def draw(
    path: Path, description: str, world: World, outcomes: Sequence[Outcome], summary: Summary
) -> None:
    """Write the picture; the file's suffix says whether as PNG, SVG or PDF."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 9.5), layout="constrained")
        months, calendar, night = figure.subplots(3, 1, height_ratios=(1.1, 1, 1.2))
        figure.suptitle(description, fontsize=11)
        best = _best(summary)
        _draw_months(months, summary, world.site.currency)
        _draw_calendar(calendar, world, outcomes, best)
        _draw_night(night, world, outcomes, best)
        figure.savefig(path, dpi=110)


def _best(summary: Summary) -> str:
    between = [line.strategy for line in summary.lines if line.strategy not in {HINDSIGHT, AT_ONCE}]
    return between[0] if between else HINDSIGHT


def _draw_months(axes: Axes, summary: Summary, currency: str) -> None:
    months = sorted({month for sums in summary.months.values() for month in sums})
    shown = [line.strategy for line in summary.lines]
    width = 0.85 / len(shown)
    colours = iter(COLOURS)
    for number, name in enumerate(shown):
        costs = [summary.months[name].get(month, 0.0) for month in months]
        colour = {HINDSIGHT: DARK, AT_ONCE: GREY}.get(name) or next(colours, "#555555")
        places = np.arange(len(months)) + (number - len(shown) / 2 + 0.5) * width
        axes.bar(places, costs, width, color=colour, label=name)
    axes.set_xticks(range(len(months)), months, rotation=45 if len(months) > 13 else 0)
    axes.set_ylabel(f"{currency} a month")
    axes.set_title("Cost a month, missing energy bought at once", loc="left")
    axes.legend(ncols=len(shown), frameon=False, fontsize=8)


def _draw_calendar(axes: Axes, world: World, outcomes: Sequence[Outcome], best: str) -> None:
    """A square a day of arrival: what the strategy saved against charging at once."""
    of = {outcome.strategy: outcome for outcome in outcomes}
    prices = at_once_prices(world, of[AT_ONCE])
    saved: dict[tuple[int, int], float] = {}
    first = datetime.fromtimestamp(world.sessions[0].arrival_s, world.timeline.zone).date()
    first -= timedelta(days=first.weekday())
    pairs = zip(world.sessions, of[best].played, of[AT_ONCE].played, prices, strict=True)
    for session, one, at_once, price in pairs:
        day = datetime.fromtimestamp(session.arrival_s, world.timeline.zone).date()
        place = ((day - first).days // 7, day.weekday())
        gain = made_good(at_once, price) - made_good(one, price)
        saved[place] = saved.get(place, 0.0) + gain
    weeks = max(week for week, _ in saved) + 1
    field = np.full((7, weeks), np.nan)
    for (week, weekday), gain in saved.items():
        field[weekday, week] = gain
    most = float(np.nanpercentile(np.abs(field), 98)) or 1.0
    image = axes.imshow(field, cmap="RdYlGn", vmin=-most, vmax=most, aspect="auto")
    axes.set_yticks(range(7), WEEKDAYS)
    marks = [w for w in range(weeks) if (first + timedelta(weeks=w)).day <= 7]
    labels = [f"{first + timedelta(weeks=w):%b %y}" for w in marks]
    axes.set_xticks(marks, labels, rotation=45 if weeks > 60 else 0)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01)
    bar.set_label(world.site.currency)
    axes.set_title(f"What {best} saved, by day of arrival", loc="left")


def _draw_night(axes: Axes, world: World, outcomes: Sequence[Outcome], best: str) -> None:
    """Price, and the powers of some strategies, while one car stands there."""
    of = {outcome.strategy: outcome for outcome in outcomes}
    at = _example(world, of, best)
    session, zone = world.sessions[at], world.timeline.zone
    first = world.timeline.index_at(session.arrival_s)
    last = min(world.timeline.index_at(session.departure_s), world.timeline.count - 1)
    edges = [
        datetime.fromtimestamp(world.timeline.slot_start_s(i), zone) for i in range(first, last + 2)
    ]
    known = world.timeline.prices_per_kwh[first : last + 1]
    price = axes.twinx()
    price.stairs([p or 0.0 for p in known], edges, color=DARK, lw=1.2, baseline=None)  # type: ignore[arg-type]
    price.set_ylabel(f"{world.site.currency}/kWh")
    for name, colour in ((AT_ONCE, GREY), (best, COLOURS[0])):
        for number, span in enumerate(of[name].played[at].spans):
            begin = datetime.fromtimestamp(span.start_s, zone)
            width = timedelta(seconds=span.end_s - span.start_s)
            axes.bar(
                begin,  # type: ignore[arg-type]
                span.power_w / 1000,
                width,  # type: ignore[arg-type]
                align="edge",
                color=colour,
                alpha=0.75,
                label=name if not number else None,
            )
    axes.set_ylabel("kW")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    axes.set_xlim(edges[0], edges[-1])  # type: ignore[arg-type]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    wanted = f"{session.energy_wh / 1000:.1f} kWh for {session.car}"
    axes.set_title(f"{edges[0]:%A %d %B %Y}: {wanted} (line: price)", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _example(world: World, of: dict[str, Outcome], best: str) -> int:
    """Return the number of a session that shows well: a night, and a good but not the best one."""
    gains = []
    for number, session in enumerate(world.sessions):
        if session.departure_s - session.arrival_s <= LONGEST_EXAMPLE_S:
            gain = of[AT_ONCE].played[number].cost - of[best].played[number].cost
            gains.append((gain, number))
    if not gains:
        return 0
    gains.sort()
    return gains[int(len(gains) * 0.95)][1]
