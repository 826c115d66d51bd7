"""The command line: help with an example everywhere, mistakes in one plain line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattbus_console.main import build

COMMANDS = (
    "demo", "up", "watch", "doctor", "mode", "goal", "strategy", "report", "plot", "replay",
    "compare", "plan", "backtest", "conformance",
)  # fmt: skip
WATTBUS = Path(sys.executable).parent / "wattbus"


def run(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATTBUS_")}
    return subprocess.run(
        [WATTBUS, *arguments],
        env={**kept, "COLUMNS": "100", **environment},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(build(), [command, "--help"])

    assert result.exit_code == 0
    assert f"wattbus {command}" in result.output.split("Examples:")[1]


def test_the_command_alone_lists_its_commands() -> None:
    result = CliRunner().invoke(build(), [])

    for command in COMMANDS:
        assert command in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["goal", "car1"], "give at least one of --target, --minimum, --departure, --price-cap,"),
        (["goal", "car1", "--weekly", "montag 07:00x"], "such as 'mon-fri 07:00'"),
        (["goal", "car1", "--weekly", "mon-frog 07:00"], "'frog' is no day; days are mon, tue"),
        (["goal", "car1", "--max-current", "0"], "max_current_a"),
        (["goal", "car1", "--max-current", "9", "--clear", "max-current"], "or clear it, not both"),
        (["goal", "car1", "--departure", "25:00"], "departure_time"),
        (["goal", "car1", "--departure", "2025-01-16T07:00"], "needs its offset"),
        (["up", "--seconds-per-hour", "fast"], "takes 0.05 to 3600, or real"),
        (["up", "--seconds-per-hour", "nan"], "takes 0.05 to 3600, or real"),
        (["demo", "--scenario", "none.toml"], "there is no such file"),
        (["replay", "--data-dir", "/nonexistent"], "no recording there"),
        (["report", "--data-dir", "/nonexistent"], "no such folder"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(arguments: list[str], told: str) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("wattbus: ")


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    done = run("mode", "car1", "fast")

    assert done.returncode == 2
    assert "smart" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_broker_is_told_with_the_ways_to_get_one() -> None:
    # Port 9 is "discard": nobody listens there.
    done = run("mode", "car1", "now", "--host", "127.0.0.1", "--port", "9")

    assert done.returncode == 2
    assert "no broker answers at 127.0.0.1:9" in done.stderr
    assert "wattbus up" in done.stderr


def test_outside_of_the_project_the_folder_is_asked_for(tmp_path: Path) -> None:
    done = run("up", cwd=tmp_path, WATTBUS_HOME=str(tmp_path))

    assert done.returncode == 2
    assert "WATTBUS_HOME" in done.stderr


def test_a_bad_strategy_is_told_by_the_scheduler_itself(tmp_path: Path, mosquitto: str) -> None:
    done = run(
        *("up", "--strategy", "greedy"),
        *("--data-dir", str(tmp_path / "data"), "--run-dir", str(tmp_path / "run")),
    )

    assert done.returncode == 2
    assert "scheduler has ended with status 1" in done.stderr
    assert "greedy" in done.stderr
    assert "Traceback" not in done.stderr


def test_arguments_are_handed_on_to_the_scheduler() -> None:
    done = run("compare", "--scenario", "default-day", "--markdown")

    assert done.returncode == 0
    assert "| cheapest |" in done.stdout
    assert "13.73 kr" in done.stdout


def test_the_doctor_without_a_broker_says_how_to_start_one() -> None:
    done = run("doctor", "--host", "127.0.0.1", "--port", "9")

    assert done.returncode == 1
    assert "no broker answers at 127.0.0.1:9" in done.stdout
    assert "wattbus up" in done.stdout
