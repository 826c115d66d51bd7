"""The picture of how latency, polls and rows grow with the number of stations."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

PANELS = (
    ("latency", "limit_p99_ms", "echo_p99_ms", "meter value to limit, p99", "ms"),
    ("bridge", "bridge_polls_per_s", "bare_polls_per_s", "polls a second", "1/s"),
    ("logger", "logger_rows_per_s", "bare_messages_per_s", "rows a second on disk", "1/s"),
)


def draw_growth(figures: dict[str, Any], path: Path) -> None:
    """Draw one panel for each benchmark that was run, Wattbus beside its limit."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(12, 3.6), layout="constrained")
    for axis, (name, ours, limit, title, unit) in zip(axes, PANELS, strict=True):
        stations = figures.get(name, {}).get("stations", {})
        counts = [int(count) for count in stations]
        axis.plot(counts, [s[ours] for s in stations.values()], "o-", label="Wattbus")
        axis.plot(
            counts, [s[limit] for s in stations.values()], "s--", color="0.6", label="bare limit"
        )
        axis.set(title=title, xlabel="stations", ylabel=unit, xscale="log", ylim=(0, None))
        axis.grid(visible=True, alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_planner_growth(figures: dict[str, Any], path: Path) -> None:
    """Draw how long a joint plan takes, by cars and by slots, beside the bare relaxation."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
    for axis, name, by, title in (
        (axes[0], "growth", "cars", "cars, 96 slots of 15 minutes"),
        (axes[1], "growth_in_slots", "slots", "slots, 10 cars"),
    ):
        lines = figures[name]
        counts = [line[by] for line in lines]
        axis.plot(counts, [line["seconds"] for line in lines], "o-", label="whole plan")
        bare = [line["relaxation_s"] for line in lines]
        axis.plot(counts, bare, "s--", color="0.6", label="bare relaxation")
        axis.set(title=f"processor time by {by}", xlabel=title, xscale="log", yscale="log")
        axis.set_xticks(counts, [str(count) for count in counts], minor=False)
        axis.set_xticks([], minor=True)
        axis.grid(visible=True, alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    axes[0].set_ylabel("s")
    figure.savefig(path, dpi=120)
    plt.close(figure)
