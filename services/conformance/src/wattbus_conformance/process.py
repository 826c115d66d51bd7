"""Starts the scheduler under test as a process or a container, and ends it for certain."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

LAST_CHARACTERS = 400
STOP_TIMEOUT_S = 10.0


class CannotStart(RuntimeError):  # noqa: N818 - says what happened
    """The scheduler could not be started at all."""


class Child:
    """One running scheduler. `name` is the container's name where it is one."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, name: str | None) -> None:
        self._process = process
        self._log = log
        self._name = name

    @property
    def exit_status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.exit_status is None

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process itself, as `docker stop` does; docker passes it on."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it has started with SIGKILL."""
        if self._name is not None:
            subprocess.run(  # noqa: S603 - our own container's name
                [_docker(), "kill", self._name], capture_output=True, check=False
            )
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT_S)

    def last_words(self) -> str:
        """Return the end of what it has written to stdout and stderr, on one line."""
        text = self._log.read_text(errors="replace")[-LAST_CHARACTERS:]
        return " ".join(text.split()) or "(no output)"


class Launcher(Protocol):
    """Starts one scheduler with the given settings, its output going to `log`."""

    def __call__(self, settings: Mapping[str, str], log: Path) -> Child:
        """Start it; CannotStart when that is impossible."""
        ...


@dataclass(frozen=True)
class CommandLauncher:
    """Starts a command line, without a shell."""

    command: str

    def __call__(self, settings: Mapping[str, str], log: Path) -> Child:
        """Start the command; CannotStart if there is no such program."""
        words = shlex.split(self.command)
        if not words or shutil.which(words[0]) is None:
            raise CannotStart(f"no such program: {self.command!r}")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("WATTBUS_MQTT_")}
        return _spawn(words, {**inherited, **settings}, log, None)


@dataclass(frozen=True)
class ImageLauncher:
    """Starts an image with `docker run` on the host's network.

    Settings are passed by name, so that no password is on a command line, and the password file
    is mounted as a copy that any user in the container can read.
    """

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, settings: Mapping[str, str], log: Path) -> Child:
        """Start the container; CannotStart without a Docker client."""
        name = f"wattbus-conformance-{uuid.uuid4().hex[:12]}"
        inside = "/run/secrets/wattbus/password"
        folder = Path(tempfile.mkdtemp(dir=log.parent))
        folder.chmod(0o755)
        copy = folder / "password"
        copy.write_text(settings["WATTBUS_MQTT_PASSWORD"])
        copy.chmod(0o444)
        given = {**self.environment, **settings, "WATTBUS_MQTT_PASSWORD_FILE": inside}
        words = [_docker(), "run", "--rm", "--init", "--network=host", f"--name={name}"]
        words += [f"--volume={copy}:{inside}:ro"]
        words += [word for key in given for word in ("--env", key)]
        return _spawn([*words, self.image], {**os.environ, **given}, log, name)


def _spawn(words: list[str], environment: Mapping[str, str], log: Path, name: str | None) -> Child:
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the very command that the user asks to test
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotStart(f"{words[0]}: {error}") from error
    return Child(process, log, name)


def _docker() -> str:
    path = shutil.which("docker")
    if path is None:
        raise CannotStart("--image needs Docker: no docker command on the PATH")
    return path
