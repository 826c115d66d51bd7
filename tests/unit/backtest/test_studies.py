"""Files become worlds; what cannot be used is told, with file, line and column."""

import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from wattbus_scheduler.backtest.csv_rows import BadTable, read_rows
from wattbus_scheduler.backtest.inputs import Inputs, load_inputs
from wattbus_scheduler.backtest.study import bundled_names, load_study

STUDY = """
[prices]
file = "prices.csv"
[sessions]
file = "sessions.csv"
[site]
max_power_w = 11000
"""


def hours(first: datetime, prices: list[str]) -> str:
    lines = [
        f"{first + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{price}" for n, price in enumerate(prices)
    ]
    return "start_at,price_per_kwh\n" + "\n".join(lines) + "\n"


START = datetime.fromisoformat("2024-01-14T23:00Z")
SESSION = "car,arrival_at,departure_at,energy_kwh\n"
GOOD = SESSION + "a,2024-01-15T17:00Z,2024-01-16T06:00Z,7.4\n"


def inputs(folder: Path, study: str = STUDY, sessions: str = GOOD, **files: str) -> Inputs:
    files = {"prices": hours(START, ["0.5"] * 96), "sessions": sessions, **files}
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "study.toml").write_text(study)
    loaded, data = load_study(str(folder / "study.toml"))
    return load_inputs(loaded, data)


def test_a_study_is_read(tmp_path: Path) -> None:
    found = inputs(tmp_path)

    of = found.worlds["spot"]
    assert found.notes == ()
    assert [one.energy_wh for one in of.sessions] == [7400]
    assert of.timeline.count == 96
    assert of.cars["a"].max_power_w == 7360


def test_a_gap_is_told_and_what_it_touches_is_left_out(tmp_path: Path) -> None:
    prices = ["0.5"] * 96
    prices[20] = ""
    sessions = GOOD + "a,2024-01-16T17:00Z,2024-01-17T06:00Z,5\n"

    found = inputs(tmp_path, sessions=sessions, prices=hours(START, prices))

    assert found.notes == (
        "no price from 2024-01-15 20:00 to 2024-01-15 21:00",
        "1 session (line 2) without price or house load all through left out",
    )
    assert len(found.worlds["spot"].sessions) == 1
    assert found.worlds["spot"].timeline.prices_per_kwh[20] is None


def test_sessions_that_make_no_sense_are_told_and_left_out(tmp_path: Path) -> None:
    sessions = GOOD + (
        "a,2024-01-16T17:00Z,,5\n"
        "a,2024-01-16T18:00Z,2024-01-16T17:00Z,5\n"
        "a,2024-01-16T17:00Z,2024-01-16T18:00Z,0\n"
        "a,2024-01-16T05:00Z,2024-01-16T18:00Z,2\n"
    )

    found = inputs(tmp_path, sessions=sessions)

    assert len(found.worlds["spot"].sessions) == 1
    assert [note.split(") ")[1] for note in found.notes] == [
        "without a departure left out",
        "that end before they begin left out",
        "without energy left out",
        "that begin before the car's last one ends left out",
    ]
    assert "(line 3)" in found.notes[0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"prices": "at,price\n1,2\n"}, "prices.csv, line 1: no column 'start_at'; there is at, p"),
        (
            {"prices": hours(START, ["0.5", "cheap"])},
            "prices.csv, line 3, column price_per_kwh: 'cheap' is no number",
        ),
        (
            {"prices": hours(START, ["0.5", "inf"])},
            "prices.csv, line 3, column price_per_kwh: 'inf' is no finite number",
        ),
        (
            {"prices": "start_at,price_per_kwh\n15/01/2024,0.1\n"},
            "prices.csv, line 2, column start_at: '15/01/2024' is no date and time such as",
        ),
        (
            {"prices": hours(START, ["1", "2"]) + "2024-01-15T00:00Z,3\n"},
            "prices.csv, line 4, column start_at: '2024-01-15T00:00Z' stands there twice",
        ),
        (
            {"sessions": GOOD + "a,2024-01-16T17:00Z\n"},
            "sessions.csv, line 3, column departure_at: the line ends before it",
        ),
        (
            {"sessions": GOOD + "a,2024-01-16T17:00Z,soon,5\n"},
            "sessions.csv, line 3, column departure_at: 'soon' is no date and time",
        ),
        ({"sessions": SESSION}, "no session is left to play"),
    ],
)
def test_a_bad_file_is_named_with_line_and_column(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(BadTable) as caught:
        inputs(tmp_path, **files)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("[prices]", "study.toml: prices.file: Field required"),
        (STUDY.replace("11000", "-1"), "study.toml: site.max_power_w: Input should be greater"),
        ("fuse = 1\n" + STUDY, "study.toml: fuse: Extra inputs are not permitted"),
        ('time_zone = "Mars"\n' + STUDY, "no time zone such as Europe/Stockholm"),
        ("= 1", "study.toml: Invalid"),
        (STUDY.replace("prices.csv", "no.csv"), "no file no.csv (or no.csv.gz) there or below"),
    ],
)
def test_a_bad_study_says_what_is_wrong(tmp_path: Path, study: str, message: str) -> None:
    with pytest.raises(BadTable) as caught:
        inputs(tmp_path, study=study)

    assert message in str(caught.value)


def test_a_tariff_adds_fees_by_hour_and_vat(tmp_path: Path) -> None:
    tariffs = """
[[tariffs]]
name = "flat"
[[tariffs]]
name = "evening"
vat_percent = 25
fee_per_kwh = 0.1
surcharges = [{ fee_per_kwh = 0.4, hours = [17, 18], days = ["mon"], months = [1] }]
"""
    found = inputs(tmp_path, study=STUDY + tariffs)

    flat, evening = (found.worlds[name].timeline.prices_per_kwh for name in ("flat", "evening"))
    assert flat[17] == 0.5
    assert [evening[hour] for hour in (16, 17, 41)] == pytest.approx([0.75, 1.25, 0.75])


def test_the_scheduler_can_be_told_the_same_departure_every_day(tmp_path: Path) -> None:
    study = "departure = 07:30:00\n" + STUDY

    (one,) = inputs(tmp_path, study=study).worlds["spot"].sessions

    stated = datetime.fromtimestamp(one.stated_departure_s, load_study("one-car")[0].zone)
    assert f"{stated:%Y-%m-%d %H:%M}" == "2024-01-16 07:30"
    assert one.departure_s == datetime.fromisoformat("2024-01-16T06:00Z").timestamp()


def test_sessions_of_another_year_keep_weekday_and_hour(tmp_path: Path) -> None:
    study = STUDY.replace('"sessions.csv"', '"sessions.csv"\nclock = "local"\nshift_weeks = [261]')
    sessions = SESSION + "a,2019-01-14 18:00,2019-01-15 07:00,7.4\n"

    (one,) = inputs(tmp_path, study=study, sessions=sessions).worlds["spot"].sessions

    assert one.arrival_s == datetime.fromisoformat("2024-01-15T17:00Z").timestamp()


def test_files_may_be_gzipped_and_commented(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"# where it is from\nat;kWh\n1;2,5\n\n3;NA\n"))

    rows = list(read_rows(path, ["at", "kWh"], ";"))

    assert [(row.line, row.text("kWh")) for row in rows] == [(3, "2,5"), (5, "")]
    assert rows[0].number("kWh", ",") == 2.5


def test_what_is_no_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(b"plain")

    with pytest.raises(BadTable, match=r"data\.csv\.gz: "):
        list(read_rows(path, ["at"]))


@pytest.mark.parametrize("name", bundled_names())
def test_the_bundled_studies_cover_their_days(name: str) -> None:
    study, folder = load_study(name)

    found = load_inputs(study, folder)

    (of,) = found.worlds.values()
    assert len(of.sessions) > 180
    assert not [note for note in found.notes if note.startswith("no ")]
    first = datetime.fromtimestamp(of.sessions[0].arrival_s, study.zone).date()
    assert first >= (study.from_day or date.max)
    assert min(price for price in of.timeline.prices_per_kwh if price is not None) < 0
    days = {day: of.timeline.day_start(day + timedelta(days=1)) - of.timeline.day_start(day)
            for day in (date(2024, 3, 31), date(2024, 10, 27))}  # fmt: skip
    assert list(days.values()) == [23, 25]


def test_the_bundled_data_is_small_and_attributed() -> None:
    _, folder = load_study("one-car")
    files = list(folder.glob("*.gz"))

    assert sum(path.stat().st_size for path in files) <= 300_000
    told = (folder / "ATTRIBUTION.md").read_text()
    assert all(f"`{path.name}`" in told for path in files)
    assert all(gzip.decompress(path.read_bytes()).startswith(b"# ") for path in files)
