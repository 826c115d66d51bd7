"""The folder of a local run: its lock, its facts for other commands, its logs and secrets."""

import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from wattbus_console.mistakes import Mistake

FACTS = "run.json"
LOCK = ".console-lock"
LOGGER_LOCK = ".lock"
"""What the logger holds in its data folder."""
EARLIER = "earlier"


@dataclass(frozen=True)
class RunFacts:
    """What other commands need to know of a run; paths are absolute."""

    pid: int
    host: str
    port: int
    site: str
    secrets: str
    data_dir: str
    simulator_url: str | None

    def password_file(self, user: str) -> Path:
        """Return the file that holds a broker user's password."""
        return Path(self.secrets) / user / "password"


class FolderLock:
    """Held as long as this process lives, also when it is killed: the kernel lets go of it."""

    def __init__(self, folder: Path, what: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (folder / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise Mistake(f"{what} {folder} is in use by process {holder}") from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others have the folder."""
        self._file.close()


def is_locked(folder: Path, name: str = LOCK) -> bool:
    """Tell whether a living process holds a folder."""
    try:
        with (folder / name).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_facts(folder: Path, facts: RunFacts) -> None:
    """Tell other commands of this run."""
    (folder / FACTS).write_text(json.dumps(asdict(facts), indent=2) + "\n")


def read_facts(folder: Path) -> RunFacts | None:
    """Return a run's facts, or None where there are none that can be read."""
    try:
        return RunFacts(**json.loads((folder / FACTS).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running(runs: Path) -> list[RunFacts]:
    """Return the local runs that are alive, the newest first."""
    folders = [path.parent for path in runs.glob(f"*/{FACTS}") if is_locked(path.parent)]
    folders.sort(key=lambda folder: (folder / FACTS).stat().st_mtime, reverse=True)
    return [facts for folder in folders if (facts := read_facts(folder)) is not None]


def newest(runs: Path) -> RunFacts | None:
    """Return the newest local run, alive or not."""
    folders = sorted(runs.glob(f"*/{FACTS}"), key=lambda path: path.stat().st_mtime)
    return read_facts(folders[-1].parent) if folders else None


def wipe(folder: Path) -> None:
    """Empty a run folder but for its lock."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def move_aside(data_dir: Path, now: datetime) -> Path | None:
    """Move an earlier run's files to `earlier/<time>`; returns that folder, None if none were."""
    found = [
        path
        for path in data_dir.iterdir()
        if path.name not in {EARLIER, LOCK, LOGGER_LOCK, ".gitkeep"}
    ]
    if not found:
        return None
    target = data_dir / EARLIER / f"{now:%Y-%m-%dT%H%M%S}"
    number = 1
    while target.exists():
        number += 1
        target = data_dir / EARLIER / f"{now:%Y-%m-%dT%H%M%S}-{number}"
    target.mkdir(parents=True)
    for path in found:
        path.rename(target / path.name)
    return target
