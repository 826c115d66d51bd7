from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattbus_station_bridge.control.journal import LINE_BYTES, Journal


def test_what_was_recorded_is_read_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.record("car1", 3, 17)
    journal.record("car-2", 3, 18)
    journal.record("car1", 3, 19)
    journal.close()

    again = Journal(tmp_path / "journal")

    assert again.last("car1") == (3, 19)
    assert again.last("car-2") == (3, 18)
    assert again.last_epoch == 3


def test_a_limit_of_an_earlier_process_is_refused_and_one_of_ours_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.record("car1", 3, 17)
    assert journal.record("car1", 3, 17)
    journal.close()

    again = Journal(tmp_path / "journal")

    assert not again.record("car1", 3, 17)
    assert not again.record("car1", 2, 99)
    assert again.record("car1", 4, 1)


def test_the_file_does_not_grow_with_the_number_of_limits(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for seq in range(200):
        journal.record("car1", 1, seq)
        journal.record("car2", 1, seq)

    assert (tmp_path / "journal").stat().st_size == 2 * LINE_BYTES


@given(cut=st.integers(0, 2 * LINE_BYTES), rubbish=st.binary(max_size=40))
def test_a_torn_or_spoilt_file_is_read_as_far_as_it_goes(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rubbish: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(path)
    journal.record("car1", 5, 1)
    journal.record("car2", 5, 2)
    journal.close()
    path.write_bytes(path.read_bytes()[:cut] + rubbish)

    again = Journal(path)

    assert again.last("car1") in {None, (5, 1)}
    assert again.record("car3", 6, 1)
    again.close()
    assert Journal(path).last("car3") == (6, 1)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    journal = Journal(Path("/dev/full"))

    with pytest.raises(OSError, match="No space left"):
        journal.record("car1", 1, 1)
    assert journal.last("car1") is None
