"""The logger's commands beside running it: report, plot, and both at once for the service."""

import argparse
import os
import sys
from pathlib import Path
from typing import TextIO

from wattbus_logger import report_cli
from wattbus_logger.reading import BadLog
from wattbus_logger.report import make_report
from wattbus_logger.report_cli import add_folder, add_selection, days, station_ids, tell
from wattbus_logger.report_files import write_report
from wattbus_logger.settings import FolderSettings

EXAMPLES = """examples:
  wattbus-logger                              run, with the settings of the environment
  wattbus-logger report --by month --html report.html
  wattbus-logger plot --from 2025-01-14 --to 2025-01-15 --out nights.png
"""
EXIT_BAD_INPUT = 2
BACKGROUND_NICENESS = 10


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(
        prog="wattbus-logger",
        description="Writes what happens on the bus to CSV, text, plots and reports. "
        "Without a command it runs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", metavar="command")
    commands.add_parser(
        "run", help="run the service (the default)", epilog="example: wattbus-logger run"
    )
    report_cli.add_parser(commands)
    plot = commands.add_parser(
        "plot",
        help="draw SoC, power, plan, house load, fuse and price",
        epilog="example: wattbus-logger plot --day 2025-01-15 --out day.png",
    )
    add_selection(plot)
    plot.add_argument("--out", type=Path, help="PNG, SVG or PDF (battery_plot.png in the folder)")
    refresh = commands.add_parser(
        "refresh",
        help="write battery_plot.png, report.txt and report.csv anew, as the service does",
        epilog="example: wattbus-logger refresh --data data",
    )
    add_folder(refresh)
    return whole


def run(parsed: argparse.Namespace, out: TextIO) -> int:
    """Run the parsed command; returns the exit status."""
    folder: Path = parsed.data or FolderSettings().data_dir
    try:
        match parsed.command:
            case "report":
                return report_cli.run(parsed, folder, out)
            case "plot":
                return _plot(parsed, folder, out)
            case _:
                return _refresh(folder)
    except (BadLog, OSError) as error:
        sys.stderr.write(f"wattbus-logger {parsed.command}: {error}\n")
        return EXIT_BAD_INPUT


def _plot(parsed: argparse.Namespace, folder: Path, out: TextIO) -> int:
    from wattbus_logger.plot import draw  # noqa: PLC0415 - the service never loads matplotlib

    target = parsed.out or folder / "battery_plot.png"
    tell(draw(folder, target, *days(parsed), station_ids(parsed)))
    out.write(f"{target}\n")
    return 0


def _refresh(folder: Path) -> int:
    from wattbus_logger.plot import draw  # noqa: PLC0415 - the service never loads matplotlib

    os.nice(BACKGROUND_NICENESS)
    report = make_report(folder)
    write_report(folder, report)
    tell(draw(folder, folder / "battery_plot.png"))
    return 0
