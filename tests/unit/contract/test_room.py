"""What is kept by a name that others choose is bounded, and strangers go before one's own."""

import pytest

from wattbus_contract.room import make_room


def noted(names: str, own: str = "") -> str:
    known: dict[str, None] = {}
    for name in names:
        make_room(known, name, own, most=3)
        known[name] = None
    return "".join(known)


@pytest.mark.parametrize(
    ("names", "own", "kept"),
    [
        ("abc", "", "abc"),
        ("abcabc", "", "abc"),
        ("abcd", "", "bcd"),
        ("abcdefgh", "", "fgh"),
        ("abcdefgh", "a", "agh"),
        ("xyza", "a", "yza"),
        ("abcde", "abcde", "cde"),
    ],
)
def test_the_oldest_stranger_goes_then_the_oldest(names: str, own: str, kept: str) -> None:
    assert noted(names, own) == kept
