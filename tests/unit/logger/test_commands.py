"""The commands beside the service: report and plot, their words and their exit status."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from unit.logger.conftest import record
from unit.logger.course_day import Bridge, day_messages, reading
from wattbus_contract import topics
from wattbus_logger.main import main

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_report_is_a_table_that_people_can_read(
    course_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--data", str(course_folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Charging sessions"
    assert lines[1].split() == [
        "station", "from", "until", "energy", "cost", "at", "once", "saving", "hours", "SoC",
        "target", "short", "of", "goal",
    ]  # fmt: skip
    assert (
        "27.78 kWh  13.73 kr  20.38 kr  6.65 kr (33 %)   3.75  20.0 -> 80.0 %    80 %" in lines[2]
    )
    assert lines[6].startswith("2025-01-15  car1     27.78 kWh  13.73 kr")


def test_the_report_for_programs_has_the_same_figures(
    course_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["report", "--data", str(course_folder), "--day", "2025-01-15", "--json"])

    document = json.loads(capsys.readouterr().out)
    (day,) = document["days"]
    assert (day["period"], day["currency"]) == ("2025-01-15", "SEK")
    assert day["cost"] == pytest.approx(13.7287, abs=0.001)
    assert day["reference_cost"] == pytest.approx(20.379, abs=0.001)
    assert day["charging_hours"] == pytest.approx(3.754, abs=0.001)
    assert document["problems"] == []


def test_a_day_without_a_car_is_no_error(
    course_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--data", str(course_folder), "--day", "2024-01-01"]) == 0
    assert capsys.readouterr().out == "No car was plugged in during this time.\n"


def test_a_station_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bridge = Bridge()
    other = [bridge.say(topics.METER, reading(bridge.sent_at), station="car2") for _ in range(3)]
    record(tmp_path, [*day_messages(bridge), *other])

    main(["report", "--data", str(tmp_path), "--station", "car2", "--from", "2025-01-01"])

    out = capsys.readouterr().out
    assert "car2" in out
    assert "car1" not in out


@pytest.mark.parametrize("command", ["report", "plot", "refresh"])
@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "nothing has been recorded yet"), ("", "nothing"), ("a,b\n1,2\n", "header lacks")],
)
def test_what_cannot_be_read_ends_with_one_clear_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    content: str | None,
    word: str,
) -> None:
    if content is not None:
        (tmp_path / "battery_log.csv").write_text(content)

    assert main([command, "--data", str(tmp_path)]) == 2

    error = capsys.readouterr().err
    assert word in error
    assert error.startswith(f"wattbus-logger {command}: ")
    assert error.count("\n") == 1


def test_a_date_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", "--day", "yesterday"])

    assert ended.value.code == 2
    assert "'yesterday' is no date such as 2025-01-15" in capsys.readouterr().err


def test_broken_rows_are_told_beside_the_report(
    course_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (course_folder / "battery_log.csv").open("a") as file:
        file.write("half a row\n")

    assert main(["report", "--data", str(course_folder)]) == 0

    told = capsys.readouterr()
    assert "13.73 kr" in told.out
    assert "left out: 1 cells instead of 38" in told.err


def test_plot_and_report_are_refreshed_together(course_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wattbus_logger", "refresh", "--data", course_folder],
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stderr == ""
    assert (course_folder / "battery_plot.png").read_bytes().startswith(PNG)
    assert "13.73 kr" in (course_folder / "report.txt").read_text()
    with (course_folder / "report.csv").open(newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert kinds == ["session", "day"]
    assert not list(course_folder.glob("*.new"))


def test_the_service_does_not_load_what_only_plots_need() -> None:
    code = (
        "import sys, wattbus_logger.main; "
        "print([m for m in ('pandas', 'matplotlib', 'numpy') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"
