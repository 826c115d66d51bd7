"""The command `report`: what it can be asked for, and where the answer goes."""

import argparse
import math
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TextIO

from wattbus_logger.figures import By
from wattbus_logger.league_file import league_text, read_league
from wattbus_logger.reading import BadLog
from wattbus_logger.reimbursement import CLAIM_COLUMNS, Claim, claim_text, make_claim
from wattbus_logger.report import Report, make_report
from wattbus_logger.report_files import csv_text, report_csv, report_json
from wattbus_logger.report_table import report_text

EXAMPLES = """examples:
  wattbus-logger report                         the newest two days
  wattbus-logger report --by month              this year, month by month
  wattbus-logger report --by day --from 2025-01-01 --to 2025-01-31 --html january.html
  wattbus-logger report --by session --csv -    for programs, to the terminal
  wattbus-logger report --by month --user Anna=car1,car3 --user Bo=car2
  wattbus-logger report --reimbursement --station car1 --from 2025-01-01 --to 2025-01-31 --xlsx claim.xlsx

Prices are those that the site had: VAT and fees are in them as its file sets them.
"""  # noqa: E501 - a line to copy

Commands = argparse._SubParsersAction


def add_parser(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Add the command to the others."""
    report = commands.add_parser(
        "report",
        help="energy, cost, cost at once, saving, hours: of sessions, days, months or years",
        description="Tell what charging came to. Without --by: sessions and days.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_selection(report)
    report.add_argument("--by", type=By, choices=list(By), metavar="|".join(By))
    report.add_argument(
        "--reimbursement", action="store_true", help="sessions with meter readings, to be paid back"
    )
    report.add_argument(
        "--price-per-kwh", type=_amount, metavar="PRICE",
        help="with --reimbursement: an agreed price instead of those recorded",
    )  # fmt: skip
    report.add_argument(
        "--co2",
        type=_amount,
        metavar="G_PER_KWH",
        help="CO₂ of a kWh in g, where the record has no figure",
    )
    report.add_argument(
        "--user", type=_user, action="append", default=None, metavar="NAME=ID[,ID…]",
        help="count these stations as this person's; may be repeated",
    )  # fmt: skip
    report.add_argument("--json", action="store_true", help="print JSON")
    for form in ("csv", "xlsx", "html"):
        report.add_argument(
            f"--{form}", metavar="FILE", help=f"write {form.upper()}; - is the terminal"
        )


def run(parsed: argparse.Namespace, folder: Path, out: TextIO) -> int:
    """Print the report, or write the files that are asked for. BadLog, OSError."""
    by: By | None = parsed.by
    default_by = by
    if by is None and (parsed.reimbursement or parsed.html or parsed.xlsx):
        default_by = By.DAY
    report = make_report(
        folder, *days(parsed), station_ids(parsed), default_by, co2_g_per_kwh=parsed.co2,
        users=users_of(parsed),
    )  # fmt: skip
    if parsed.reimbursement:
        claim = make_claim(report, parsed.price_per_kwh)
        forms, text = _claim_forms(claim), claim_text(claim)
    else:
        forms = _report_forms(report, by)
        text = report_json(report, by) if parsed.json else report_text(report, by)
    wanted = {form: target for form in forms if (target := getattr(parsed, form)) is not None}
    for form, target in wanted.items():
        _put(forms[form](), target, out)
    if not wanted:
        out.write(text)
    if not wanted and not parsed.json and (league := read_league(folder)) is not None:
        out.write("\n" + league_text(league))
    tell(report.problems)
    return 0


def add_folder(command: argparse.ArgumentParser) -> None:
    """Add the option that names the logger's folder."""
    command.add_argument(
        "--data", type=Path, metavar="DIR", help="the logger's folder (WATTBUS_DATA_DIR, or data)"
    )


def add_selection(command: argparse.ArgumentParser) -> None:
    """Add the options that choose days and stations."""
    add_folder(command)
    command.add_argument("--station", action="append", metavar="ID", help="may be repeated")
    command.add_argument("--day", type=_day, metavar="DATE", help="one local day of the site")
    command.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day")
    command.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day")


def days(parsed: argparse.Namespace) -> tuple[date | None, date | None]:
    """Return the first and last day that were chosen."""
    if parsed.day is not None:
        return parsed.day, parsed.day
    return parsed.first, parsed.last


def station_ids(parsed: argparse.Namespace) -> frozenset[str] | None:
    """Return the stations that were chosen; None for all."""
    return frozenset(parsed.station) if parsed.station else None


def users_of(parsed: argparse.Namespace) -> dict[str, str]:
    """Return whose each station is. BadLog where one is said to be two people's."""
    whose: dict[str, str] = {}
    for name, stations in parsed.user or ():
        for station in stations:
            if whose.setdefault(station, name) != name:
                raise BadLog(f"--user: {station} is {whose[station]}'s and {name}'s; choose one")
    return whose


def tell(problems: list[str]) -> None:
    """Say beside the result what was left out."""
    for problem in problems:
        sys.stderr.write(f"{problem}\n")


def _report_forms(report: Report, by: By | None) -> dict[str, Callable[[], str | bytes]]:
    def page() -> str:
        from wattbus_logger.page import report_page  # noqa: PLC0415 - only who asks needs jinja2

        return report_page(report, by)

    def workbook() -> bytes:
        from wattbus_logger.workbook import report_workbook  # noqa: PLC0415 - as above, openpyxl

        return report_workbook(report)

    return {"csv": lambda: report_csv(report, by), "xlsx": workbook, "html": page}


def _claim_forms(claim: Claim) -> dict[str, Callable[[], str | bytes]]:
    def page() -> str:
        from wattbus_logger.page import claim_page  # noqa: PLC0415 - only who asks needs jinja2

        return claim_page(claim)

    def workbook() -> bytes:
        from wattbus_logger.workbook import claim_workbook  # noqa: PLC0415 - as above, openpyxl

        return claim_workbook(claim)

    return {"csv": lambda: csv_text(CLAIM_COLUMNS, claim.lines), "xlsx": workbook, "html": page}


def _put(content: str | bytes, target: str, out: TextIO) -> None:
    data = content.encode() if isinstance(content, str) else content
    if target == "-":
        if isinstance(content, str):
            out.write(content)
        else:
            out.buffer.write(data)
        return
    Path(target).write_bytes(data)
    out.write(f"{target}\n")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2025-01-15") from None


def _user(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, listed = text.partition("=")
    stations = tuple(station.strip() for station in listed.split(",") if station.strip())
    if not name.strip() or not stations:
        raise argparse.ArgumentTypeError(f"{text!r} is no user such as Anna=car1,car3")
    return name.strip(), stations


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount such as 2.50")
    return value
