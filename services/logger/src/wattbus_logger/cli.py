"""The logger's commands beside running it: report, plot, and both at once for the service."""

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import TextIO

from wattbus_logger.reading import BadLog
from wattbus_logger.report import make_report, report_json, write_report
from wattbus_logger.report_table import report_text
from wattbus_logger.settings import FolderSettings

EXAMPLES = """examples:
  wattbus-logger                              run, with the settings of the environment
  wattbus-logger report --day 2025-01-15
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
    report = commands.add_parser(
        "report",
        help="print sessions and days: energy, cost, cost at once, saving, hours, shortfall",
        epilog="example: wattbus-logger report --day 2025-01-15 --json",
    )
    _add_selection(report)
    report.add_argument("--json", action="store_true", help="print JSON")
    plot = commands.add_parser(
        "plot",
        help="draw SoC, power, plan, house load, fuse and price",
        epilog="example: wattbus-logger plot --day 2025-01-15 --out day.png",
    )
    _add_selection(plot)
    plot.add_argument("--out", type=Path, help="PNG, SVG or PDF (battery_plot.png in the folder)")
    refresh = commands.add_parser(
        "refresh",
        help="write battery_plot.png, report.txt and report.csv anew, as the service does",
        epilog="example: wattbus-logger refresh --data data",
    )
    _add_folder(refresh)
    return whole


def run(parsed: argparse.Namespace, out: TextIO) -> int:
    """Run the parsed command; returns the exit status."""
    folder: Path = parsed.data or FolderSettings().data_dir
    try:
        match parsed.command:
            case "report":
                return _report(parsed, folder, out)
            case "plot":
                return _plot(parsed, folder, out)
            case _:
                return _refresh(folder)
    except (BadLog, OSError) as error:
        sys.stderr.write(f"wattbus-logger {parsed.command}: {error}\n")
        return EXIT_BAD_INPUT


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, metavar="DIR", help="the logger's folder (WATTBUS_DATA_DIR, or data)"
    )


def _add_selection(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    command.add_argument("--station", action="append", metavar="ID", help="may be repeated")
    command.add_argument("--day", type=_day, metavar="DATE", help="one local day of the site")
    command.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day")
    command.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2025-01-15") from None


def _days(parsed: argparse.Namespace) -> tuple[date | None, date | None]:
    if parsed.day is not None:
        return parsed.day, parsed.day
    return parsed.first, parsed.last


def _stations(parsed: argparse.Namespace) -> frozenset[str] | None:
    return frozenset(parsed.station) if parsed.station else None


def _report(parsed: argparse.Namespace, folder: Path, out: TextIO) -> int:
    report = make_report(folder, *_days(parsed), _stations(parsed))
    out.write(report_json(report) if parsed.json else report_text(report.sessions, report.days))
    _tell(report.problems)
    return 0


def _plot(parsed: argparse.Namespace, folder: Path, out: TextIO) -> int:
    from wattbus_logger.plot import draw  # noqa: PLC0415 - the service never loads matplotlib

    target = parsed.out or folder / "battery_plot.png"
    _tell(draw(folder, target, *_days(parsed), _stations(parsed)))
    out.write(f"{target}\n")
    return 0


def _refresh(folder: Path) -> int:
    from wattbus_logger.plot import draw  # noqa: PLC0415 - the service never loads matplotlib

    os.nice(BACKGROUND_NICENESS)
    report = make_report(folder)
    write_report(folder, report)
    _tell(draw(folder, folder / "battery_plot.png"))
    return 0


def _tell(problems: list[str]) -> None:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
