"""The relaxed problem as a model for HiGHS: its columns, its rows and what is in them."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.optimal.problem import Floats, Ints, Problem

INFINITY = highspy.kHighsInf


def quiet_solver(**options: Any) -> highspy.Highs:
    """Return HiGHS with these options: silent, in one thread, and the same at every run."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
    for option, value in {"output_flag": False, "threads": 1, "random_seed": 0, **options}.items():
        highs.setOptionValue(option, value)
    return highs


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the columns and rows of a problem's model stand for.

    Columns: energy by `car` and usable `piece`, then per car what stays unmet of the target and of
    the reserve and what is too much, then surplus used by piece and the peak above its floor; of
    several peaks the level that they exceed and by how much each hour does.

    Rows: the need of every car, the limits of power (`cap_rows`, as row and piece), the `surplus`
    by piece, the hours of `peaks` and those `so_far`.
    """

    problem: Problem
    car: Ints
    piece: Ints
    cap_rows: tuple[NDArray[np.intp], ...]
    surplus: NDArray[np.intp]
    peaks: int
    so_far: int

    @property
    def columns(self) -> int:
        """How many columns of energy there are."""
        return len(self.car)

    @property
    def caps(self) -> int:
        """How many rows limit power."""
        return len(self.cap_rows[0])


def layout_of(problem: Problem) -> Layout:
    """Return what has a column or a row in the problem's model."""
    car, piece = (a.astype(np.int32) for a in np.nonzero(problem.is_usable))
    # A row that even all cars at full power cannot reach is left out.
    most_kw = problem.share @ np.where(problem.is_usable, problem.max_kw, 0.0)
    peaks = len(problem.peak_base_kw) if problem.peak_price > 0 else 0
    return Layout(
        problem,
        car,
        piece,
        np.nonzero(most_kw > problem.cap_kw + 1e-9),
        np.flatnonzero((problem.surplus_kwh > 0) & (problem.surplus_gain > 0)),
        peaks,
        len(problem.peaks_so_far_kw) if peaks and problem.peak_count > 1 else 0,
    )


def model_of(layout: Layout, overhead_kwh: Floats) -> highspy.HighsLp:
    """Return the model in which all cars are relaxed, and lose as much as is given."""
    problem, cars, columns = layout.problem, layout.problem.cars, layout.columns
    peaks, so_far, several = layout.peaks, layout.so_far, problem.peak_count > 1
    high = problem.high_kwh[layout.car, layout.piece]
    rows, cols, values = _coefficients(layout)
    order = np.argsort(cols, kind="stable")
    beyond = peaks + so_far if several else 0
    extra = len(layout.surplus) + (1 if peaks else 0) + beyond
    total = columns + 3 * cars + extra
    target = np.maximum(0.0, problem.need_kwh - problem.reserve_kwh)
    surplus_kwh = problem.surplus_kwh[layout.surplus]
    lp = highspy.HighsLp()
    lp.num_col_ = total
    lp.num_row_ = cars + layout.caps + len(layout.surplus) + peaks + so_far
    lp.offset_ = -problem.peak_price * problem.mean_peak_kw(np.zeros(0)) if so_far else 0.0
    lp.col_cost_ = np.concatenate([
        problem.price[layout.piece],
        np.full(cars, problem.unmet_price),
        np.full(cars, problem.reserve_price),
        np.full(cars, problem.unmet_price),
        -problem.surplus_gain[layout.surplus],
        [problem.peak_price] if peaks else [],
        np.full(beyond, problem.peak_price / problem.peak_count),
    ])  # fmt: skip
    lp.col_lower_ = np.zeros(total)
    lp.col_upper_ = np.concatenate([
        high,
        np.full(cars, INFINITY) if problem.overhead_kw.any() else target,
        np.minimum(problem.reserve_kwh, problem.need_kwh),
        np.full(cars, INFINITY),
        surplus_kwh,
        [INFINITY] if peaks else [],
        np.full(beyond, INFINITY),
    ])  # fmt: skip
    cap_kwh = (problem.cap_kw * problem.hours)[layout.cap_rows]
    needed = problem.need_kwh + overhead_kwh
    minus = np.full(len(layout.surplus) + peaks + so_far, -INFINITY)
    floor = 0.0 if several else problem.peak_floor_kw
    lp.row_lower_ = np.concatenate([needed, np.full(layout.caps, -INFINITY), minus])
    lp.row_upper_ = np.concatenate([
        needed,
        np.maximum(0.0, cap_kwh),
        np.zeros(len(layout.surplus)),
        floor - problem.peak_base_kw[:peaks],
        -problem.peaks_so_far_kw[:so_far],
    ])  # fmt: skip
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    counts = np.bincount(cols, minlength=total)
    lp.a_matrix_.start_ = np.append(0, np.cumsum(counts)).astype(np.int32)
    lp.a_matrix_.index_ = rows[order]
    lp.a_matrix_.value_ = values[order]
    return lp


def _coefficients(layout: Layout) -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and values of the matrix: needs, caps, surplus, peaks."""
    problem, cars, columns = layout.problem, layout.problem.cars, layout.columns
    peaks, so_far = layout.peaks, layout.so_far
    each_car, each_column = np.arange(cars), np.arange(columns)
    slack = columns + np.arange(3 * cars)
    rows: list[NDArray[np.integer[Any]]] = [layout.car, np.tile(each_car, 3)]
    cols: list[NDArray[np.integer[Any]]] = [each_column, slack]
    values = [np.ones(columns), np.repeat([1.0, 1.0, -1.0], cars)]
    row_of = np.full(problem.cap_kw.shape, -1)
    row_of[layout.cap_rows] = cars + np.arange(layout.caps)
    for kind in range(len(problem.cap_kw)):
        share = problem.share[kind, layout.car]
        row = row_of[kind, layout.piece]
        used = (share > 0) & (row >= 0)
        rows.append(row[used])
        cols.append(each_column[used])
        values.append(share[used])
    # Surplus used is at most what the cars draw: used - sum(energy) <= 0.
    at, wide = cars + layout.caps, columns + 3 * cars
    row_of_piece = np.full(problem.pieces, -1)
    row_of_piece[layout.surplus] = at + np.arange(len(layout.surplus))
    drawn = row_of_piece[layout.piece] >= 0
    rows += [row_of_piece[layout.piece[drawn]], row_of_piece[layout.surplus]]
    cols += [each_column[drawn], wide + np.arange(len(layout.surplus))]
    values += [np.full(int(drawn.sum()), -1.0), np.ones(len(layout.surplus))]
    if peaks:
        # Mean power of an hour - peak above the floor <= floor - house.
        hour = problem.peak_of[layout.piece]
        inside = hour >= 0
        first, last = at + len(layout.surplus), wide + len(layout.surplus)
        rows += [first + hour[inside], first + np.arange(peaks)]
        cols += [each_column[inside], np.full(peaks, last)]
        values += [np.ones(int(inside.sum())), np.full(peaks, -1.0)]
        if so_far:
            # A level for all, and by how much each hour, new or past, is above it.
            numbers = np.arange(peaks + so_far)
            rows += [first + peaks + np.arange(so_far), first + numbers]
            cols += [np.full(so_far, last), last + 1 + numbers]
            values += [np.full(so_far, -1.0), np.full(peaks + so_far, -1.0)]
    return (
        np.concatenate(rows).astype(np.int32),
        np.concatenate(cols).astype(np.int32),
        np.concatenate(values),
    )
