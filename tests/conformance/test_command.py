"""The command itself: exit status, output, and nothing left behind."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from fixtures.conformance_suite import ROOT
from fixtures.waiting import wait_until

SUITE = [str(Path(sys.executable).with_name("wattbus-conformance"))]
STARTED_WITHIN_S = ENDED_WITHIN_S = 90
MINIMAL = f"{sys.executable} {ROOT}/docs/examples/scheduler-minimal.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SUITE, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.slow
def test_command_holds_a_point_and_says_so_in_json(mosquitto: str) -> None:
    done = run("--command", MINIMAL, "--only", "fuse-house", "--json", "--patience", "6")

    assert done.returncode == 0, done.stdout + done.stderr
    points = json.loads(done.stdout)["points"]
    assert [(point["id"], point["outcome"]) for point in points] == [("fuse-house", "holds")]


@pytest.mark.slow
def test_scheduler_that_ends_at_once_does_not_conform_and_is_quoted(mosquitto: str) -> None:
    command = f"{sys.executable} -c 'raise SystemExit(\"out of ideas\")'"

    done = run("--command", command, "--only", "limit-reason")

    assert done.returncode == 1
    assert "out of ideas" in run("--command", command, "--only", "limit-all").stdout


def test_missing_program_is_no_verdict(mosquitto: str) -> None:
    done = run("--command", "no-such-scheduler --please", "--only", "mode-off")

    assert done.returncode == 2
    assert "no-such-scheduler" in done.stderr


def test_missing_broker_is_no_verdict(tmp_path: Path) -> None:
    for user in ("scheduler", "station-bridge"):
        (tmp_path / user).mkdir()
        (tmp_path / user / "password").write_text("x" * 8)

    done = run(
        "--command", MINIMAL, "--only", "mode-off", "--secrets", str(tmp_path),
        "--broker-host", "127.0.0.1", "--broker-port", "1",
    )  # fmt: skip

    assert done.returncode == 2
    assert "127.0.0.1:1" in done.stderr


def schedulers_of(parent: psutil.Process) -> int:
    """Count the schedulers under test; a child may end while it is looked at."""
    count = 0
    for child in parent.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            count += "scheduler-minimal.py" in " ".join(child.cmdline())
    return count


def test_interrupted_suite_leaves_no_process_behind(mosquitto: str) -> None:
    process = subprocess.Popen(
        [*SUITE, "--command", MINIMAL],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    parent = psutil.Process(process.pid)
    wait_until(lambda: schedulers_of(parent) >= 2, "two schedulers run", STARTED_WITHIN_S)
    children = parent.children(recursive=True)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=ENDED_WITHIN_S)

    assert process.returncode == 130
    assert psutil.wait_procs(children, timeout=ENDED_WITHIN_S)[1] == []
