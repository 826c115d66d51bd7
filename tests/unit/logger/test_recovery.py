"""A start brings the folder into order: nothing twice, nothing missing, nothing mixed."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from unit.logger.conftest import TODAY, record
from unit.logger.course_day import Bridge, day_messages, reading
from wattbus_contract import topics
from wattbus_logger.checkpoint import FILE_NAME
from wattbus_logger.recovery import recover
from wattbus_logger.rows import HEADER
from wattbus_logger.writer import Writer

FILES = ("battery_log.csv", "charging_log.txt", "events.jsonl")


def messages(count: int | None = None) -> list[tuple[str, bytes]]:
    return list(day_messages(Bridge(boot_id="b"), poll_h=0.25))[:count]


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def rows(folder: Path) -> list[str]:
    return (folder / "battery_log.csv").read_text().splitlines()[1:]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The folder as it should be: all messages recorded by one process."""
    folder = tmp_path / "whole"
    folder.mkdir()
    record(folder, messages())
    return folder


def test_messages_that_come_again_after_a_restart_are_recorded_once(
    tmp_path: Path, whole: Path
) -> None:
    folder = tmp_path / "twice"

    folder.mkdir()
    record(folder, messages(60))
    again = record(folder, messages())
    record(folder, messages())

    assert contents(folder) == contents(whole)
    # What came again is confirmed again: the bridge has evidently not heard it.
    assert again.confirmed[0][2:] == (1, again.confirmed[0][3])


@pytest.mark.parametrize("lost", ["battery_log.csv", "charging_log.txt"])
@pytest.mark.parametrize("left", [0.0, 0.3, 0.61, 0.999])
def test_a_process_that_ended_between_two_files_has_its_rows_told_at_the_next_start(
    tmp_path: Path, whole: Path, lost: str, left: float
) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    record(folder, messages(20))
    state = (folder / FILE_NAME).read_bytes()
    record(folder, messages())
    # Everything as if no checkpoint had been written after the first messages.
    (folder / FILE_NAME).write_bytes(state)
    path = folder / lost
    begin = json.loads(state)["rows_bytes" if lost.endswith("csv") else "text_bytes"]
    data = path.read_bytes()
    path.write_bytes(data[: begin + int((len(data) - begin) * left)])

    store, _ = recover(folder, TODAY)
    store.close()

    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("damage", ["missing", "garbage", "older"])
def test_without_a_checkpoint_the_files_are_read_instead(
    tmp_path: Path, whole: Path, damage: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    path = folder / FILE_NAME
    if damage == "missing":
        path.unlink()
    else:
        path.write_text("{" if damage == "garbage" else '{"version": 0}')

    record(folder, messages())

    assert contents(folder) == contents(whole)


def test_a_folder_copied_elsewhere_goes_on(tmp_path: Path, whole: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    bridge = Bridge(boot_id="c")
    more = bridge.say(topics.METER, reading(bridge.sent_at), station="car1")

    record(folder, [*messages(), more])

    assert rows(folder)[:-1] == rows(whole)
    assert rows(folder)[-1].endswith("station-bridge,c,1")


def test_a_torn_recording_is_cut_and_what_comes_again_recorded(tmp_path: Path, whole: Path) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    record(folder, messages(40))
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b'{"received_at":"2026-11-21T06:00:0')

    record(folder, messages())

    assert contents(folder) == contents(whole)


def test_a_file_with_another_header_is_set_aside_and_not_mixed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "battery_log.csv").write_text("time,soc\n20:00,55\n")

    record(tmp_path, messages())

    aside = tmp_path / f"battery_log.set-aside-{TODAY}.csv"
    assert aside.read_text() == "time,soc\n20:00,55\n"
    assert (tmp_path / "battery_log.csv").read_text().startswith(f"{HEADER}\n")
    assert aside.name in caplog.text


def test_a_new_version_of_the_columns_does_not_tell_old_rows_again(tmp_path: Path) -> None:
    record(tmp_path, messages(40))
    path = tmp_path / "battery_log.csv"
    (tmp_path / FILE_NAME).unlink()
    path.write_text(path.read_text().replace("soc_percent", "soc", 1))

    record(tmp_path, messages(40))

    assert rows(tmp_path) == []


def test_a_will_is_recorded_for_each_connection_but_not_twice(tmp_path: Path) -> None:
    """All wills of a process carry seq 0, as the contract says."""

    def will(connection: int) -> tuple[str, bytes]:
        status = {
            "schema": "service-status/1", "sent_at": "2026-11-21T06:00:00Z", "boot_id": "s",
            "source": "scheduler", "seq": 0, "status": "down", "health": "ok", "version": "1",
            "connection": connection, "started_at": "2026-11-21T06:00:00Z",
        }  # fmt: skip
        topic = "wattbus/v1/home/service/scheduler/scheduler/status"
        return topic, json.dumps(status).encode()

    record(tmp_path, [will(1), will(1), will(2)])

    assert (tmp_path / "events.jsonl").read_bytes().count(b'"down"') == 2


class KilledError(BaseException):
    """The process ends here."""


def kill_at(monkeypatch: pytest.MonkeyPatch, deadly: int) -> None:
    """Count every rename and every replacement of a file; the `deadly`th one ends the process."""
    steps = [0]

    def step() -> None:
        steps[0] += 1
        if steps[0] == deadly:
            raise KilledError

    for name in ("rename", "replace"):
        real = getattr(Path, name)

        def counted(self: Path, target: Path, real: Callable[..., Path] = real) -> Path:
            step()
            return real(self, target)

        monkeypatch.setattr(Path, name, counted)


@pytest.mark.parametrize("deadly", range(1, 7))
def test_a_rotation_may_be_killed_at_any_point(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, deadly: int
) -> None:
    folder = tmp_path / "rotated"
    folder.mkdir()
    record(folder, messages(60))
    store, intake = recover(folder, TODAY)
    writer = Writer(store, intake, now=lambda: at(days=1))
    with monkeypatch.context() as patch:
        kill_at(patch, deadly)
        with pytest.raises(KilledError):
            writer.keep_folder()
    store.close()

    record(folder, messages())

    files = sorted(folder.glob("battery_log*.csv"))
    recorded = [line for file in files for line in file.read_text().splitlines()[1:]]
    assert sorted(recorded) == sorted(rows(whole))


def at(days: int) -> datetime:
    return datetime(2026, 11, 21, 6, tzinfo=UTC) + timedelta(days=days)


def test_yesterdays_files_get_their_date_and_todays_recording_stands_on_its_own(
    tmp_path: Path, whole: Path
) -> None:
    store, intake = recover(whole, TODAY)
    writer = Writer(store, intake, now=lambda: at(days=1))
    former = contents(whole)

    writer.keep_folder()
    writer.close()

    assert (whole / f"battery_log.{TODAY}.csv").read_bytes() == former["battery_log.csv"]
    assert (whole / f"events.{TODAY}.jsonl").read_bytes() == former["events.jsonl"]
    assert (whole / f"charging_log.{TODAY}.txt").read_bytes() == former["charging_log.txt"]
    assert rows(whole) == []
    recorded = [json.loads(line) for line in (whole / "events.jsonl").read_text().splitlines()]
    assert {document["topic"].rsplit("/", 1)[-1] for document in recorded} == {"info", "goal"}
    assert all(document["retain"] for document in recorded)


def test_a_second_rotation_of_a_day_does_not_overwrite_the_first(tmp_path: Path) -> None:
    folder = tmp_path
    for number in (1, 2):
        record(folder, messages(10 * number))
        store, intake = recover(folder, TODAY)
        store.day = TODAY
        store.rotate(TODAY, intake, "2026-11-21T06:00:00.000Z")
        store.close()

    assert len((folder / f"battery_log.{TODAY}.csv").read_text().splitlines()) > 1
    assert (folder / f"battery_log.{TODAY}.2.csv").exists()
