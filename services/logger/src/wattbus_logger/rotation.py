"""Which file holds which day: today's have plain names, older ones carry their date."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wattbus_logger.append_file import sync_folder

EVENTS = "events.jsonl"
ROWS = "battery_log.csv"
TEXT = "charging_log.txt"
QUARANTINE = "quarantine.jsonl"
CURRENT_NAMES = (EVENTS, ROWS, TEXT, QUARANTINE)

_DATED = re.compile(r"(?P<stem>[^.]+)\.(?P<day>\d{4}-\d\d-\d\d)(\.(?P<part>\d+))?(?P<suffix>\.\w+)")


@dataclass(frozen=True, slots=True, order=True)
class DatedFile:
    """A file of an older day; `part` counts from 1 where a day has several."""

    day: date
    part: int
    path: Path


def dated_name(name: str, day: date, part: int = 1) -> str:
    """Return `battery_log.2026-11-20.csv`, or `battery_log.2026-11-20.2.csv` for part 2."""
    stem, suffix = name.split(".", 1)
    number = "" if part == 1 else f".{part}"
    return f"{stem}.{day:%Y-%m-%d}{number}.{suffix}"


def dated_files(folder: Path, name: str) -> list[DatedFile]:
    """Return the older files of one kind, oldest first."""
    stem, suffix = name.split(".", 1)
    found = []
    for path in folder.glob(f"{stem}.*.{suffix}"):
        match = _DATED.fullmatch(path.name)
        if match is not None:
            part = int(match["part"] or 1)
            found.append(DatedFile(date.fromisoformat(match["day"]), part, path))
    return sorted(found)


def renames_for(folder: Path, day: date) -> list[tuple[str, str]]:
    """Return what to rename so that today's names are free; all get the same free part number."""
    present = [name for name in CURRENT_NAMES if (folder / name).exists()]
    part = 1
    while any((folder / dated_name(name, day, part)).exists() for name in present):
        part += 1
    return [(name, dated_name(name, day, part)) for name in present]


def carry_out(folder: Path, renames: list[tuple[str, str]]) -> None:
    """Do what is left of a rotation; may be repeated after it was interrupted."""
    for name, dated in renames:
        if (folder / name).exists() and not (folder / dated).exists():
            (folder / name).rename(folder / dated)
    sync_folder(folder)


def set_aside(folder: Path, name: str, today: date) -> Path:
    """Rename a file that must not be appended to; returns its new path."""
    stem, suffix = name.split(".", 1)
    part = 1
    while True:
        number = "" if part == 1 else f".{part}"
        target = folder / f"{stem}.set-aside-{today:%Y-%m-%d}{number}.{suffix}"
        if not target.exists():
            (folder / name).rename(target)
            sync_folder(folder)
            return target
        part += 1
