"""Run and data folders: locked, found by other commands, earlier files moved aside."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wattbus_console import run_folder
from wattbus_console.mistakes import Mistake
from wattbus_console.run_folder import FolderLock, RunFacts

NOW = datetime(2025, 1, 15, 12, 30, tzinfo=UTC)


def facts(port: int) -> RunFacts:
    return RunFacts(1, "127.0.0.1", port, "home", "/secrets", "/data", None)


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, "--run-dir")

    with pytest.raises(Mistake, match=f"--run-dir {tmp_path} is in use by process [0-9]+"):
        FolderLock(tmp_path, "--run-dir")

    lock.release()
    FolderLock(tmp_path, "--run-dir").release()


def test_only_living_runs_are_found_and_the_newest_first(tmp_path: Path) -> None:
    locks = [FolderLock(tmp_path / name, "run") for name in ("one", "two")]
    for number, name in enumerate(("one", "two", "dead")):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        run_folder.write_facts(folder, facts(1000 + number))

    found = run_folder.running(tmp_path)

    assert {run.port for run in found} == {1000, 1001}
    newest = run_folder.newest(tmp_path)
    assert newest is not None
    for lock in locks:
        lock.release()
    assert run_folder.running(tmp_path) == []


def test_facts_of_another_version_are_not_read(tmp_path: Path) -> None:
    (tmp_path / run_folder.FACTS).write_text('{"port": 1}')

    assert run_folder.read_facts(tmp_path) is None


def test_the_files_of_an_earlier_run_are_moved_aside_with_its_hidden_state(tmp_path: Path) -> None:
    for name in ("battery_log.csv", ".logger-state.json", ".gitkeep", ".lock"):
        (tmp_path / name).write_text(name)

    first = run_folder.move_aside(tmp_path, NOW)
    (tmp_path / "battery_log.csv").write_text("new")
    second = run_folder.move_aside(tmp_path, NOW)

    assert first is not None
    assert second is not None
    assert sorted(path.name for path in first.iterdir()) == [
        ".logger-state.json",
        "battery_log.csv",
    ]
    assert (second / "battery_log.csv").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitkeep", ".lock", "earlier"]
    assert run_folder.move_aside(tmp_path, NOW) is None


def test_wiping_keeps_the_lock(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, "run")
    (tmp_path / "logs").mkdir()
    (tmp_path / "run.json").write_text("{}")

    run_folder.wipe(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [run_folder.LOCK]
    with pytest.raises(Mistake):
        FolderLock(tmp_path, "run")
    lock.release()
