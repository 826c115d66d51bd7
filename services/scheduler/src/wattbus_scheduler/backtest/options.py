"""The options of the command `backtest`."""

import argparse
from datetime import date, time
from pathlib import Path

from wattbus_scheduler.backtest.study import bundled_names
from wattbus_scheduler.strategies import STRATEGIES

EPILOG = """examples:
  wattbus backtest                                       a real car's year, in seconds
  wattbus backtest garage --strategy optimal             ten cars, two years, planned jointly
  wattbus backtest --from 2024-11-01 --to 2024-11-30 --plot november.png
  wattbus backtest --data DIR --markdown                 from the public files, see docs/backtest.md
  wattbus backtest --recording data                      what was charged here, by other strategies
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the scheduler's."""
    known = ", ".join(bundled_names())
    command = commands.add_parser(
        "backtest",
        help="play months or years of sessions, prices and house load through the strategies",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("study", nargs="?", help=f"a TOML file, or one of: {known} (one-car)")
    command.add_argument("--data", type=Path, metavar="DIR", help="where the study's files are")
    command.add_argument(
        "--recording", type=Path, metavar="DIR", help="the logger's folder, instead of a study"
    )
    command.add_argument(
        "--strategy",
        action="append",
        choices=sorted(STRATEGIES),
        help="may be repeated; the study's own unless given",
    )
    command.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day")
    command.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day")
    command.add_argument("--slot-minutes", type=int, choices=(5, 10, 15, 20, 30, 60))
    command.add_argument(
        "--departure",
        type=_time,
        metavar="HH:MM",
        help="the departure that schedulers are told; else the true one",
    )
    command.add_argument("--load-forecast", choices=("week-before", "perfect"))
    command.add_argument("--jobs", type=int, metavar="N", help="processes (one for each core)")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--markdown", action="store_true", help="print a Markdown table")
    shown.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each session")
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw to a PNG, SVG or PDF")
    command.add_argument("--quiet", action="store_true", help="no progress, no notes")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2024-01-15") from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 07:00") from None
