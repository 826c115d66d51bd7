"""Commands that services know: report, plot, plan, replay, compare, backtest, conformance."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from wattbus_console import run_folder
from wattbus_console.commands import options
from wattbus_console.mistakes import Mistake
from wattbus_console.project import find_command, find_project

REPORT_EXAMPLES = """Examples:

wattbus report

wattbus report --by month

wattbus report --by day --from 2025-01-01 --to 2025-01-31 --html january.html

wattbus report --reimbursement --station car1 --from 2025-01-01 --to 2025-01-31 --xlsx claim.xlsx

All options: wattbus-logger report --help
"""
PLOT_EXAMPLES = """Examples:

wattbus plot

wattbus plot --out day.png

All options: wattbus-logger plot --help
"""
REPLAY_EXAMPLES = """Examples:

wattbus replay

wattbus replay data/events.jsonl --strategy load
"""
COMPARE_EXAMPLES = """Examples:

wattbus compare

wattbus compare --scenario default-day --markdown
"""
BACKTEST_EXAMPLES = """Examples:

wattbus backtest

wattbus backtest garage --strategy optimal --plot garage.png

wattbus backtest --recording data

All options: wattbus-scheduler backtest --help
"""
PLAN_EXAMPLES = """Examples:

wattbus plan

wattbus plan scenarios.json --plot plans.png

All options: wattbus-scheduler plan --help
"""
CONFORMANCE_EXAMPLES = """Examples:

wattbus conformance --command "python my_scheduler.py"

wattbus conformance --image my-scheduler:latest

All options: wattbus-conformance --help
"""
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

FoundDataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="WATTBUS_DATA_DIR",
        file_okay=False,
        metavar="DIR",
        help="Folder with the files of a run.",
        show_default="that of the newest local run, else ./data",
    ),
]


def report(context: typer.Context, data_dir: FoundDataDir = None) -> None:
    """Tell energy, cost, saving and hours of sessions, days, months or years; for employers too."""
    _logger("report", found_data_dir(data_dir), context.args)


def plot(context: typer.Context, data_dir: FoundDataDir = None) -> None:
    """Draw state of charge, power, price and house load under the fuse."""
    _logger("plot", found_data_dir(data_dir), context.args)


def replay(
    context: typer.Context,
    recording: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A recording.", show_default="events.jsonl of the data folder"
        ),
    ] = None,
    data_dir: FoundDataDir = None,
) -> None:
    """Decide a recorded day again, and compare with what was decided then."""
    path = recording or found_data_dir(data_dir) / "events.jsonl"
    if not path.is_file():
        raise Mistake(f"{path}: no recording there; `wattbus demo` makes one")
    raise typer.Exit(run_program("wattbus-scheduler", ["replay", str(path), *context.args]))


def compare(context: typer.Context) -> None:
    """Play every strategy through a day and compare energy, cost and hours."""
    raise typer.Exit(run_program("wattbus-scheduler", ["compare", *context.args]))


def backtest(context: typer.Context) -> None:
    """Play months or years of real sessions and prices through the strategies."""
    raise typer.Exit(run_program("wattbus-scheduler", ["backtest", *context.args]))


def plan(context: typer.Context) -> None:
    """Plan the scenarios of a file, or one by name: powers, cost, proof and, drawn, a picture."""
    raise typer.Exit(run_program("wattbus-scheduler", ["plan", *context.args]))


def conformance(context: typer.Context) -> None:
    """Hold any scheduler, in any language, against a scripted bridge, point by point."""
    raise typer.Exit(run_program("wattbus-conformance", context.args))


def found_data_dir(given: Path | None) -> Path:
    """Return the data folder that is meant: the given one, the newest run's, else ./data."""
    if given is not None:
        return given
    try:
        newest = run_folder.newest(find_project(Path.cwd(), os.environ).runs)
    except Mistake:
        newest = None
    return Path(newest.data_dir) if newest is not None else options.DATA_DIR


def _logger(command: str, data_dir: Path, arguments: list[str]) -> None:
    if not data_dir.is_dir():
        raise Mistake(f"{data_dir}: no such folder; `wattbus demo` makes one, --data-dir names it")
    raise typer.Exit(run_program("wattbus-logger", [command, *arguments], data_dir))


def run_program(name: str, arguments: list[str], data_dir: Path | None = None) -> int:
    """Run a service's command on this terminal and return its exit status."""
    environment = dict(os.environ)
    if data_dir is not None:
        environment["WATTBUS_DATA_DIR"] = str(data_dir)
    return subprocess.run(
        [str(find_command(name)), *arguments], env=environment, check=False
    ).returncode
