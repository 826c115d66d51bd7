"""Puts the runs of a session into a table: what was done, and the figures that were promised."""

from collections.abc import Sequence
from typing import Any

DATA = ("missing", "missing_polls", "duplicates", "torn", "stowaways")
CONTROL = ("stale_applied", "applied_twice", "sent_by_two_processes", "epochs_fallen")
TIMES = ("planned_gap_s", "crash_gap_s", "failsafe_s", "recovery_s")
HEAD = (
    "| run | runs | sent | lost, doubled, torn | stale, twice | gap s | fail-safe s | recovery s "
    "| over the fuse unanswered | result |"
)


def markdown(runs: Sequence[dict[str, Any]]) -> str:
    """Return a table with a line for each kind of run; several seeds are summed or the worst."""
    lines = [HEAD, "|" + " --- |" * HEAD.count(" | ") + " --- |"]
    names = list(dict.fromkeys(run["run"] for run in runs))
    lines += [_line(name, [run for run in runs if run["run"] == name]) for name in names]
    return "\n".join(lines) + "\n"


def _line(name: str, runs: Sequence[dict[str, Any]]) -> str:
    if skipped := next((run["skipped"] for run in runs if "skipped" in run), None):
        return f"| `{name}` | | | | | | | | | skipped: {skipped} |"
    sent = sum(run.get("taken", 0) + run.get("others_sent", 0) for run in runs)
    gap_s = max(_worst(runs, "planned_gap_s"), _worst(runs, "crash_gap_s"))
    cells = [
        f"`{name}`",
        str(len(runs)),
        str(sent),
        str(sum(run.get(key, 0) for run in runs for key in DATA)),
        str(sum(run.get(key, 0) for run in runs for key in CONTROL)),
        _seconds(gap_s),
        _seconds(_worst(runs, "failsafe_s")),
        _seconds(_worst(runs, "recovery_s")),
        f"{_worst(runs, 'unanswered_over_fuse_a'):g} A",
        _result(runs),
    ]
    return "| " + " | ".join(cells) + " |"


def _worst(runs: Sequence[dict[str, Any]], key: str) -> float:
    return max((float(run.get(key, 0)) for run in runs), default=0.0)


def _seconds(value_s: float) -> str:
    return f"{value_s:.2f}" if value_s else ""


def _result(runs: Sequence[dict[str, Any]]) -> str:
    good = sum(run["ok"] for run in runs)
    promise = runs[0].get("must_break")
    word = "kept" if promise is None else f'broke "{promise}", as it must'
    return word if good == len(runs) else f"{good} of {len(runs)}: {word}"
