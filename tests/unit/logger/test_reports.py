"""Reports by day, month and year, for reimbursement, and as CSV, workbook and page."""

import csv
import io
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from openpyxl import load_workbook

from unit.logger.rows_of import append_rows
from unit.logger.test_figures import weeks
from unit.logger.test_history import write_days
from wattbus_logger.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks over the end of a month: the same nights, two cars."""
    folder = tmp_path_factory.mktemp("weeks")
    rows = weeks(21)
    write_days(folder, rows)
    for path in sorted(folder.glob("battery_log*.csv")):
        day = [row for row in rows if f"{row.local_time:%Y-%m-%d}" in path.name]
        day = day or [row for row in rows if row.local_time.date() == rows[-1].local_time.date()]
        append_rows(path, [replace(row, station="car2") for row in day])
    return folder


def report(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["report", "--data", str(folder), *options]) == 0
    return capsys.readouterr().out


def test_months_are_summed_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(folder, capsys, "--by", "month").splitlines()

    assert lines[0] == "Months"
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["2025-01", "car1"],
        ["2025-01", "car2"],
        ["2025-02", "car1"],
        ["2025-02", "car2"],
    ]
    # 17 days of January and 4 of February, 29.6 kWh each; the record ends at 23:30.
    assert " 503.20 kWh " in lines[2]
    assert " 114.70 kWh " in lines[4]
    assert lines[6].startswith("total")
    assert "1235.80 kWh" in lines[6]


def test_by_day_a_month_is_shown_and_by_year_everything(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = report(folder, capsys, "--by", "day").splitlines()
    years = report(folder, capsys, "--by", "year").splitlines()

    assert [line[:10] for line in days[2:4]] == ["2025-02-01", "2025-02-01"]
    assert years[2].startswith("2025")
    assert "617.90 kWh" in years[2]


def test_stations_of_one_person_are_counted_together(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = report(folder, capsys, "--by", "month", "--user", "Anna=car1, car2").splitlines()
    text = report(folder, capsys, "--by", "year", "--csv", "-", "--user", "Anna=car1,car2")
    (year,) = csv.DictReader(io.StringIO(text))

    assert lines[1].split()[:2] == ["month", "user"]
    assert [line.split()[:2] for line in lines[2:4]] == [["2025-01", "Anna"], ["2025-02", "Anna"]]
    assert "1006.40 kWh" in lines[2]
    assert (year["user"], year["station"]) == ("Anna", "car1, car2")
    assert float(year["energy_kwh"]) == pytest.approx(1235.8)
    assert year["meter_start_kwh"] == "", "two registers have no sum"


def test_who_has_no_user_keeps_the_stations_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    options = ("--by", "month", "--user", "Bo=car2")
    lines = report(folder, capsys, *options).splitlines()
    report(folder, capsys, *options, "--html", str(page))

    assert [line.split()[1] for line in lines[2:6]] == ["Bo", "car1", "Bo", "car1"]
    assert "By user" in page.read_text()
    assert "Bo (car2)" in report(folder, capsys, "--by", "session", "--user", "Bo=car2")


def test_a_station_is_one_persons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--user", "Anna=car1", "--user", "Bo=car2,car1"]

    assert main(["report", "--data", str(folder), *options]) != 0
    assert "car1 is Anna's and Bo's" in capsys.readouterr().err


def test_a_csv_has_units_in_its_head_and_a_line_a_period(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = report(folder, capsys, "--by", "month", "--csv", "-", "--station", "car1")

    january, february = csv.DictReader(io.StringIO(text))
    assert (january["kind"], january["period"], january["station"]) == ("month", "2025-01", "car1")
    assert float(january["energy_kwh"]) == pytest.approx(503.2)
    assert float(february["reference_cost"]) > float(february["cost"]) > 0
    assert float(february["peak_kw"]) == 7.4
    assert "co2_kg" not in january


def test_the_carbon_dioxide_is_told_where_it_is_known(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = report(folder, capsys, "--by", "year", "--csv", "-", "--co2", "25")

    assert float(next(csv.DictReader(io.StringIO(text)))["co2_kg"]) == pytest.approx(15.447)


def test_a_workbook_has_real_dates_and_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.xlsx"
    report(folder, capsys, "--xlsx", str(target), "--from", "2025-01-01", "--to", "2025-12-31")

    book = load_workbook(target)
    assert book.sheetnames == ["Sessions", "Days", "Months", "Years", "Notes"]
    head, *rows, sums = book["Sessions"].iter_rows(values_only=True)
    begin, energy = head.index("from"), head.index("energy (kWh)")
    assert all(isinstance(row[begin], datetime) for row in rows)
    assert sums[0] == "total"
    assert sum(float(str(row[energy])) for row in rows) == pytest.approx(float(str(sums[energy])))


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_a_page_needs_nothing_from_elsewhere(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.html"
    report(folder, capsys, "--by", "month", "--html", str(target))

    text = target.read_text()
    page = Page(text)
    assert page.open == []
    assert page.links == []
    assert not {"script", "link", "img", "iframe"} & set(page.seen)
    assert "url(" not in text
    assert "@import" not in text
    assert len(re.findall('role="img" aria-label="[^"]+"', text)) == 4
    assert page.seen.count("table") == 3
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_a_page_without_sessions_says_so(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.html"
    report(folder, capsys, "--day", "2020-01-01", "--html", str(target))

    assert "No car was plugged in" in target.read_text()


def test_names_in_a_recording_cannot_write_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [replace(row, station="<script>alert(1)</script>") for row in weeks(1)]
    append_rows(tmp_path / "battery_log.csv", rows)
    target = tmp_path / "report.html"

    report(tmp_path, capsys, "--html", str(target))

    assert "<script>" not in target.read_text()


def test_a_claim_has_readings_that_follow_on_each_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def claim(*options: str) -> list[dict[str, str]]:
        text = report(
            folder, capsys, "--reimbursement", "--station", "car1", *options, "--csv", "-"
        )
        return list(csv.DictReader(io.StringIO(text)))

    january = claim("--from", "2025-01-01", "--to", "2025-01-31")
    february = claim("--from", "2025-02-01", "--to", "2025-02-28")
    lines = january + february

    for one, two in pairwise(lines):
        assert one["meter_end_kwh"] == two["meter_start_kwh"]
    for line in lines:
        charged = float(line["meter_end_kwh"]) - float(line["meter_start_kwh"])
        assert charged == pytest.approx(float(line["energy_kwh"]), abs=1e-6)
    assert sum(float(line["energy_kwh"]) for line in lines) == pytest.approx(617.9)
    assert january[-1]["ended_at"] == "2025-02-01 00:00:00"


def test_a_claim_may_have_an_agreed_price(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--reimbursement", "--station", "car1", "--price-per-kwh", "2.5")
    target = tmp_path / "claim.xlsx"

    text = report(folder, capsys, *options, "--from", "2025-01-01", "--to", "2025-01-31")
    report(folder, capsys, *options, "--from", "2025-01-01", "--to", "2025-01-31",
           "--xlsx", str(target), "--html", str(tmp_path / "claim.html"))  # fmt: skip

    assert "503.200 kWh" in text
    assert "1258.00 kr" in text
    rows = list(load_workbook(target)["Reimbursement"].iter_rows(values_only=True))
    assert 1258 in rows[-7 + [row[0] for row in rows[-7:]].index("total")]
    assert "To be reimbursed" in (tmp_path / "claim.html").read_text()


def test_a_form_or_amount_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (
        ["--by", "week"],
        ["--co2", "much"],
        ["--price-per-kwh", "-1"],
        ["--user", "Anna="],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["report", *options])
        assert ended.value.code == 2
        assert options[1] in capsys.readouterr().err
