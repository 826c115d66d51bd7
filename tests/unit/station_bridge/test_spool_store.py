import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.station_bridge.spool_parts import (
    EARLIER,
    EVENT,
    OWN,
    Clock,
    NotingSession,
    open_spool,
    record,
    records,
    span,
)
from wattbus_contract import topics
from wattbus_station_bridge.spool.frame import Record, to_line, to_record
from wattbus_station_bridge.spool.segment import SENT, WAITING, Segment, Sender
from wattbus_station_bridge.spool.sending import SpooledSending
from wattbus_station_bridge.spool.store import Spool

KILLED = """
import os, sys, time
from pathlib import Path
from unit.station_bridge.spool_parts import EARLIER, open_spool, records
spool = open_spool(Path(sys.argv[1]), time.monotonic, EARLIER)
spool.append(records(range(1, 101)))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


def left_in(folder: Path, clock: Clock) -> list[int]:
    """Return what the next process finds to send, in its order."""
    spool = open_spool(folder, clock, Sender("bridge", "boot-next"))
    return [replay.record.seq for replay in spool.take(10_000)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


# --- what is kept -------------------------------------------------------------------------------


def test_what_was_appended_survives_the_kill_of_the_process(tmp_path: Path, clock: Clock) -> None:
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )

    assert child.returncode == -9
    assert left_in(tmp_path, clock) == list(range(1, 101))


def test_the_very_same_bytes_come_back(tmp_path: Path, clock: Clock) -> None:
    sent = Record(7, "wattbus/v1/home/station/car1/meter", '{"text":"öre \\n \\u00e5 }{"}'.encode())
    open_spool(tmp_path, clock).append([sent])

    assert [replay.record for replay in open_spool(tmp_path, clock).take(5)] == [sent]


def test_nothing_is_left_of_what_was_confirmed(tmp_path: Path, clock: Clock) -> None:
    spool = open_spool(tmp_path, clock)
    spool.append(records(range(1, 11)))

    spool.confirm([span(1, 10)])
    spool.close()

    assert not files(tmp_path)
    assert left_in(tmp_path, clock) == []


def test_confirmations_count_in_any_order_twice_and_not_for_others(
    tmp_path: Path, clock: Clock
) -> None:
    spool = open_spool(tmp_path, clock)
    spool.append(records([2, 3, 5, 8, 9, 12]))

    spool.confirm([span(8, 11), span(1, 2)])
    spool.confirm([span(1, 2), span(9, 9)])
    spool.confirm([span(1, 12, Sender("bridge", "foreign")), span(1, 12, Sender("x", "boot-2"))])

    assert spool.figures.unconfirmed == 3
    assert left_in(tmp_path, clock) == [2, 3, 5, 8, 9, 12], "not yet remembered"
    spool.remember()
    assert left_in(tmp_path, clock) == [3, 5, 12]


def test_a_confirmation_for_an_earlier_process_counts(tmp_path: Path, clock: Clock) -> None:
    open_spool(tmp_path, clock, EARLIER).append(records([1, 2, 3]))
    spool = open_spool(tmp_path, clock)
    spool.append(records([1, 2]))

    spool.confirm([span(1, 2, EARLIER)])

    assert [r.record.seq for r in spool.take(10)] == [3]
    assert spool.figures.unconfirmed == 3


@settings(deadline=None)
@given(
    seqs=st.sets(st.integers(1, 60), min_size=1),
    spans=st.lists(st.tuples(st.integers(0, 62), st.integers(0, 12))),
    given_up=st.integers(0, 62),
)
def test_the_index_agrees_with_plain_sets(
    seqs: set[int], spans: list[tuple[int, int]], given_up: int
) -> None:
    segment = Segment(Path("unused"), OWN)
    for number, seq in enumerate(sorted(seqs)):
        assert segment.note(seq, 10 * number, float(number), SENT)
    left = set(seqs)

    for first, length in spans:
        segment.confirm(first, first + length)
        left -= set(range(first, first + length + 1))
        assert segment.unconfirmed == len(left)
    segment.give_up(given_up, before_s=float("inf"))

    waiting = [segment.seq(index) for index in segment.oldest_waiting(100)]
    assert waiting == [seq for seq in sorted(left) if seq < given_up]
    assert segment.waiting == len(waiting)
    oldest = [segment.seq(index) for index in segment.oldest(5, before_s=float("inf"))]
    assert oldest == sorted(left)[:5]


# --- damage -------------------------------------------------------------------------------------


@settings(deadline=None)
@given(cut=st.integers(1, 200))
def test_a_torn_tail_is_cut_and_the_rest_is_kept(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder, clock = tmp_path_factory.mktemp("spool"), Clock()
    open_spool(folder, clock).append(records(range(1, 11), size=60))
    (path,) = files(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])

    left = left_in(folder, clock)

    lines_left = whole[:-cut].count(b"\n") - 1
    assert left == list(range(1, lines_left + 1))
    assert not path.exists() or path.read_bytes().endswith(b"\n")


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_byte_costs_one_message_or_two(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder, clock = tmp_path_factory.mktemp("spool"), Clock()
    open_spool(folder, clock).append(records(range(1, 11), size=60))
    (path,) = files(folder)
    content = bytearray(path.read_bytes())
    first_line = content.index(b"\n") + 1
    place = data.draw(st.integers(first_line, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    left = left_in(folder, clock)

    # A newline that is no more joins two lines.
    assert 8 <= len(left) <= 9
    assert left == sorted(left)


def test_a_damaged_first_line_costs_nothing(tmp_path: Path, clock: Clock) -> None:
    session = NotingSession()
    SpooledSending(session, open_spool(tmp_path, clock)).send(
        [(topics.STATION_EVENT, EVENT, None, {"station": "car1"})] * 3
    )
    (path,) = files(tmp_path)
    path.write_bytes(b"x" + path.read_bytes()[1:])

    spool = open_spool(tmp_path, clock, EARLIER)

    spool.confirm([span(1, 2)])
    assert [r.record.payload for r in spool.take(10)] == session.take()[2:]


@settings(deadline=None)
@given(line=st.binary(max_size=80))
def test_bytes_that_nobody_wrote_are_no_record(line: bytes) -> None:
    assert to_record(line) is None
    assert to_record(line + b"\n") is None


def test_a_payload_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one message a line"):
        to_line(Record(1, "a/b", b"{\n}"))


def test_a_file_that_somebody_deletes_costs_its_messages_only(tmp_path: Path, clock: Clock) -> None:
    spool = open_spool(tmp_path, clock, EARLIER)
    spool.append(records([1, 2]))
    spool = open_spool(tmp_path, clock)
    files(tmp_path)[0].unlink()
    spool.append(records([1]))
    spool.hold([1])

    assert [r.record.seq for r in spool.take(10)] == [1]
    assert spool.figures.dropped == 2


# --- bounds and bad disks -----------------------------------------------------------------------


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path, clock: Clock) -> None:
    spool = open_spool(tmp_path, clock, EARLIER, max_bytes=16_000)
    for seq in range(1, 301):
        spool.append(records([seq], size=100))
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 16_000

    figures = spool.figures
    left = left_in(tmp_path, clock)
    assert figures.is_full
    assert figures.dropped == 300 - len(left) > 100
    assert left == list(range(301 - len(left), 301)), "the newest are there, without a gap"

    spool.confirm([span(1, 300, EARLIER)])
    assert not spool.figures.is_full


def limited_appends(folder: Path, clock: Clock, most_bytes: int) -> tuple[Spool, list[bool]]:
    """Append while no file may grow beyond a size, as on a disk that fills up."""
    spool = open_spool(folder, clock, EARLIER)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        return spool, [spool.append(records([seq], size=100)) for seq in range(1, 21)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_resumed_after(tmp_path: Path, clock: Clock) -> None:
    spool, kept = limited_appends(tmp_path, clock, most_bytes=1000)

    assert kept == [True] * kept.count(True) + [False] * kept.count(False)
    assert 0 < kept.count(True) < 20
    assert spool.figures.failure is not None
    assert spool.figures.unprotected == kept.count(False)
    assert not spool.append(records([21])), "a refusing disk is left alone for a moment"

    clock.now_s += 1.1
    assert spool.append(records([22, 23]))
    assert spool.figures.failure is None
    assert left_in(tmp_path, clock) == [*range(1, kept.count(True) + 1), 22, 23]


def test_a_disk_without_any_room_leaves_no_empty_files(tmp_path: Path, clock: Clock) -> None:
    spool, kept = limited_appends(tmp_path, clock, most_bytes=10)

    assert kept == [False] * 20
    assert not files(tmp_path)
    clock.now_s += 1.1
    assert spool.append([record(21)])


def test_a_folder_that_cannot_be_made_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "spool").write_text("in the way")
    spool = open_spool(tmp_path / "spool", clock)
    assert not spool.append(records([1]))
    assert spool.figures.failure is not None

    (tmp_path / "spool").unlink()
    clock.now_s += 1.1

    assert spool.append(records([2]))
    assert left_in(tmp_path / "spool", clock) == [2]


def test_only_what_stays_unconfirmed_is_synced(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path / "1", OWN)
    for seq in (1, 2, 3):
        segment.note(seq, 0, clock.now_s, WAITING)

    segment.confirm(1, 2)
    assert not segment.is_sync_due(clock.now_s - 1)
    assert segment.is_sync_due(clock.now_s + 1)
    assert not segment.is_sync_due(clock.now_s + 1), "once is enough"
