"""Ports for a run: the usual one, and another when somebody has it or is about to."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wattbus_console.processes import ports

PICK = "import sys; from wattbus_console.processes import ports; print(ports.pick({}), flush=True)"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def test_the_preferred_port_is_taken_and_taken_again() -> None:
    preferred = free_port()

    assert ports.pick(preferred) == preferred
    assert ports.pick(preferred) == preferred


def test_a_port_that_somebody_listens_on_is_left_alone() -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        taken = server.getsockname()[1]

        assert ports.pick(taken) != taken


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_port_that_another_run_is_about_to_use_is_left_alone(is_alive: bool) -> None:
    preferred = free_port()
    program = PICK.format(preferred) + ("; sys.stdin.read()" if is_alive else "")
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == preferred
        if not is_alive:
            other.wait()

        assert (ports.pick(preferred) == preferred) is not is_alive
        other.communicate()


def test_claims_leave_one_file_behind_however_many_there_are(tmp_path: Path) -> None:
    picks = "; ".join(PICK.format(free_port()).split("; ")[-1] for _ in range(3))
    program = f"import sys; from wattbus_console.processes import ports; {picks}"

    subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True
    )

    assert [file.name for file in tmp_path.iterdir()] == [ports.LOCK_NAME]
