"""The sidecar `.logger-state.json`: what is told up to which offsets, so a start reads little.

It saves time, not data: without it, the whole of the current files is read at the next start.
"""

import logging
from datetime import date
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from wattbus_logger.append_file import write_atomically
from wattbus_logger.dedup import Interval
from wattbus_logger.league import LeagueState
from wattbus_logger.text_log import NarrativeState

log = logging.getLogger(__name__)

FILE_NAME = ".logger-state.json"


class SenderIntervals(BaseModel):
    """Which messages of one process are recorded."""

    source: str
    boot_id: str
    intervals: list[Interval]


class Checkpoint(BaseModel):
    """How the files stood together at one moment.

    `renames` is what a rotation has set out to do: it is completed at the next start.
    `latest` holds the newest payload of each topic that says how the site stands.
    """

    version: int = 1
    day: date | None = None
    events_inode: int = 0
    events_bytes: int = 0
    rows_bytes: int = 0
    text_bytes: int = 0
    dropped_by_broker: int | None = None
    seen: list[SenderIntervals] = Field(default_factory=list)
    latest: dict[str, str] = Field(default_factory=dict)
    narrative: NarrativeState = Field(default_factory=NarrativeState)
    league: LeagueState = Field(default_factory=LeagueState)
    renames: list[tuple[str, str]] = Field(default_factory=list)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Return the folder's checkpoint, or an empty one if there is none that can be read."""
    path = folder / FILE_NAME
    try:
        checkpoint = Checkpoint.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Checkpoint()
    except ValidationError as error:
        log.warning("%s cannot be read; reads the files instead: %s", path, error.errors()[0])
        return Checkpoint()
    return checkpoint if checkpoint.version == 1 else Checkpoint()


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint durably; OSError leaves the former one."""
    write_atomically(folder / FILE_NAME, checkpoint.model_dump_json().encode())
