"""Services are restarted when they crash, ended in order, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fixtures.waiting import wait_until
from unit.console import supervising
from wattbus_console.processes import launcher
from wattbus_console.processes.child import Service, log_tail
from wattbus_console.processes.supervisor import Supervisor, restart_delay_s

DEADLINE_S = 10.0
SLEEPS = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf'); time.sleep(600)"
)
HAS_CHILD = (
    "import subprocess, sys; "
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid); "
    "import time; time.sleep(600)"
)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(lambda _: None)
    yield supervisor
    supervisor.stop(timeout_s=0.5)


def service(folder: Path, program: str, name: str = "one") -> Service:
    command = (sys.executable, "-u", "-c", program)
    return Service(name, command, {"PATH": os.defpath}, folder / f"{name}.log", folder)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], list[int]]]]:
    """Start a small console with programs; gives its process and their process ids."""
    started: list[subprocess.Popen[bytes]] = []
    pids: list[int] = []

    def start(*programs: str) -> tuple[subprocess.Popen[bytes], list[int]]:
        command = [sys.executable, supervising.__file__, str(tmp_path), *programs]
        process = subprocess.Popen(command, start_new_session=True)
        started.append(process)
        file = tmp_path / "pids"
        wait_until(lambda: file.exists() and file.read_text(), "programs have started")
        pids.extend(int(pid) for pid in file.read_text().split())
        # Beyond the launcher: the program itself runs.
        wait_until(
            lambda: all("launcher" not in " ".join(psutil.Process(p).cmdline()) for p in pids),
            "programs run",
        )
        return process, list(pids)

    yield start
    for process in started:
        process.kill()
        process.wait()
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_restarts_wait_ever_longer_up_to_a_minute() -> None:
    delays_s = [restart_delay_s(failures) for failures in (1, 2, 3, 11, 1000)]

    assert delays_s == [0.1, 0.2, 0.4, 60, 60]


def test_a_crashed_service_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(service(tmp_path, SLEEPS))
    first = supervisor.pids()["one"]

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.exit_status("one") == -signal.SIGKILL, "it has ended")

    wait_until(
        lambda: supervisor.check() or supervisor.pids().get("one", first) != first, "it runs again"
    )


def test_a_service_that_always_crashes_is_not_started_in_a_rush(tmp_path: Path) -> None:
    said: list[str] = []
    now_s = 0.0
    supervisor = Supervisor(said.append, lambda: now_s)
    supervisor.start(service(tmp_path, "raise SystemExit(3)"))
    for _ in range(3):
        wait_until(lambda: supervisor.exit_status("one") is not None, "it has ended")
        supervisor.check()
        supervisor.check()
        assert supervisor.pids() == {}, "it must wait before the next attempt"
        now_s += restart_delay_s(len(said))
        supervisor.check()

    supervisor.stop()

    assert said == ["one has ended with status 3; it is started again"] * 3


def test_services_end_in_the_order_asked_for(tmp_path: Path) -> None:
    says_when = (
        "import signal, sys, time; "
        "signal.signal(signal.SIGTERM, lambda *_: (print(time.monotonic()), sys.exit())); "
        "print('ready'); time.sleep(600)"
    )
    supervisor = Supervisor(lambda _: None)
    for name in ("broker", "scheduler", "other"):
        supervisor.start(service(tmp_path, says_when, name))
    for name in ("broker", "scheduler", "other"):
        wait_until(lambda name=name: "ready" in log_tail(tmp_path / f"{name}.log"), name)

    supervisor.stop([["scheduler"], ["broker"]])

    ended = {
        n: float(log_tail(tmp_path / f"{n}.log").split()[-1])
        for n in ("scheduler", "broker", "other")
    }
    assert ended["scheduler"] < ended["broker"] < ended["other"]


def test_who_does_not_obey_is_killed_with_all_its_children(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(service(tmp_path, STUBBORN, "deaf"))
    supervisor.start(service(tmp_path, HAS_CHILD, "parent"))
    wait_until(lambda: "deaf" in log_tail(tmp_path / "deaf.log"), "it ignores SIGTERM")
    wait_until(lambda: log_tail(tmp_path / "parent.log"), "it has a child")
    grandchild = int(log_tail(tmp_path / "parent.log"))
    pids = [*supervisor.pids().values(), grandchild]

    supervisor.stop(timeout_s=0.3)

    wait_until(lambda: not any(is_alive(pid) for pid in pids), "all have ended")
    assert supervisor.pids() == {}


def test_children_are_in_a_process_group_of_their_own(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(service(tmp_path, SLEEPS))

    pid = supervisor.pids()["one"]

    assert os.getpgid(pid) == pid != os.getpgid(0), "else the terminal's Ctrl-C would hit them"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_console_and_all_its_children(
    console: Callable[..., tuple[subprocess.Popen[bytes], list[int]]], number: signal.Signals
) -> None:
    process, pids = console(SLEEPS, STUBBORN)

    process.send_signal(number)

    assert process.wait(DEADLINE_S) == 0
    assert not [pid for pid in pids if is_alive(pid)]


def test_a_second_signal_hurries(
    console: Callable[..., tuple[subprocess.Popen[bytes], list[int]]], tmp_path: Path
) -> None:
    process, pids = console(STUBBORN)
    wait_until(lambda: "deaf" in log_tail(tmp_path / "0.log"), "it ignores SIGTERM")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)  # some of the time that it is given
    assert is_alive(pids[0]), "it is given its time"
    started_s = time.monotonic()

    process.send_signal(signal.SIGINT)

    process.wait(DEADLINE_S)
    assert time.monotonic() - started_s < 1.5
    assert not is_alive(pids[0])


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_children_die_with_a_console_that_is_killed(
    console: Callable[..., tuple[subprocess.Popen[bytes], list[int]]],
) -> None:
    process, pids = console(SLEEPS, STUBBORN)

    process.kill()

    process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "all have ended")


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_without_the_launcher_a_child_would_outlive_a_killed_console(tmp_path: Path) -> None:
    """The negative control: the same kill, the same child, started directly."""
    file = tmp_path / "pid"
    program = (
        "import subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], process_group=0); "
        f"open({str(file)!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: file.exists() and file.read_text(), "the child runs")
    pid = int(file.read_text())

    process.kill()
    process.wait()

    try:
        time.sleep(0.3)  # in which it would have died
        assert is_alive(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_child_that_starts_after_the_console_has_died_does_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    nobody = 2**22 + 1  # above any process id of Linux
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, str(nobody), "/bin/touch", str(ran)],
        capture_output=True,
        text=True,
        check=False,
    )

    if sys.platform == "linux":
        assert done.returncode != 0
        assert "console has died" in done.stderr
        assert not ran.exists()
