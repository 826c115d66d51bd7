"""The problem as a whole-number programme, for cases so small that HiGHS solves it in a moment."""

import math
from dataclasses import dataclass
from time import perf_counter

import highspy
import numpy as np

from wattbus_scheduler.optimal.model import INFINITY, quiet_solver
from wattbus_scheduler.optimal.problem import Bools, Floats, Problem
from wattbus_scheduler.optimal.programme import Programme

GAP, GAP_IN_MONEY = 1e-6, 5e-4
"""Nearer to the optimum than this nothing is looked for: as a share, and in units of money."""
COST_AMONG_EQUALS = 0.1
"""Of a start: what all of the cost may count where starts are minimised."""
LESS_THAN_A_START = 0.98
"""What is left to prove when no plan with one start less can be: the cost decides the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Exactly:
    """Patterns and energies; `cost` without starts; `is_optimal` unless the effort was spent.

    No answer starts less often than `fewest`, as far as that was asked for and is proven.
    """

    on: Bools
    energy_kwh: Floats
    cost: float
    is_optimal: bool
    fewest: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """When to give up: `nodes` is the same on every machine, `stop_at_s` (perf_counter) is not.

    `gap` is how near to the optimum is near enough.
    """

    nodes: int
    stop_at_s: float = float("inf")
    gap: float = GAP


def cheapest(
    problem: Problem, start_price: float, known: Floats | None, limits: Limits
) -> Exactly | None:
    """Return the least cost with every start at a price; None if nothing was found in the limits.

    `known` are the energies of a plan to begin with.
    """
    return _Whole(problem, start_price, known, limits).solved()


def calmest(
    problem: Problem, most_cost: float, known: Floats | None, limits: Limits
) -> Exactly | None:
    """Return the fewest starts at which the cost without starts is at most `most_cost`."""
    whole = _Whole(problem, 0.0, known, limits)
    whole.count_starts_below(most_cost)
    return whole.solved()


class _Whole:
    """Columns: those of the programme, then for every usable piece whether it is on and starts."""

    def __init__(
        self, problem: Problem, start_price: float, known: Floats | None, limits: Limits
    ) -> None:
        self.problem, self.limits = problem, limits
        self.programme = Programme(problem)
        model = self.programme.model
        self.width = model.num_col_
        self.cost, self.offset = np.array(model.col_cost_), float(model.offset_)
        self.car, self.piece = (a.astype(np.int32) for a in np.nonzero(problem.is_usable))
        self.cells = len(self.car)
        self.on_at = self.width + np.arange(self.cells, dtype=np.int32)
        self.start_at = self.on_at + self.cells
        self.highs = quiet_solver(
            mip_rel_gap=limits.gap, mip_abs_gap=GAP_IN_MONEY, mip_max_nodes=limits.nodes
        )
        if np.isfinite(limits.stop_at_s):
            self.highs.setOptionValue("time_limit", max(0.0, limits.stop_at_s - perf_counter()))
        self._cost_part: float | None = None
        self.highs.passModel(model)
        self._add_columns(start_price)
        self._add_rows()
        if known is not None:
            self._begin_with(known)

    def count_starts_below(self, most_cost: float) -> None:
        """Make the number of starts what is minimised, the cost a row."""
        costing = np.flatnonzero(self.cost).astype(np.int32)
        most = most_cost - self.offset
        self.highs.addRow(-INFINITY, most, len(costing), costing, self.cost[costing])
        every = np.arange(self.width + 2 * self.cells, dtype=np.int32)
        self.highs.setOptionValue("mip_abs_gap", LESS_THAN_A_START)
        # Of equally calm plans the cheaper one, as far as whole starts leave it open.
        usual = float(np.abs(self.problem.price).mean() * self.problem.need_kwh.sum())
        weight = COST_AMONG_EQUALS / max(abs(most_cost), usual, 1e-6)
        self._cost_part = max(0.0, weight * most)
        counted = np.concatenate([weight * self.cost, np.zeros(self.cells), self._one_each(1.0)])
        self.highs.changeColsCost(len(every), every, counted)

    def solved(self) -> Exactly | None:
        """Solve within the limits."""
        self.highs.run()
        status = self.highs.getModelStatus()
        if not np.isfinite(self.highs.getInfo().objective_function_value):
            return None
        values = np.array(self.highs.getSolution().col_value)
        if len(values) != self.width + 2 * self.cells:
            return None
        on = np.zeros(self.problem.is_usable.shape, dtype=bool)
        energy = np.zeros(on.shape)
        on[self.car, self.piece] = values[self.on_at] > 0.5
        energy[self.car, self.piece] = values[: self.cells] * (values[self.on_at] > 0.5)
        cost = self.offset + float(self.cost @ values[: self.width])
        is_optimal = status == highspy.HighsModelStatus.kOptimal
        return Exactly(on, energy, cost, is_optimal, self._fewest())

    def _fewest(self) -> int:
        """Return what is proven of the starts: all that the cost can count is taken off."""
        proven = self.highs.getInfo().mip_dual_bound
        if self._cost_part is None or not np.isfinite(proven):
            return 0
        return max(0, math.ceil(proven - self._cost_part - 1e-6))

    def _one_each(self, price: float) -> Floats:
        free = self.problem.is_free_start[self.car, self.piece]
        counted: Floats = np.where(free, 0.0, price)
        return counted

    def _add_columns(self, start_price: float) -> None:
        problem, cells = self.problem, self.cells
        # Losses while charging are part of what a car needs.
        lost = problem.overhead_kw[self.car] * problem.hours[self.piece]
        nothing = np.zeros(0, dtype=np.int32)
        if lost.any():
            begin = np.arange(cells, dtype=np.int32)
            needs = (cells, begin, self.car, -lost)
        else:
            needs = (0, np.zeros(cells, dtype=np.int32), nothing, np.zeros(0))
        zeros, ones = np.zeros(cells), np.ones(cells)
        self.highs.addCols(cells, zeros, zeros, ones, *needs)
        begin = np.zeros(cells, dtype=np.int32)
        price = self._one_each(start_price)
        self.highs.addCols(cells, price, zeros, ones, 0, begin, nothing, np.zeros(0))
        whole = np.full(cells, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        self.highs.changeColsIntegrality(cells, self.on_at, whole)
        for car in range(problem.cars):
            need = float(problem.need_kwh[car])
            self.highs.changeRowBounds(car, need, need)

    def _add_rows(self) -> None:
        """Add energy <= most * on, energy >= least * on, start >= on - on before."""
        problem, cells = self.problem, self.cells
        high, low = (a[self.car, self.piece] for a in (problem.high_kwh, problem.low_kwh))
        each = np.arange(cells, dtype=np.int32)
        minus, zeros, plus = np.full(cells, -INFINITY), np.zeros(cells), np.full(cells, INFINITY)
        pairs = np.stack([each, self.on_at], axis=1).ravel()
        begin = 2 * each
        for lower, upper, factor in ((minus, zeros, high), (zeros, plus, low)):
            values = np.stack([np.ones(cells), -factor], axis=1).ravel()
            self.highs.addRows(cells, lower, upper, 2 * cells, begin, pairs, values)
        follows = np.zeros(cells, dtype=bool)
        follows[1:] = (
            (self.car[1:] == self.car[:-1])
            & (self.piece[1:] == self.piece[:-1] + 1)
            & problem.is_joined[self.piece[1:]]
        )
        for some, before in ((each[follows], True), (each[~follows], False)):
            columns = [self.start_at[some], self.on_at[some]]
            signs = [1.0, -1.0]
            if before:
                columns.append(self.on_at[some] - 1)
                signs.append(1.0)
            width, count = len(columns), len(some)
            self.highs.addRows(
                count,
                np.zeros(count),
                np.full(count, INFINITY),
                width * count,
                width * np.arange(count, dtype=np.int32),
                np.stack(columns, axis=1).ravel().astype(np.int32),
                np.tile(signs, count),
            )

    def _begin_with(self, energy_kwh: Floats) -> None:
        on = energy_kwh[self.car, self.piece] > 0
        where = self.on_at.astype(np.int32)
        self.highs.setSolution(len(where), where, on.astype(float))
