"""Cuts pieces of time: where cars come and go, and to quarters of an hour for little need."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from wattbus_scheduler.headroom import TIME_EPSILON_S, Piece
from wattbus_scheduler.optimal.grid import Task
from wattbus_scheduler.optimal.problem import Problem

MOST_CELLS_AT_WINDOWS, MOST_CELLS_IN_QUARTERS = 200_000, 2_000
"""Cars by pieces, above which pieces are left as they are."""
QUARTER_S, LITTLE_NEED = 900.0, 2.0


def cut_at_windows(pieces: list[Piece], tasks: Sequence[Task]) -> list[Piece]:
    """Cut pieces where a car comes or goes; far too many cars leave the pieces as they are."""
    most_cells = max(MOST_CELLS_AT_WINDOWS, 2 * len(pieces) * len(tasks))
    return _cut(pieces, {edge for task in tasks for edge in task.window}, len(tasks), most_cells)


def cut_to_quarters(pieces: list[Piece], tasks: Sequence[Task], problem: Problem) -> list[Piece]:
    """Cut pieces to quarters of an hour where a car with little need could charge.

    The least power over a whole piece may be more than such a car should draw there.
    """
    is_little = problem.need_kwh[:, None] < LITTLE_NEED * problem.low_kwh
    is_cut = (is_little & problem.is_usable).any(axis=0)
    wanted: set[float] = set()
    for piece in (pieces[at] for at in np.flatnonzero(is_cut).tolist()):
        first, last = math.floor(piece.start_s / QUARTER_S), math.ceil(piece.end_s / QUARTER_S)
        wanted.update(QUARTER_S * number for number in range(first + 1, last))
    return _cut(pieces, wanted, len(tasks), MOST_CELLS_IN_QUARTERS)


def _cut(pieces: list[Piece], edges: Collection[float], cars: int, most_cells: int) -> list[Piece]:
    starts = np.array([piece.start_s for piece in pieces])
    ends = np.array([piece.end_s for piece in pieces])
    inside: dict[int, list[float]] = {}
    for edge in sorted(edges):
        at = int(np.searchsorted(starts, edge, side="right")) - 1
        if at >= 0 and starts[at] + TIME_EPSILON_S < edge < ends[at] - TIME_EPSILON_S:
            inside.setdefault(at, []).append(edge)
    count = sum(len(some) for some in inside.values())
    if (len(pieces) + count) * cars > most_cells:
        return pieces
    cut: list[Piece] = []
    for at, piece in enumerate(pieces):
        marks = [piece.start_s, *inside.get(at, ()), piece.end_s]
        cut.extend(
            replace(piece, start_s=start_s, end_s=end_s) for start_s, end_s in pairwise(marks)
        )
    return cut
