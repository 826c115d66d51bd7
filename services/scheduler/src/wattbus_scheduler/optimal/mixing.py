"""Mixes whole schedules of all cars until they fit together; the search begins at the best mix.

Column generation: a master programme mixes schedules of every car so that all rows are kept, and
its marginal prices tell which schedules are still missing. A mix of whole schedules knows what the
relaxed answer does not: that power has a least, and that a start has a price. Wear is left out.
"""

import highspy
import numpy as np

from wattbus_scheduler.optimal.columns import Schedules, cheapest_schedules, joined
from wattbus_scheduler.optimal.effort import Effort
from wattbus_scheduler.optimal.model import INFINITY, quiet_solver
from wattbus_scheduler.optimal.problem import Bools, Floats, Ints, Problem
from wattbus_scheduler.optimal.programme import Answer, Programme

FIRST_ROUNDS, MORE_ROUNDS = 20, 4
"""Of missing schedules: at the first price of a start, and at every other."""
KEEP = 0.8
"""Of the marginal prices before: those of the master swing as long as schedules are missing."""
OVER_ROW, LEFT_OUT = 1.0, 3.0
"""Of the mean price: what a kWh beyond a row counts in the master, and one of a car left out."""
SETTLED = 0.99
"""Of a car: a pattern with this part is the car's."""
PRIMAL = 4
"""HiGHS' number of the primal simplex: the best mix stays a mix when schedules are added."""


class Mixer:
    """Finds mixes at one price of a start after another; keeps the schedules that it has found."""

    def __init__(self, problem: Problem, relaxed: Answer, effort: Effort) -> None:
        self._problem, self._effort = problem, effort
        self._master = _Master(problem, relaxed)
        self._price = relaxed.reduced + relaxed.need_price[:, None]
        self._worth = relaxed.need_price
        self._rounds = FIRST_ROUNDS

    def mixed(self, start_price: float) -> Bools:
        """Return a pattern for every car, the heaviest first; none where the time is up."""
        master = self._master
        master.set_start_price(start_price)
        for _ in range(self._rounds):
            if self._effort.is_over():
                break
            found, self._worth = cheapest_schedules(
                self._problem, self._price, self._worth, start_price
            )
            master.add(found)
            master.solve()
            self._price = KEEP * self._price + (1 - KEEP) * master.price()
        self._rounds = MORE_ROUNDS
        return master.settled()


class _Master:
    """The programme that mixes schedules: its rows are those of the relaxed problem.

    Columns: every car left out, what is beyond each row of power, the relaxed problem's own ones
    beside energies, and then the schedules. Where a car's need was, its parts add up to one.
    """

    def __init__(self, problem: Problem, relaxed: Answer) -> None:
        self._problem, self._programme = problem, Programme(problem)
        self._seen: set[bytes] = set()
        self._parts: list[Schedules] = []
        self._start_price = 0.0
        self._dual, self._part = np.zeros(0), np.zeros(0)
        self._row, self._use = self._cells()
        self._highs = quiet_solver(presolve="off", solver="simplex", simplex_strategy=PRIMAL)
        self._highs.passModel(self._lp(relaxed))
        self._first = self._highs.getNumCol()

    def _cells(self) -> tuple[Ints, Floats]:
        """Return the rows of each column of energy, and what a kWh is there: 0 in its need."""
        matrix, cells = self._programme.model.a_matrix_, self._programme.columns
        start = np.array(matrix.start_)[: cells + 1]
        row, value = np.array(matrix.index_)[: start[-1]], np.array(matrix.value_)[: start[-1]]
        count = np.diff(start)
        cell = np.repeat(np.arange(cells), count)
        place = np.arange(len(cell)) - np.repeat(start[:-1], count)
        rows = np.zeros((cells, int(count.max(initial=0))), dtype=np.int32)
        uses = np.zeros(rows.shape)
        rows[cell, place] = row
        uses[cell, place] = np.where(row >= self._problem.cars, value, 0.0)
        return rows, uses

    def _lp(self, relaxed: Answer) -> highspy.HighsLp:
        model, cars, caps = self._programme.model, self._problem.cars, self._programme.caps
        first, matrix = self._programme.columns + 3 * cars, model.a_matrix_
        begins = np.array(matrix.start_)[first:]
        scale = float(np.abs(self._problem.price).mean())
        own = cars + caps
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = own + model.num_col_ - first, model.num_row_
        lp.col_cost_ = np.concatenate([
            LEFT_OUT * scale * self._problem.need_kwh,
            relaxed.row_price[self._programme.cap_rows] + OVER_ROW * scale,
            np.array(model.col_cost_)[first:],
        ])  # fmt: skip
        lp.col_lower_ = np.zeros(lp.num_col_)
        lp.col_upper_ = np.append(np.full(own, INFINITY), np.array(model.col_upper_)[first:])
        lower, upper = np.array(model.row_lower_), np.array(model.row_upper_)
        lower[:cars] = upper[:cars] = 1.0
        lp.row_lower_, lp.row_upper_ = lower, upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.append(np.arange(own), own + begins - begins[0]).astype(np.int32)
        lp.a_matrix_.index_ = np.append(np.arange(own), matrix.index_[begins[0] :]).astype(np.int32)
        ones = np.append(np.ones(cars), -np.ones(caps))
        lp.a_matrix_.value_ = np.append(ones, matrix.value_[begins[0] :])
        return lp

    def add(self, found: Schedules) -> None:
        """Add the schedules that are not there yet."""
        new = [at for at in range(len(found.car)) if self._is_new(found, at)]
        if not new:
            return
        some = found.some(np.array(new))
        self._parts.append(some)
        which, piece = np.nonzero(some.energy_kwh)
        cell = self._programme.column_of[some.car[which], piece]
        used = self._use[cell] * some.energy_kwh[which, piece][:, None]
        row, owner = self._row[cell], np.broadcast_to(which[:, None], used.shape)
        is_used, each = used != 0, np.arange(len(new))
        # A need's row holds the car's parts now.
        row = np.concatenate([some.car, row[is_used]])
        owner = np.concatenate([each, owner[is_used]])
        values = np.concatenate([np.ones(len(new)), used[is_used]])
        # Several cells of one schedule may be in one row, as in a peak's hour.
        rows = self._programme.model.num_row_
        key, where = np.unique(owner * rows + row, return_inverse=True)
        self._highs.addCols(
            len(new),
            some.cost + self._start_price * some.starts,
            np.zeros(len(new)),
            np.full(len(new), INFINITY),
            len(key),
            np.searchsorted(key, each * rows).astype(np.int32),
            (key % rows).astype(np.int32),
            np.bincount(where, weights=values).astype(np.float64),
        )

    def _is_new(self, found: Schedules, at: int) -> bool:
        key = found.car[at].tobytes() + found.energy_kwh[at].tobytes()
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def solve(self) -> None:
        """Find the best mix."""
        self._highs.run()
        solution = self._highs.getSolution()
        self._dual = np.array(solution.row_dual)
        self._part = np.array(solution.col_value)[self._first :]

    def set_start_price(self, start_price: float) -> None:
        """Let every start have another price."""
        self._start_price = start_price
        if self._parts:
            every = joined(self._parts)
            costs = every.cost + start_price * every.starts
            self._highs.changeColsCost(len(costs), self._columns(), costs)

    def _columns(self) -> Ints:
        return np.arange(self._first, self._highs.getNumCol(), dtype=np.int32)

    def price(self) -> Floats:
        """Return what a kWh counts by car and piece: its price, and its use of each row."""
        usable = self._problem.is_usable
        price = np.full(usable.shape, np.inf)
        price[usable] = np.broadcast_to(self._problem.price, usable.shape)[usable]
        price[usable] -= (self._use * self._dual[self._row]).sum(axis=1)
        return price

    def settled(self) -> Bools:
        """Return a pattern for each car: the heaviest is settled, then the others mixed anew."""
        on = np.zeros_like(self._problem.is_usable)
        if not self._parts:
            return on
        every, columns = joined(self._parts), self._columns()
        nothing, most = np.zeros(len(columns)), np.full(len(columns), INFINITY)
        pattern, upper = every.patterns(), most.copy()
        is_open = np.ones(self._problem.cars, dtype=bool)
        while is_open.any():
            weight = np.bincount(pattern, weights=self._part)[pattern] * is_open[every.car]
            heaviest = float(weight.max())
            if heaviest <= 0:
                break
            for at in np.flatnonzero(weight >= min(SETTLED, heaviest)).tolist():
                car = every.car[at]
                if is_open[car]:
                    is_open[car], on[car] = False, every.on[at]
                    upper[(every.car == car) & (pattern != pattern[at])] = 0.0
            if is_open.any():
                self._highs.changeColsBounds(len(columns), columns, nothing, upper)
                self.solve()
        self._highs.changeColsBounds(len(columns), columns, nothing, most)
        return on
