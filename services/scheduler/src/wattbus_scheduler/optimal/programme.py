"""The linear programme in HiGHS: relaxed at first, then with the pattern of each car as bounds."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from wattbus_scheduler.optimal.model import INFINITY, layout_of, model_of, quiet_solver
from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem


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

    Its columns and rows are those of the model (see `Layout`), then those of wear.
    """

    def __init__(self, problem: Problem, seconds: float = INFINITY) -> None:
        self.problem = problem
        self.solves = 0
        cars, pieces = problem.cars, problem.pieces
        layout = layout_of(problem)
        self._car, self._piece, self.columns = layout.car, layout.piece, layout.columns
        self.cap_rows, self.caps = layout.cap_rows, layout.caps
        self._surplus, self._peaks = layout.surplus, layout.peaks
        self.column_of = np.full((cars, pieces), -1, dtype=np.int32)
        self.column_of[self._car, self._piece] = np.arange(self.columns, dtype=np.int32)
        self._low, self._high = problem.low_kwh, problem.high_kwh
        self._highs = quiet_solver(presolve="off", solver="simplex", time_limit=min(seconds, 1e6))
        # Charging at full power loses least, so no plan can do with less than this.
        share = problem.overhead_kw / np.maximum(problem.max_kw.max(axis=1, initial=0.0), 1e-9)
        self._least_overhead = problem.need_kwh * share / np.maximum(1 - share, 1e-3)
        self._overhead = self._least_overhead.copy()
        self.model = model_of(layout, self._overhead)
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
