"""Each occurrence is told once, and what flickers is not told for each flicker."""

from wattbus_notifier.occurrences import Notice, Urgency
from wattbus_notifier.repetition import Repetition

STATE = {"offline": Notice("lost", "", Urgency.WARNING, is_state=True)}
EVENT = {"finished": Notice("done", "", Urgency.SUCCESS)}
NOTHING: dict[str, Notice] = {}


def titles(repetition: Repetition, *steps: tuple[float, dict[str, Notice]]) -> list[str]:
    """Return what is told while the steps (seconds, what holds) are gone through."""
    return [notice.title for now_s, current in steps for notice in repetition.due(current, now_s)]


def test_a_state_is_told_when_it_has_lasted() -> None:
    assert titles(Repetition(60.0), (0, STATE), (59, STATE)) == []
    assert titles(Repetition(60.0), (0, STATE), (60, STATE)) == ["lost"]


def test_a_state_that_lasts_is_told_once() -> None:
    assert titles(Repetition(60.0), *((s, STATE) for s in range(0, 9000, 30))) == ["lost"]


def test_a_state_that_is_over_at_once_is_not_told() -> None:
    steps = [(s, STATE if s % 60 == 0 else NOTHING) for s in range(0, 3600, 30)]

    assert titles(Repetition(60.0), *steps) == []


def test_a_state_that_was_told_and_flickers_is_not_told_again() -> None:
    steps = [(0, STATE), (60, STATE)]
    steps += [(s, NOTHING if s % 60 else STATE) for s in range(90, 3600, 30)]

    assert titles(Repetition(60.0), *steps) == ["lost"]


def test_a_state_that_was_over_for_long_enough_is_told_again() -> None:
    steps = [(0, STATE), (60, STATE), (100, NOTHING), (160, NOTHING), (200, STATE), (260, STATE)]

    assert titles(Repetition(60.0), *steps) == ["lost", "lost"]


def test_an_event_is_told_at_once_and_once() -> None:
    assert titles(Repetition(60.0), (0, EVENT), (1, EVENT), (500, EVENT)) == ["done"]


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    first = Repetition(60.0)
    titles(first, (0, STATE), (60, STATE))

    assert titles(Repetition(60.0, first.told), (0, STATE), (60, STATE)) == []


def test_what_is_over_is_forgotten() -> None:
    repetition = Repetition(60.0)
    titles(repetition, (0, EVENT), (10, NOTHING), (70, NOTHING))

    assert repetition.told == frozenset()
