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


def test_of_too_many_senders_the_longest_silent_is_forgotten() -> None:
    """So nobody makes the bridge's messages unknown by making up processes."""
    seen = SeenMessages(max_senders=2)

    for seq, boot_id in enumerate(("one", "two", "one", "three")):
        seen.add(("bridge", boot_id), seq)

    assert [sender[1] for sender, _ in seen.items()] == ["one", "three"]


def test_of_too_many_gaps_the_lowest_of_whoever_has_most_are_forgotten() -> None:
    seen = SeenMessages(max_intervals=100)
    steady, gappy = ("bridge", "steady"), ("bridge", "gappy")
    for seq in (1, 2, 3, 7):
        seen.add(steady, seq)

    for seq in range(0, 100_000, 2):
        assert seen.add(gappy, seq)

    assert sum(len(seqs) for _, seqs in seen.items()) <= 100
    assert all((steady, seq) in seen for seq in (1, 2, 3, 7))
    assert (gappy, 99_998) in seen
    assert (gappy, 0) not in seen


def test_intervals_of_an_earlier_process_count_too() -> None:
    seen = SeenMessages(max_intervals=10)

    seen.add_intervals(("bridge", "one"), [(seq, seq) for seq in range(0, 30, 2)])
    seen.add(("bridge", "one"), 100)

    assert sum(len(seqs) for _, seqs in seen.items()) <= 14
    assert (("bridge", "one"), 100) in seen
