"""From the relaxed answer to patterns: fix car by car, then change single cars.

The programme stays in HiGHS with the patterns as bounds, so that the powers of all cars together
are always the best for their patterns, and a change costs a few pivots.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from wattbus_scheduler.optimal.patterns import candidates, cheapest_patterns, view_of
from wattbus_scheduler.optimal.problem import (
    EPSILON_KW,
    Bools,
    Floats,
    Ints,
    Problem,
    count_starts,
)
from wattbus_scheduler.optimal.programme import Answer, Programme

GAIN_EPSILON = 1e-7
TIE_BREAK = 1e-3
"""Of the mean price: less than any difference between prices that matters."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried: patterns a car when fixing, passes over the cars, sweeps over groups.

    A wish that does not help as a whole is tried in `parts`: 2 halves of each run, 4 with its ends.

    No new step is begun after `stop_at_s` (of perf_counter); a change must save `least_gain`.
    """

    tries: int = 4
    passes: int = 3
    sweeps: int = 1
    parts: int = 2
    start_factors: tuple[float, ...] = (1.0,)
    stop_at_s: float = float("inf")
    least_gain: float = GAIN_EPSILON

    def is_over(self) -> bool:
        """Whether the time is up; a generous limit never strikes, so that results repeat."""
        return perf_counter() > self.stop_at_s


class Search:
    """The cars' patterns, their common programme, and what both cost."""

    def __init__(self, problem: Problem, programme: Programme, effort: Effort) -> None:
        self.problem, self.programme, self.effort = problem, programme, effort
        self.on = np.zeros((problem.cars, problem.pieces), dtype=bool)
        self.starts = np.zeros(problem.cars, dtype=np.int32)
        self.least_kw = np.zeros_like(problem.cap_kw)
        self.total = programme.solve()
        self.scale = float(np.abs(problem.price).mean())

    def fix_all(self, order: Sequence[int] | Ints) -> None:
        """Give every car of `order` the pattern that leaves all together cheapest."""
        for car in order:
            if self.effort.is_over():
                return
            self._fix(int(car), self.programme.answer())

    def _fix(self, car: int, answer: Answer) -> None:
        tried = self._tried(car, answer)
        on = tried[0][1] if tried else np.zeros(self.problem.pieces, dtype=bool)
        self._note(car, on)
        if len(tried) != 1:
            self.programme.fix(car, on)
            self.programme.solve()
        self.total = self._total()

    def _tried(self, car: int, answer: Answer) -> list[tuple[float, Bools]]:
        """Return a relaxed car's best patterns by what all together cost then, cheapest first."""
        price = answer.reduced[car] + answer.need_price[car]
        # Where rows bind, prices are equal in many pieces: prefer those of the relaxed answer.
        price -= TIE_BREAK * self.scale * (answer.energy_kwh[car] > GAIN_EPSILON)
        room = self.problem.room_kw(self.least_kw, car)
        view = view_of(self.problem, car, price, room, float(self.problem.need_kwh[car]))
        tried = []
        worth = float(answer.need_price[car])
        for on in candidates(view, worth, self.effort.tries, self.effort.start_factors):
            self.programme.fix(car, on)
            starts_cost = self.problem.start_price * view.starts(on)
            tried.append((round(self.programme.solve() + starts_cost, 9), on))
        return sorted(tried, key=lambda cost_and_on: cost_and_on[0])

    def refit(self, groups: Iterable[Sequence[int]]) -> bool:
        """Take the cars of each group out, fix them anew one by one, and keep what is cheaper."""
        has_changed = False
        for group in groups:
            if self.effort.is_over():
                break
            before, total = [(car, self.on[car].copy()) for car in group], self.total
            for car in group:
                self._note(car, np.zeros(self.problem.pieces, dtype=bool))
                self.programme.relax(car)
            self.programme.solve()
            for car in group:
                self._fix(car, self.programme.answer())
            if self.total < total - self.effort.least_gain:
                has_changed = True
                continue
            for car, on in before:
                self._note(car, on)
                self.programme.fix(car, on)
            self.programme.solve()
            self.total = total
        return has_changed

    def improve(self) -> None:
        """Change single cars' patterns until none is found that helps, or the effort is spent."""
        for _ in range(self.effort.passes):
            answer = self.programme.answer()
            gains, patterns = self._wishes(answer)
            has_changed = False
            for car in np.argsort(-gains, kind="stable"):
                if gains[car] <= self.effort.least_gain or self.effort.is_over():
                    break
                steps = _partial(self.on[car], patterns[car], self.effort.parts)
                has_changed |= any(self.try_change(int(car), on) for on in steps)
            self.programme.solve()
            if not has_changed or self.effort.is_over():
                break

    def _wishes(self, answer: Answer) -> tuple[Floats, Bools]:
        """Return for each car how much another pattern could save at most, and that pattern.

        At the programme's marginal prices a car's best pattern is a shortest path; by duality
        its gain is never less than the true one, so a car without a gain needs no try.
        """
        problem = self.problem
        value = self._values(answer)
        start = np.where(problem.is_free_start, 0.0, problem.start_price)
        least, patterns = cheapest_patterns(value, start, problem.is_joined)
        now = np.where(self.on, np.where(np.isinf(value), 0.0, value), 0.0).sum(axis=1)
        return now + problem.start_price * self.starts - least, patterns

    def _values(self, answer: Answer) -> Floats:
        problem = self.problem
        gain = answer.reduced
        with np.errstate(invalid="ignore"):
            value = np.where(gain < 0, gain * problem.high_kwh, gain * problem.low_kwh)
        value += answer.need_price[:, None] * problem.overhead_kw[:, None] * problem.hours
        value[~problem.is_usable] = np.inf
        for row in range(len(problem.cap_kw)):
            others = self.least_kw[row] - np.where(
                self.on, problem.share[row][:, None] * problem.min_kw, 0.0
            )
            left = problem.cap_kw[row] + EPSILON_KW - others
            value[problem.share[row][:, None] * problem.min_kw > left] = np.inf
        return value

    def try_change(self, car: int, on: Bools) -> bool:
        """Give a car another pattern if that saves enough; tell whether it did."""
        if not self._fits(car, on):
            return False
        before = self.on[car].copy()
        self.programme.fix(car, on)
        cost = self.programme.solve()
        self._note(car, on)
        total = cost + self.problem.start_price * int(self.starts.sum())
        if total < self.total - self.effort.least_gain:
            self.total = total
            return True
        self._note(car, before)
        self.programme.fix(car, before)
        return False

    def set_patterns(self, on: Bools) -> None:
        """Start from given patterns for all cars, as far as they fit."""
        for car in range(self.problem.cars):
            allowed = on[car] & self.problem.is_usable[car]
            room = self.problem.room_kw(self.least_kw, car) + EPSILON_KW
            allowed = allowed & (room >= self.problem.min_kw[car])
            self._note(car, allowed)
            self.programme.fix(car, allowed)
        self.programme.solve()
        self.total = self._total()

    def _fits(self, car: int, on: Bools) -> bool:
        own = self.problem.share[:, car][:, None] * np.where(
            self.on[car], self.problem.min_kw[car], 0.0
        )
        room = self.problem.room_kw(self.least_kw - own, car)
        return bool((room[on] + EPSILON_KW >= self.problem.min_kw[car][on]).all())

    def _note(self, car: int, on: Bools) -> None:
        delta = on.astype(float) - self.on[car]
        self.least_kw += self.problem.share[:, car][:, None] * (delta * self.problem.min_kw[car])
        self.on[car] = on
        free = self.problem.is_free_start[car]
        self.starts[car] = int(count_starts(on, self.problem.is_joined, free))

    def _total(self) -> float:
        objective = self.programme.objective
        return objective + self.problem.start_price * int(self.starts.sum())


def _partial(now: Bools, wished: Bools, most: int) -> Iterator[Bools]:
    """Yield the wished pattern, then steps towards it: each differing run and parts of it."""
    if np.array_equal(now, wished):
        return
    yield wished
    differing = np.flatnonzero(now != wished)
    runs = np.split(differing, np.flatnonzero(np.diff(differing) > 1) + 1)
    for run in runs:
        parts = [run] if len(runs) > 1 else []
        if len(run) > 1:
            half = len(run) // 2
            parts += [run[:half], run[half:], run[:1], run[-1:]][:most]
        for part in parts:
            step = now.copy()
            step[part] = wished[part]
            yield step
