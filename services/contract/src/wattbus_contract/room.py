"""Bounds what a service keeps by a name that others choose: a station, a client, a topic."""

from collections.abc import Iterable
from typing import TypeVar

MOST_NAMES = 2048
"""Twice as many stations as a site has been tried with; whoever names more makes them up."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def make_room(
    known: dict[KeyT, ValueT], new: KeyT, own: Iterable[KeyT] = (), most: int | None = None
) -> ValueT | None:
    """Forget the oldest of `most` (MOST_NAMES) where `new` is one more, those of `own` last of all.

    Returns what was kept under the name that is forgotten, None where there was room.
    """
    if new in known or len(known) < (MOST_NAMES if most is None else most):
        return None
    kept = frozenset(own)
    return known.pop(next((name for name in known if name not in kept), next(iter(known))))
