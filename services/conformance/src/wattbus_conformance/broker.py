"""The broker of a run: a Mosquitto of its own with the project's settings, or one that is there."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
START_ATTEMPTS = 5
# A plain user's PATH on Debian lacks /usr/sbin, where the package puts Mosquitto.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
)


class NoBroker(RuntimeError):  # noqa: N818 - says what is missing
    """There is no broker to play on; the message says what to do."""


@dataclass(frozen=True)
class BrokerAccess:
    """Where a broker is, and a folder with `<user>/password` for each of its users."""

    host: str
    port: int
    secrets: Path

    def password_file(self, user: str) -> Path:
        """Return the file with a user's password; NoBroker if it is not there."""
        path = self.secrets / user / "password"
        if not path.is_file():
            raise NoBroker(f"no password of user {user}: {path} is not a file")
        return path


@dataclass
class OwnBroker:
    """A Mosquitto as a child process on a free port of the loopback interface."""

    folder: Path
    files: Path
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def access(self) -> BrokerAccess:
        """How clients reach it."""
        return BrokerAccess("127.0.0.1", self.port, self.folder / "secrets")

    def start(self) -> None:
        """Start it, on the same port as before if it ran already; NoBroker if it does not."""
        program = shutil.which("mosquitto", path=SEARCH_PATH)
        if program is None:
            raise NoBroker("Mosquitto is not installed: sudo apt-get install mosquitto")
        for _ in range(START_ATTEMPTS):
            port = self.port or _free_port()
            self._prepare(port)
            if self._launch(program, port):
                self.port = port
                return
        raise NoBroker(f"Mosquitto does not start: {self._log()[-800:]}")

    def stop(self) -> None:
        """End it as `docker stop` does."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _prepare(self, port: int) -> None:
        done = subprocess.run(  # noqa: S603 - the project's own script
            ["/bin/sh", self.files / "prepare-local.sh", self.folder, str(port)],
            env={**os.environ, "PATH": SEARCH_PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NoBroker(f"{self.files}/prepare-local.sh failed: {done.stderr.strip()}")

    def _launch(self, program: str, port: int) -> bool:
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the broker that was found
                [program, "-c", self.folder / "mosquitto.conf"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal ends us, and we end the broker last.
                start_new_session=True,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if self._process.poll() is not None:
                self._process = None
                return False
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        self.stop()
        return False

    def _log(self) -> str:
        path = self.folder / "mosquitto.log"
        return path.read_text(errors="replace") if path.exists() else ""


def find_files(start: Path) -> Path:
    """Return the project's `broker` folder, at or above a path or beside this package."""
    for place in (start.resolve(), *start.resolve().parents, *Path(__file__).resolve().parents):
        if (place / "broker" / "prepare-local.sh").is_file():
            return place / "broker"
    raise NoBroker("no broker/prepare-local.sh here: run it in the project, or give --broker-host")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
