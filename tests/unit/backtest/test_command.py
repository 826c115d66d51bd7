"""The command `backtest`: what it prints and writes, and what the documentation shows of it."""

import csv
import io
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from wattbus_scheduler import cli
from wattbus_scheduler.backtest.study import load_study

ROOT = Path(__file__).resolve().parents[3]
WEEK = ["--from", "2024-11-04", "--to", "2024-11-17", "--strategy", "cheapest", "--jobs", "1"]
HEADER = (
    "at,local_time,station,is_plugged_in,energy_register_wh,transaction_id,house_load_w,"
    "fuse_power_w,price_per_kwh,currency,station_max_power_w,battery_capacity_wh,"
    "charging_efficiency\n"
)


def run(*arguments: str) -> tuple[int, str]:
    printed = io.StringIO()
    status = cli.run(cli.parser().parse_args(["backtest", *arguments]), printed)
    return status, printed.getvalue()


def block(path: Path, name: str) -> str:
    begin = f"<!-- generated: {name} -->\n"
    text = path.read_text("utf-8")
    return text.split(begin)[1].split("<!-- end -->")[0] if begin in text else ""


def test_the_documented_league_is_what_the_command_prints() -> None:
    """The README may show the same table; then it holds there, too."""
    status, printed = run("--markdown", "--quiet")

    assert status == 0
    assert block(ROOT / "docs/backtest.md", "backtest") == printed
    assert block(ROOT / "README.md", "backtest") in {"", printed}


def test_the_documented_league_of_ten_cars_is_what_the_command_prints() -> None:
    """Two years of joint plans take minutes: a month of the quick strategies is played here."""
    quick = [part for name in ("cheapest", "load", "threshold") for part in ("--strategy", name)]
    days = ["--from", "2024-11-01", "--to", "2024-11-30"]

    status, printed = run("garage", *days, *quick, "--markdown", "--quiet", "--jobs", "1")

    assert status == 0
    assert block(ROOT / "docs/backtest.md", "backtest garage") == printed


def test_the_terminal_shows_a_league(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = run(*WEEK)

    assert status == 0
    lines = [line.split()[0] for line in printed.splitlines()[1:]]
    assert lines == ["strategy", "hindsight", "cheapest", "now"]
    assert "3 strategies, 1 processes" in capsys.readouterr().err


def test_the_service_loads_nothing_of_it() -> None:
    program = "import sys, wattbus_scheduler.main; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()

    assert not {"numpy", "rich", "matplotlib", "highspy"} & set(loaded)
    assert "wattbus_scheduler.backtest.running" not in loaded


def test_everything_can_be_had_as_json_and_csv(tmp_path: Path) -> None:
    rows_path = tmp_path / "sessions.csv"

    status, printed = run(*WEEK, "--json", "--csv", str(rows_path))

    assert status == 0
    (tariff,) = json.loads(printed)["tariffs"]
    rows = list(csv.DictReader(rows_path.open()))
    for line in tariff["league"]:
        mine = [row for row in rows if row["strategy"] == line["strategy"]]
        assert len(mine) == line["sessions"] > 5
        assert sum(float(row["cost"]) for row in mine) == pytest.approx(line["cost"], abs=0.01)
    assert list(tariff["months"]["now"]) == ["2024-11"]


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    for name in ("league.png", "league.svg"):
        status, _ = run(*WEEK, "--plot", str(tmp_path / name), "--quiet")

        assert status == 0
        assert (tmp_path / name).stat().st_size > 20_000


def test_the_same_files_elsewhere_give_the_same(tmp_path: Path) -> None:
    _, folder = load_study("one-car")
    (tmp_path / "below").mkdir()
    for path in folder.glob("*.gz"):
        shutil.copy(path, tmp_path / "below")

    assert run(*WEEK, "--data", str(tmp_path), "--markdown") == run(*WEEK, "--markdown")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-study"], "no-such-study: no such file, and no bundled study (garage, one-car)"),
        (["--data", "/no/such"], "/no/such: no such folder"),
        (["--recording", "/no/such"], "/no/such: no battery_log.csv"),
        (["--from", "2031-01-01"], "no price from 2031-01-01"),
        (["--recording", "data", "--data", "."], "--recording takes neither"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = run(*arguments)

    assert (status, printed) == (2, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wattbus-scheduler backtest: ")
    assert message in line


def recording(folder: Path) -> None:
    """Write two nights of a logger: plugged in from 18:00, charged at once at the dear price."""
    start, rows, register_wh = load_study("one-car")[0].from_day, [], 0.0
    assert start is not None
    for quarter in range(4 * 48 + 1):
        hour = quarter / 4
        of_day = hour % 24
        is_plugged = of_day >= 18 or of_day < 7
        price = 2.0 if 17 <= of_day < 22 else 0.5
        at = f"{start + timedelta(days=int(hour // 24))}T{int(of_day):02}:{quarter % 4 * 15:02}:00Z"
        local = hour + 1
        local_day = start + timedelta(days=int(local // 24))
        local_time = f"{local_day} {int(local % 24):02}:{quarter % 4 * 15:02}:00"
        plug = "true" if is_plugged else "false"
        rows.append(
            f"{at},{local_time},car1,{plug},{register_wh:.1f},,900,11000,{price},SEK,7400,46300,1"
        )
        if 18 <= of_day < 20:
            register_wh += 7400 / 4
    (folder / "battery_log.csv").write_text(HEADER + "\n".join(rows) + "\n")


def test_a_recording_is_played_with_other_strategies(tmp_path: Path) -> None:
    recording(tmp_path)

    status, printed = run(
        "--recording", str(tmp_path), "--strategy", "cheapest", "--json", "--jobs", "1"
    )

    assert status == 0
    (tariff,) = json.loads(printed)["tariffs"]
    league = {line["strategy"]: line for line in tariff["league"]}
    assert league["now"]["sessions"] == 2
    assert league["now"]["energy_wh"] == pytest.approx(2 * 14_800, abs=2)
    assert league["now"]["cost"] == pytest.approx(2 * 14.8 * 2.0, abs=0.02)
    assert league["cheapest"]["cost"] == pytest.approx(2 * 14.8 * 0.5, abs=0.02)


def test_a_bad_row_of_a_recording_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording(tmp_path)
    path = tmp_path / "battery_log.csv"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace(",900,", ",much,")
    path.write_text("\n".join(lines) + "\n")

    status, _ = run("--recording", str(tmp_path))

    assert status == 2
    assert "battery_log.csv, line 5, column house_load_w: 'much' is no number" in (
        capsys.readouterr().err
    )
