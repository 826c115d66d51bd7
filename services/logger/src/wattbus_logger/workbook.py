"""Reports as a workbook for spreadsheet programs: a sheet a table, real dates and numbers."""

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from wattbus_logger.columns import COLUMNS, MONEY, Cell, Column, Row, figure_cells, known_columns
from wattbus_logger.figures import By, total
from wattbus_logger.reimbursement import CLAIM_COLUMNS, Claim, claim_notes, claim_title
from wattbus_logger.report import Report
from wattbus_logger.report_files import rows_of
from wattbus_logger.report_table import EXPLANATION

BOLD = Font(bold=True)
NARROWEST, WIDEST = 9, 22


def report_workbook(report: Report) -> bytes:
    """Return sessions, days, months and years, each a sheet with a line for the sum."""
    book = _empty_book()
    for by in By:
        rows = rows_of(report, by)
        sums = figure_cells(total(report.periods(by)), report.co2_g_per_kwh)
        shown = [column for column in known_columns(COLUMNS, rows) if column.key != "kind"]
        sheet = book.create_sheet(f"{by.capitalize()}s")
        _fill(sheet, shown, rows, {**sums, "currency": report.currency})
    notes = book.create_sheet("Notes")
    for line in [f"{report.first} to {report.last}", *EXPLANATION.splitlines(), *report.problems]:
        notes.append([line])
    return _bytes(book)


def claim_workbook(claim: Claim) -> bytes:
    """Return a claim as one sheet."""
    book = _empty_book()
    sheet = book.create_sheet("Reimbursement")
    _fill(
        sheet, CLAIM_COLUMNS, claim.lines,
        {"energy_kwh": claim.energy_kwh, "cost": claim.cost, "currency": claim.currency},
    )  # fmt: skip
    sheet.append([])
    for line in [claim_title(claim), *claim_notes(claim)]:
        sheet.append([line])
    return _bytes(book)


def _empty_book() -> Workbook:
    book = Workbook()
    for sheet in book.worksheets:
        book.remove(sheet)
    return book


def _fill(sheet: Worksheet, columns: Sequence[Column], rows: Sequence[Row], sums: Row) -> None:
    sheet.append([_title(column) for column in columns])
    for row in rows:
        sheet.append([row.get(column.key) for column in columns])
    sheet.append([sums.get(column.key) for column in columns])
    sheet.cell(sheet.max_row, 1, "total")
    for number, column in enumerate(columns, start=1):
        cells = [sheet.cell(line, number) for line in range(2, sheet.max_row + 1)]
        for cell in cells:
            cell.number_format = _number_format(column, cell.value)
        widest = max(len(str(value)) for value in (_title(column), *(c.value for c in cells)))
        sheet.column_dimensions[get_column_letter(number)].width = min(
            WIDEST, max(NARROWEST, widest + 2)
        )
        sheet.cell(1, number).font = BOLD
        sheet.cell(sheet.max_row, number).font = BOLD
    sheet.freeze_panes = "A2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _title(column: Column) -> str:
    return column.title if column.unit in {"", MONEY} else f"{column.title} ({column.unit})"


def _number_format(column: Column, value: Cell | object) -> str:
    if isinstance(value, datetime):
        return "yyyy-mm-dd hh:mm"
    if isinstance(value, date):
        return "yyyy-mm-dd"
    if isinstance(value, float):
        return "0." + "0" * column.decimals if column.decimals else "0"
    return "General"


def _bytes(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()
