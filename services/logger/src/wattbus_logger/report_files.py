"""The report as text for programs: CSV and JSON, and the files that the service keeps."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from wattbus_logger.append_file import write_atomically
from wattbus_logger.columns import COLUMNS, Cell, Column, Row, known_columns, row_of
from wattbus_logger.figures import By
from wattbus_logger.report import Report
from wattbus_logger.report_table import report_text

TEXT_NAME = "report.txt"
CSV_NAME = "report.csv"
SOMETIMES = ("user", "solar_kwh", "co2_kg")
"""Columns of reports by user, of sites with a roof, and of those that know their emissions."""


def write_report(folder: Path, report: Report) -> None:
    """Write `report.txt` and `report.csv`, each replaced as a whole."""
    write_atomically(folder / TEXT_NAME, report_text(report).encode())
    rows = [*rows_of(report, By.SESSION), *rows_of(report, By.DAY)]
    kept = [column for column in COLUMNS if column.key != "user"]
    write_atomically(folder / CSV_NAME, csv_text(kept, rows).encode())


def rows_of(report: Report, by: By) -> list[Row]:
    """Return the report's sessions or periods as typed cells."""
    return [row_of(one, by, report.co2_g_per_kwh) for one in report.periods(by)]


def report_csv(report: Report, by: By | None) -> str:
    """Return the sessions and days, or what is asked for."""
    asked = (By.SESSION, By.DAY) if by is None else (by,)
    rows = [row for one in asked for row in rows_of(report, one)]
    known = known_columns(COLUMNS, rows)
    shown = [column for column in COLUMNS if column.key not in SOMETIMES or column in known]
    return csv_text(shown, rows)


def report_json(report: Report, by: By | None) -> str:
    """Return the sessions and days, or what is asked for."""
    asked = (By.SESSION, By.DAY) if by is None else (by,)
    document: dict[str, object] = {
        f"{one}s": [
            {key: _plain(cell) for key, cell in row.items()} for row in rows_of(report, one)
        ]
        for one in asked
    }
    document["problems"] = report.problems
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def csv_text(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Return rows under a header of keys."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.key for column in columns)
    for row in rows:
        writer.writerow(_plain(row.get(column.key)) for column in columns)
    return out.getvalue()


def _plain(cell: Cell) -> str | bool | int | float | None:
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    return cell if cell is None or isinstance(cell, bool | int | float) else str(cell)
