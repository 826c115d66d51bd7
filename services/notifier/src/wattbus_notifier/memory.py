"""Keeps on disk what was told, so that a restart does not tell it again."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

FILE_NAME = "told.json"


def load_told(folder: Path | None) -> tuple[str, ...]:
    """Return the keys that were told; none where nothing was kept, or nothing that can be read."""
    if folder is None:
        return ()
    try:
        keys = json.loads((folder / FILE_NAME).read_text())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        log.warning("what was told before cannot be read: %s", error)
        return ()
    if not isinstance(keys, list):
        log.warning("what was told before cannot be read: no list in %s", folder / FILE_NAME)
        return ()
    return tuple(key for key in keys if isinstance(key, str))


def save_told(folder: Path | None, keys: Iterable[str]) -> None:
    """Keep the keys that were told; what cannot be written is told again after a restart."""
    if folder is None:
        return
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(sorted(keys)))
        beside.replace(path)
    except OSError as error:
        log.warning("what was told cannot be kept: %s", error)
