"""The folder of what must outlive the process: locked by one bridge, written atomically."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from wattbus_contract.broker_settings import BadSetting


def lock(folder: Path) -> IO[str]:
    """Make the folder and lock it; keep the returned file open. BadSetting when it is taken."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise BadSetting(f"WATTBUS_STATE_DIR = {str(folder)!r}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise BadSetting(
            f"WATTBUS_STATE_DIR = {str(folder)!r}: another station-bridge (process {owner}) "
            "uses it; two bridges for one site would both command its stations"
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def write(path: Path, document: object) -> None:
    """Replace a JSON file so that a crash leaves the old or the new one, and sync it."""
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object, {} for a file that is missing; BadSetting for one that is broken."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadSetting(f"{path}: cannot be read ({error}); remove it to begin anew") from error
    if not isinstance(document, dict):
        raise BadSetting(f"{path}: is no JSON object; remove it to begin anew")
    return document
