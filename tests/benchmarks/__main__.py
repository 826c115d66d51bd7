"""Runs every benchmark, each in a process of its own, and states the figures.

Writes `bench-results/benchmarks.json`, a table in `bench-results/benchmarks.md` and the picture of
how each figure grows with the number of stations. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from rich.progress import Progress

from benchmarks.growth_plot import draw_growth, draw_planner_growth
from benchmarks.table import markdown
from fixtures.broker_process import ROOT

BENCHMARKS = ("session", "latency", "bridge", "logger", "sizes", "startup", "planner", "dashboard")
ON_REQUEST = ("starts",)
"""Take many minutes, and run only when they are named."""


def run(name: str) -> dict[str, Any]:
    """Return the figures of one benchmark; RuntimeError with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.bench_{name}"],
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"benchmark {name} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> int:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, epilog='example: make bench ARGS="latency bridge"'
    )
    known = f"of {', '.join(BENCHMARKS)}; only when named: {', '.join(ON_REQUEST)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    names = parser.parse_args().names or list(BENCHMARKS)
    there_are = (*BENCHMARKS, *ON_REQUEST)
    if unknown := set(names) - set(there_are):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(there_are)}")
    results = ROOT / "bench-results"
    results.mkdir(exist_ok=True)
    path = results / "benchmarks.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    with Progress() as progress:
        task = progress.add_task("benchmarks", total=len(names))
        for name in names:
            progress.update(task, description=name)
            figures[name] = run(name)
            path.write_text(json.dumps(figures, indent=1) + "\n")
            progress.advance(task)
    table = markdown(figures)
    (results / "benchmarks.md").write_text(table)
    draw_growth(figures, results / "growth.png")
    if "planner" in figures:
        draw_planner_growth(figures["planner"], results / "planner-growth.png")
    sys.stdout.write(f"{table}\nwritten: {path}, benchmarks.md and growth.png beside it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
