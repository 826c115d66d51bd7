"""Chaos that is interrupted leaves no process, no port and no folder behind."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from chaos.system import BRIDGE
from fixtures.broker_process import ROOT
from fixtures.sessions import wait_until

START_S = 90.0
END_S = 60.0


@pytest.mark.slow
def test_interrupted_chaos_leaves_nothing_behind(mosquitto: str, tmp_path: Path) -> None:
    chaos = subprocess.Popen(
        [sys.executable, "-m", "chaos", "scheduler-away"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started: list[psutil.Process] = []
    try:
        wait_until(lambda: f"wattbus-{BRIDGE}" in commands(chaos), "all of it runs", START_S)
        started = psutil.Process(chaos.pid).children(recursive=True)

        chaos.send_signal(signal.SIGINT)

        assert chaos.wait(END_S) != 0
        wait_until(lambda: not any(map(lives, started)), "all that it has started ends", END_S)
        assert not list(tmp_path.iterdir())
    finally:
        chaos.kill()
        chaos.wait()
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def lives(process: psutil.Process) -> bool:
    try:
        # One that has ended and was not waited for by init yet does nothing any more.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def commands(process: "subprocess.Popen[bytes]") -> str:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        # It may have ended since.
        with suppress(psutil.NoSuchProcess):
            found.append(" ".join(child.cmdline()))
    return "\n".join(found)
