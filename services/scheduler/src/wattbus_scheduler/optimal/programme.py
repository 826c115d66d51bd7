"""The linear programme in HiGHS: relaxed at first, then with the pattern of each car as bounds."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem

INFINITY = highspy.kHighsInf


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a solve found: energies by car and piece, and marginal prices.

    `reduced[n, t]` is what one more kWh there would cost beside all else (inf where unusable),
    `need_price[n]` what the last kWh of car n costs; `row_price[k, t]` >= 0 is what one more kWh
    of room in a row would save, `objective` the sum without starts.
    """

    objective: float
    is_solved: bool
    energy_kwh: Floats
    unmet_kwh: Floats
    unmet_cost: float
    excess_kwh: Floats
    reduced: Floats
    need_price: Floats
    row_price: Floats
    surplus_price: Floats
    peak_share: Floats


def unsolved(problem: Problem) -> Answer:
    """Return prices and energies of zero: they prove little, but nothing wrong."""
    cars, pieces = problem.cars, problem.pieces
    return Answer(
        objective=0.0,
        is_solved=False,
        energy_kwh=np.zeros((cars, pieces)),
        unmet_kwh=np.zeros(cars),
        unmet_cost=0.0,
        excess_kwh=np.zeros(cars),
        reduced=np.where(problem.is_usable, 0.0, np.inf),
        need_price=np.zeros(cars),
        row_price=np.zeros_like(problem.cap_kw),
        surplus_price=np.zeros(pieces),
        peak_share=np.zeros(len(problem.peak_base_kw) if problem.peak_price > 0 else 0),
    )


class Programme:
    """Solves a problem for given patterns; keeps HiGHS' basis, so that small changes are cheap.

    Columns: energy by car and usable piece, then per car what stays unmet of the target and of
    the reserve and what is too much, then surplus used by piece and the peak above its floor; of
    several peaks the level that they exceed and by how much each hour does. Wear comes last.
    """

    def __init__(self, problem: Problem, seconds: float = INFINITY) -> None:
        self.problem = problem
        self.solves = 0
        cars, pieces = problem.cars, problem.pieces
        self._car, self._piece = (a.astype(np.int32) for a in np.nonzero(problem.is_usable))
        self.columns = len(self._car)
        self.column_of = np.full((cars, pieces), -1, dtype=np.int32)
        self.column_of[self._car, self._piece] = np.arange(self.columns, dtype=np.int32)
        self._low, self._high = problem.low_kwh, problem.high_kwh
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("time_limit", min(seconds, 1e6)),
        ):
            self._highs.setOptionValue(option, value)
        # Charging at full power loses least, so no plan can do with less than this.
        share = problem.overhead_kw / np.maximum(problem.max_kw.max(axis=1, initial=0.0), 1e-9)
        self._least_overhead = problem.need_kwh * share / np.maximum(1 - share, 1e-3)
        self._overhead = self._least_overhead.copy()
        self.model = self._model()
        self._highs.passModel(self.model)
        self._add_wear()

    @property
    def is_solved(self) -> bool:
        """Whether the last solve ended with an optimum."""
        return bool(self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def limit_seconds(self, seconds: float) -> None:
        """Let the next solves end after so long."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(0.0, seconds))

    def relax(self, car: int) -> None:
        """Let a car charge anywhere, at any power up to its highest."""
        self._bound(car, self.problem.is_usable[car], np.zeros(self.problem.pieces))
        self._set_overhead(car, float(self._least_overhead[car]))

    def fix(self, car: int, on: Bools) -> None:
        """Let a car charge in its pattern only, and there at no less than its least power."""
        self._bound(car, on, self._low[car])
        overhead = self.problem.overhead_kw[car]
        if overhead:
            self._set_overhead(car, float(overhead * self.problem.hours[on].sum()))

    def solve(self) -> float:
        """Solve and return the objective: costs without starts, unmet energy at its price."""
        self._highs.run()
        self.solves += 1
        return self.objective

    @property
    def objective(self) -> float:
        """The last solve's objective."""
        return float(self._highs.getInfo().objective_function_value)

    def answer(self) -> Answer:
        """Return the last solve's answer."""
        problem = self.problem
        if not self.is_solved:
            return unsolved(problem)
        solution = self._highs.getSolution()
        values = np.array(solution.col_value)
        column_duals, row_duals = np.array(solution.col_dual), np.array(solution.row_dual)
        cars, pieces, columns = problem.cars, problem.pieces, self.columns
        energy = np.zeros((cars, pieces))
        energy[self._car, self._piece] = values[:columns]
        reduced = np.full((cars, pieces), np.inf)
        reduced[self._car, self._piece] = column_duals[:columns]
        slack = values[columns : columns + 3 * cars].reshape(3, cars)
        row_price = np.zeros_like(problem.cap_kw)
        row_price[self.cap_rows] = np.maximum(0.0, -row_duals[cars : cars + self.caps])
        surplus_price = np.zeros(pieces)
        at = cars + self.caps
        surplus_price[self._surplus] = row_duals[at : at + len(self._surplus)]
        return Answer(
            objective=float(self._highs.getInfo().objective_function_value),
            is_solved=True,
            energy_kwh=energy,
            unmet_kwh=slack[0] + slack[1],
            unmet_cost=float(
                slack[0].sum() * problem.unmet_price + slack[1].sum() * problem.reserve_price
            ),
            excess_kwh=slack[2],
            reduced=reduced,
            need_price=row_duals[:cars],
            row_price=row_price,
            surplus_price=surplus_price,
            peak_share=np.maximum(0.0, -row_duals[at + len(self._surplus) :][: self._peaks]),
        )

    def price_changes(self, on: Bools) -> None:
        """Let every change of a car's power within its fixed pattern have its price."""
        problem = self.problem
        car, piece = np.nonzero(on[:, 1:] & on[:, :-1] & problem.is_joined[1:])
        now, before = self.column_of[car, piece + 1], self.column_of[car, piece]
        count, hours = len(car), problem.hours
        # now - before = up - down, in kW.
        free, one = self._more_columns(np.full(2 * count, problem.change_price)), np.ones(count)
        values = np.stack([1 / hours[piece + 1], -1 / hours[piece], -one, one], axis=1)
        cells = np.stack([now, before, free[:count], free[count:]], axis=1).astype(np.int32)
        self._add_rows(np.zeros(count), np.zeros(count), cells, values)

    def _add_wear(self) -> None:
        wear, columns = self.problem.wear, self.columns
        if wear is None:
            return
        each = np.arange(columns)
        # Above the soft power: energy - over <= soft power by time.
        soft = each[wear.soft_price[self._car] > 0]
        over = self._more_columns(wear.soft_price[self._car[soft]])
        most = wear.soft_kw[self._car[soft]] * self.problem.hours[self._piece[soft]]
        self._add_rows(
            np.full(len(soft), -INFINITY),
            most,
            np.stack([soft, over], axis=1),
            np.tile([1.0, -1.0], (len(soft), 1)),
        )
        # The top of the need lies in some of the energy: the latest, as that is held shortest.
        tops = each[(wear.top_price * wear.top_kwh)[self._car] > 0]
        held = wear.hold_h[self._car[tops], self._piece[tops]]
        top = self._more_columns(wear.top_price[self._car[tops]] * held)
        self._add_rows(
            np.full(len(tops), -INFINITY),
            np.zeros(len(tops)),
            np.stack([top, tops], axis=1),
            np.tile([1.0, -1.0], (len(tops), 1)),
        )
        for car in np.flatnonzero(wear.top_price * wear.top_kwh > 0):
            mine = top[self._car[tops] == car]
            # What stays unmet is not there to be held.
            slack = columns + car + self.problem.cars * np.arange(2)
            cells = np.concatenate([mine, slack])[None, :]
            least = np.array([wear.top_kwh[car]])
            self._add_rows(least, np.array([INFINITY]), cells, np.ones(cells.shape))

    def _more_columns(self, price: Floats) -> Ints:
        first, count = self._highs.getNumCol(), len(price)
        begins = np.zeros(count, dtype=np.int32)
        none = np.zeros(0, dtype=np.int32)
        most = np.full(count, INFINITY)
        self._highs.addCols(count, price, np.zeros(count), most, 0, begins, none, np.zeros(0))
        return (first + np.arange(count)).astype(np.int32)

    def _add_rows(
        self, lower: Floats, upper: Floats, cells: NDArray[np.integer[Any]], values: Floats
    ) -> None:
        """Add rows of the same number of cells each."""
        count, width = cells.shape
        begins = (width * np.arange(count)).astype(np.int32)
        self._highs.addRows(
            count,
            lower,
            upper,
            count * width,
            begins,
            cells.ravel().astype(np.int32),
            values.ravel().astype(np.float64),
        )

    def _bound(self, car: int, on: Bools, low: Floats) -> None:
        pieces = np.flatnonzero(self.problem.is_usable[car])
        columns = self.column_of[car, pieces]
        chosen = on[pieces]
        lower = np.where(chosen, low[pieces], 0.0)
        upper = np.where(chosen, self._high[car, pieces], 0.0)
        self._highs.changeColsBounds(len(columns), columns, lower, upper)

    def _set_overhead(self, car: int, overhead_kwh: float) -> None:
        if overhead_kwh != self._overhead[car]:
            self._overhead[car] = overhead_kwh
            needed = self.problem.need_kwh[car] + overhead_kwh
            self._highs.changeRowBounds(car, needed, needed)

    def _model(self) -> highspy.HighsLp:
        problem, cars, columns = self.problem, self.problem.cars, self.columns
        high = self._high[self._car, self._piece]
        # A row that even all cars at full power cannot reach is left out.
        most_kw = problem.share @ np.where(problem.is_usable, problem.max_kw, 0.0)
        self.cap_rows = np.nonzero(most_kw > problem.cap_kw + 1e-9)
        self.caps = len(self.cap_rows[0])
        self._surplus = np.flatnonzero((problem.surplus_kwh > 0) & (problem.surplus_gain > 0))
        peaks = len(problem.peak_base_kw) if problem.peak_price > 0 else 0
        self._peaks, several = peaks, problem.peak_count > 1
        so_far = len(problem.peaks_so_far_kw) if peaks and several else 0
        rows, cols, values = self._coefficients(peaks, so_far)
        order = np.argsort(cols, kind="stable")
        beyond = peaks + so_far if several else 0
        extra = len(self._surplus) + (1 if peaks else 0) + beyond
        total = columns + 3 * cars + extra
        target = np.maximum(0.0, problem.need_kwh - problem.reserve_kwh)
        surplus_kwh = problem.surplus_kwh[self._surplus]
        lp = highspy.HighsLp()
        self._width = total
        self._height = cars + self.caps + len(self._surplus) + peaks + so_far
        lp.num_col_, lp.num_row_ = self._width, self._height
        lp.offset_ = -problem.peak_price * problem.mean_peak_kw(np.zeros(0)) if so_far else 0.0
        lp.col_cost_ = np.concatenate([
            problem.price[self._piece],
            np.full(cars, problem.unmet_price),
            np.full(cars, problem.reserve_price),
            np.full(cars, problem.unmet_price),
            -problem.surplus_gain[self._surplus],
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
        cap_kwh = (problem.cap_kw * problem.hours)[self.cap_rows]
        needed = problem.need_kwh + self._overhead
        minus = np.full(len(self._surplus) + peaks + so_far, -INFINITY)
        floor = 0.0 if several else problem.peak_floor_kw
        lp.row_lower_ = np.concatenate([needed, np.full(self.caps, -INFINITY), minus])
        lp.row_upper_ = np.concatenate([
            needed,
            np.maximum(0.0, cap_kwh),
            np.zeros(len(self._surplus)),
            floor - problem.peak_base_kw[:peaks],
            -problem.peaks_so_far_kw[:so_far],
        ])  # fmt: skip
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        counts = np.bincount(cols, minlength=total)
        lp.a_matrix_.start_ = np.append(0, np.cumsum(counts)).astype(np.int32)
        lp.a_matrix_.index_ = rows[order]
        lp.a_matrix_.value_ = values[order]
        return lp

    def _coefficients(self, peaks: int, so_far: int) -> tuple[Ints, Ints, Floats]:
        """Return rows, columns and values of the matrix: needs, caps, surplus, peaks."""
        problem, cars, columns = self.problem, self.problem.cars, self.columns
        each_car, each_column = np.arange(cars), np.arange(columns)
        slack = columns + np.arange(3 * cars)
        rows: list[NDArray[np.integer[Any]]] = [self._car, np.tile(each_car, 3)]
        cols: list[NDArray[np.integer[Any]]] = [each_column, slack]
        values = [np.ones(columns), np.repeat([1.0, 1.0, -1.0], cars)]
        row_of = np.full(problem.cap_kw.shape, -1)
        row_of[self.cap_rows] = cars + np.arange(self.caps)
        for kind in range(len(problem.cap_kw)):
            share = problem.share[kind, self._car]
            row = row_of[kind, self._piece]
            used = (share > 0) & (row >= 0)
            rows.append(row[used])
            cols.append(each_column[used])
            values.append(share[used])
        # Surplus used is at most what the cars draw: used - sum(energy) <= 0.
        at, wide = cars + self.caps, columns + 3 * cars
        row_of_piece = np.full(problem.pieces, -1)
        row_of_piece[self._surplus] = at + np.arange(len(self._surplus))
        drawn = row_of_piece[self._piece] >= 0
        rows += [row_of_piece[self._piece[drawn]], row_of_piece[self._surplus]]
        cols += [each_column[drawn], wide + np.arange(len(self._surplus))]
        values += [np.full(int(drawn.sum()), -1.0), np.ones(len(self._surplus))]
        if peaks:
            # Mean power of an hour - peak above the floor <= floor - house.
            hour = problem.peak_of[self._piece]
            inside = hour >= 0
            first, last = at + len(self._surplus), wide + len(self._surplus)
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
