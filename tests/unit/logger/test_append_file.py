"""What was appended is whole and on disk, whatever the disk does half-way."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wattbus_logger.append_file import AppendFile, DiskCalls, write_atomically

HEADER = b"a,b\n"


def fails_once(times: int = 1) -> Callable[[], None]:
    left = [times]

    def fail() -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")

    return fail


def test_a_torn_last_line_is_cut_at_start(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"a,b\n1,2\n3,")

    file = AppendFile(path, HEADER)
    file.append(b"5,6\n")

    assert path.read_bytes() == b"a,b\n1,2\n5,6\n"
    assert file.cut_bytes == 2


def test_a_torn_line_longer_than_a_block_is_cut_too(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"{}\n" + b"x" * 200_000)

    assert AppendFile(path).size == 3
    assert path.read_bytes() == b"{}\n"


def test_a_new_file_begins_with_its_header(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    AppendFile(path, HEADER)

    assert path.read_bytes() == HEADER


def test_a_short_write_before_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fail = fails_once()
    writes = 0

    def write(fd: int, data: bytes | memoryview) -> int:
        nonlocal writes
        writes += 1
        if writes == 1:
            return os.write(fd, data[:3])
        fail()
        return os.write(fd, data)

    file = AppendFile(path, disk=DiskCalls(write=write))
    with pytest.raises(OSError, match="No space"):
        file.append(b"12345\n67890\n")

    assert path.read_bytes() == b""
    file.append(b"12345\n67890\n")
    assert path.read_bytes() == b"12345\n67890\n"


def test_after_a_failed_sync_the_piece_is_written_again_as_a_whole(tmp_path: Path) -> None:
    """After a failed fsync the kernel may have thrown the pages away: they count as unwritten."""
    path = tmp_path / "log.csv"
    fail = fails_once()

    def sync(fd: int) -> None:
        fail()
        os.fsync(fd)

    file = AppendFile(path, disk=DiskCalls(sync=sync))
    with pytest.raises(OSError, match="No space"):
        file.append(b"1\n2\n")

    assert path.read_bytes() == b""
    file.append(b"1\n2\n")
    assert path.read_bytes() == b"1\n2\n"


def test_what_could_not_be_cut_at_once_is_cut_before_the_next_piece(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fail_sync, fail_truncate = fails_once(), fails_once()

    def sync(fd: int) -> None:
        fail_sync()
        os.fsync(fd)

    def truncate(fd: int, size: int) -> None:
        fail_truncate()
        os.ftruncate(fd, size)

    file = AppendFile(path, disk=DiskCalls(sync=sync, truncate=truncate))
    with pytest.raises(OSError, match="No space"):
        file.append(b"1\n2\n")
    assert path.read_bytes() == b"1\n2\n"

    file.append(b"1\n2\n")

    assert path.read_bytes() == b"1\n2\n"


def test_a_file_that_was_taken_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    file = AppendFile(path, HEADER)
    file.append(b"1,2\n")
    path.rename(tmp_path / "taken.csv")

    file.append(b"3,4\n")

    assert path.read_bytes() == b"a,b\n3,4\n"
    assert (tmp_path / "taken.csv").read_bytes() == b"a,b\n1,2\n"


def test_a_replacement_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, b"old")

    def refuse(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("wattbus_logger.append_file.os.fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")

    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
    assert path.read_bytes() == b"old"
