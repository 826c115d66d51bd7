"""Draws plans: what house and cars draw together under the limit, and the prices above it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Situation

MOST_NAMED = 12
"""Of more cars the legend would hide the plan."""
HOUSE, PRICE, LIMIT = "#c9ced3", "#2f3b45", "#b3261e"


def draw_plans(path: Path, plans: Sequence[tuple[str, Plan, Situation]]) -> None:
    """Write a picture with a panel for each (name, plan, situation); the suffix tells the kind."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=(11, 3.4 * max(1, len(plans))), layout="constrained")
        panels = figure.subplots(max(1, len(plans)), 1, squeeze=False)[:, 0]
        for axes, (name, plan, situation) in zip(panels, plans, strict=False):
            _draw(axes, name, plan, situation)
        figure.savefig(path, dpi=110)


def _draw(axes: Axes, name: str, plan: Plan, situation: Situation) -> None:
    zone, currency = situation.site.time_zone, situation.site.currency
    edges = _edges(plan, situation)
    begins = edges[:-1]
    times = [datetime.fromtimestamp(at, zone) for at in edges]
    layers: list[list[float]] = [[_house_w(situation, at) for at in begins]]
    for station in plan.stations:
        power = np.zeros(len(begins))
        for slot in station.charging_slots:
            begin, end = slot.start_at.timestamp(), slot.end_at.timestamp()
            inside = (begins >= begin - 1e-3) & (begins < end - 1e-3)
            power[inside] = slot.expected_energy_wh / slot.duration_s * 3600
        layers.append(list(power))
    colours = [mpl.colormaps["viridis"](x) for x in np.linspace(0.1, 0.95, len(plan.stations))]
    held = np.array([[*layer, layer[-1]] for layer in layers]) / 1000
    axes.stackplot(
        times,  # type: ignore[arg-type] # matplotlib takes instants
        held,
        step="post",
        colors=[HOUSE, *colours],
        labels=["house", *(station.station_id for station in plan.stations)],
    )
    if situation.site.max_power_w is not None:
        axes.axhline(situation.site.max_power_w / 1000, color=LIMIT, lw=1, ls="--", label="limit")
    axes.set_ylabel("kW")
    bound = "" if plan.lower_bound is None else f", at least {plan.lower_bound:.2f}"
    count = sum(station.starts for station in plan.stations)
    starts = f"{count} start{'' if count == 1 else 's'}"
    title = f"{name}: {plan.strategy}, {plan.expected_cost:.2f}{bound} {currency}, {starts}"
    axes.set_title(title, loc="left")
    prices = axes.twinx()
    shown = [_price(situation, at) for at in begins]
    prices.step(times, [*shown, shown[-1]], where="post", color=PRICE, lw=1)  # type: ignore[arg-type] # matplotlib takes instants
    prices.set_ylabel(f"{currency}/kWh")
    locator = axes.xaxis.get_major_locator()
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call] # it has no types
    axes.set_xlim(times[0], times[-1])  # type: ignore[arg-type] # matplotlib takes instants
    if len(plan.stations) <= MOST_NAMED:
        axes.legend(frameon=False, fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=8)


def _edges(plan: Plan, situation: Situation) -> NDArray[np.float64]:
    edges = {plan.planned_at.timestamp()}
    for slot in situation.slots:
        edges.update((slot.start_at.timestamp(), slot.end_at.timestamp()))
    for station in plan.stations:
        for part in station.charging_slots:
            edges.update((part.start_at.timestamp(), part.end_at.timestamp()))
    first = plan.planned_at.timestamp()
    last = max(first + 1.0, *edges)
    return np.array(sorted({first, last, *(edge for edge in edges if edge > first)}))


def _house_w(situation: Situation, at_s: float) -> float:
    for slot in situation.slots:
        if slot.start_at.timestamp() <= at_s < slot.end_at.timestamp():
            return slot.house_load_w
    return 0.0


def _price(situation: Situation, at_s: float) -> float:
    for slot in situation.slots:
        if slot.start_at.timestamp() <= at_s < slot.end_at.timestamp():
            return float("nan") if slot.price_per_kwh is None else slot.price_per_kwh
    return float("nan")
