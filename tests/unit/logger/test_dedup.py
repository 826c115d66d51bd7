"""Which messages were recorded is remembered exactly, in few intervals and bounded memory."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattbus_logger.dedup import IntervalSet, SeenMessages

NUMBERS = st.integers(0, 60)


@given(st.lists(NUMBERS))
def test_numbers_are_new_exactly_once_in_whatever_order(numbers: list[int]) -> None:
    seqs, seen = IntervalSet(), set[int]()

    for number in numbers:
        assert seqs.add(number) == (number not in seen)
        seen.add(number)

    assert {n for n in range(-1, 62) if n in seqs} == seen


@given(st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted)))
def test_intervals_are_sorted_and_do_not_touch(ranges: list[list[int]]) -> None:
    seqs, seen = IntervalSet(), set[int]()

    for first, last in ranges:
        seqs.add_range(first, last)
        seen |= set(range(first, last + 1))

    assert {n for first, last in seqs for n in range(first, last + 1)} == seen
    assert all(one[1] + 1 < two[0] for one, two in pairwise(seqs))
    assert list(IntervalSet(seqs)) == list(seqs)


def test_a_stream_without_gaps_stays_one_interval() -> None:
    seqs = IntervalSet()

    for number in range(1, 10_001):
        seqs.add(number)

    assert list(seqs) == [(1, 10_000)]


def test_an_interval_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.\.1"):
        IntervalSet([(2, 1)])


def test_the_same_number_of_another_process_is_another_message() -> None:
    seen = SeenMessages()

    assert seen.add(("bridge", "boot1"), 7)
    assert seen.add(("bridge", "boot2"), 7)
    assert not seen.add(("bridge", "boot1"), 7)


def test_of_too_many_senders_the_one_heard_first_is_forgotten() -> None:
    seen = SeenMessages(max_senders=2)

    for boot_id in ("one", "two", "three"):
        seen.add(("bridge", boot_id), 1)

    assert [sender[1] for sender, _ in seen.items()] == ["two", "three"]
