"""From the relaxed answer to patterns: fix car by car, then change single cars.

The programme stays in HiGHS with the patterns as bounds, so that the powers of all cars together
are always the best for their patterns, and a change costs a few pivots.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wattbus_scheduler.optimal.effort import ANY, GAIN_EPSILON, Aim, Effort
from wattbus_scheduler.optimal.patterns import cheapest_patterns, ranked, view_of
from wattbus_scheduler.optimal.problem import (
    EPSILON_KW,
    Bools,
    Floats,
    Ints,
    Problem,
    count_starts,
)
from wattbus_scheduler.optimal.programme import Answer, Programme
from wattbus_scheduler.optimal.proofs import Proofs

TIE_BREAK = 1e-3
"""Of the mean price: less than any difference between prices that matters."""


class Search:
    """The cars' patterns, their common programme, and what both cost."""

    def __init__(
        self, problem: Problem, programme: Programme, effort: Effort, aim: Aim = ANY
    ) -> None:
        self.problem, self.programme, self.effort, self.aim = problem, programme, effort, aim
        self.on = np.zeros((problem.cars, problem.pieces), dtype=bool)
        self.starts = np.zeros(problem.cars, dtype=np.int32)
        self.least_kw = np.zeros_like(problem.cap_kw)
        self.cost = self.total = self._solve()
        self.proofs = Proofs(problem.cars, problem.pieces)
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
        self._settle(car, on, len(tried))

    def _settle(self, car: int, on: Bools, tries: int) -> None:
        self._note(car, on)
        if tries != 1:
            self.programme.fix(car, on)
            self._solve()
        self.total = self._total()

    def _tried(
        self,
        car: int,
        answer: Answer,
        limit: float = float("inf"),
        *,
        others_fixed: bool = False,
    ) -> list[tuple[float, Bools]]:
        """Return a relaxed car's best patterns by what all together cost then, cheapest first.

        Its own starts are counted; what cannot be below `limit` is left out.
        """
        price = answer.reduced[car] + answer.need_price[car]
        # Where rows bind, prices are equal in many pieces: prefer those of the relaxed answer.
        preferred = TIE_BREAK * self.scale
        price -= preferred * (answer.energy_kwh[car] > GAIN_EPSILON)
        room = self.problem.room_kw(self.least_kw, car)
        view = view_of(self.problem, car, price, room, float(self.problem.need_kwh[car]))
        tried: list[tuple[float, Bools]] = []
        worth = float(answer.need_price[car])
        drawn = np.where(self.problem.is_usable[car], price, 0.0) @ answer.energy_kwh[car]
        missing = self.problem.unmet_price * float(answer.unmet_kwh[car])
        others = answer.objective - float(drawn) - missing - preferred * view.need_kwh
        # What is wished for only may stay unmet at a lower price than the view has.
        others = others if self.problem.reserve_kwh[car] <= 0 else -np.inf
        for alone, on in ranked(view, worth, self.effort.tries, self.effort.start_factors):
            # By duality a pattern costs at least what it does alone at the marginal prices.
            if others + alone >= (tried[0][0] if tried else limit):
                break
            starts_cost = self.problem.start_price * view.starts(on)
            if others_fixed:
                least = self.proofs.least(car, on.astype(float) - self.on[car]) + starts_cost
                if least >= (tried[0][0] if tried else limit):
                    continue
            self.programme.fix(car, on)
            tried.append((round(self._solve() + starts_cost, 9), on))
            tried.sort(key=lambda cost_and_on: cost_and_on[0])
        return tried

    def refit(self, groups: Iterable[Sequence[int]]) -> bool:
        """Take the cars of each group out, fix them anew one by one, and keep what is cheaper."""
        has_changed = is_old = False
        for group in groups:
            if self.is_done():
                break
            before = [(car, self.on[car].copy()) for car in group]
            total, cost = self.total, self.cost
            for car in group:
                self._note(car, np.zeros(self.problem.pieces, dtype=bool))
                self.programme.relax(car)
            self._solve()
            for car in group[:-1]:
                self._fix(car, self.programme.answer())
            starts_cost = self.problem.start_price * int(self.starts.sum())
            limit = total - starts_cost - self.effort.negligible
            tried: list[tuple[float, Bools]] = []
            if self.programme.objective < limit:
                tried = self._tried(group[-1], self.programme.answer(), limit, others_fixed=True)
            if tried:
                self._settle(group[-1], tried[0][1], len(tried))
            if tried and self.total < total - self.effort.least_gain and self._is_allowed(cost):
                has_changed, is_old = True, False
                continue
            for car, on in before:
                self._note(car, on)
                self.programme.fix(car, on)
            self.total, self.cost = total, cost
            is_old = True
        if is_old:
            self._solve()
        return has_changed

    def improve(self) -> None:
        """Change single cars' patterns until none is found that helps, or the effort is spent."""
        for _ in range(self.effort.passes):
            value = self._values(self.programme.answer())
            gains, patterns = self._wishes(value)
            has_changed = False
            for car in np.argsort(-gains, kind="stable").tolist():
                if gains[car] <= self.effort.negligible or self.is_done():
                    break
                steps = self._promising(car, patterns[car], value[car])
                if any(self.try_change(car, on) for on in steps):
                    has_changed = True
                    value = self._values(self.programme.answer())
            self._solve()
            if not has_changed or self.is_done():
                break

    def is_done(self) -> bool:
        """Whether the aim is reached or the time is up."""
        return self.cost <= self.aim.enough or self.effort.is_over()

    def _wishes(self, value: Floats) -> tuple[Floats, Bools]:
        """Return for each car how much another pattern could save at most, and that pattern.

        At the programme's marginal prices a car's best pattern is a shortest path; by duality
        its gain is never less than the true one, so a car without a gain needs no try.
        """
        problem = self.problem
        start = np.where(problem.is_free_start, 0.0, problem.start_price)
        least, patterns = cheapest_patterns(value, start, problem.is_joined)
        now = np.where(self.on, np.where(np.isinf(value), 0.0, value), 0.0).sum(axis=1)
        return now + problem.start_price * self.starts - least, patterns

    def _promising(self, car: int, wished: Bools, value: Floats) -> list[Bools]:
        """Return the wish and steps towards it that could save something, the best first."""
        steps = list(_partial(self.on[car], wished, self.effort.parts))
        if not steps:
            return []
        problem, patterns = self.problem, np.array(steps)
        starts = count_starts(patterns, problem.is_joined, problem.is_free_start[car])
        then = np.where(patterns, value, 0.0).sum(axis=1) + problem.start_price * starts
        kept = np.where(np.isinf(value), 0.0, value)[self.on[car]].sum()
        gains = kept + problem.start_price * int(self.starts[car]) - then
        best = np.argsort(-gains, kind="stable")[: self.effort.steps]
        return [steps[at] for at in best if gains[at] > self.effort.negligible]

    def _values(self, answer: Answer) -> Floats:
        problem = self.problem
        value = self._worth(answer)
        value[~problem.is_usable] = np.inf
        for row in range(len(problem.cap_kw)):
            others = self.least_kw[row] - np.where(
                self.on, problem.share[row][:, None] * problem.min_kw, 0.0
            )
            left = problem.cap_kw[row] + EPSILON_KW - others
            value[problem.share[row][:, None] * problem.min_kw > left] = np.inf
        return value

    def _worth(self, answer: Answer) -> Floats:
        """Return what being on in each piece counts at the answer's marginal prices."""
        problem = self.problem
        gain = np.where(problem.is_usable, answer.reduced, 0.0)
        value = np.where(gain < 0, gain * problem.high_kwh, gain * problem.low_kwh)
        value += answer.need_price[:, None] * problem.overhead_kw[:, None] * problem.hours
        return value

    def try_change(self, car: int, on: Bools) -> bool:
        """Give a car another pattern if that saves enough; tell whether it did."""
        before, cost_before = self.on[car].copy(), self.cost
        if self._is_hopeless(car, on):
            return False
        self.programme.fix(car, on)
        self.cost = self._solve()
        self._note(car, on)
        total = self.cost + self.problem.start_price * int(self.starts.sum())
        if total < self.total - self.effort.least_gain and self._is_allowed(cost_before):
            self.total = total
            return True
        answer = self.programme.answer()
        if answer.is_solved:
            self.proofs.add(self.cost, self._worth(answer))
        self._note(car, before)
        self.programme.fix(car, before)
        self.cost = cost_before
        return False

    def _is_hopeless(self, car: int, on: Bools) -> bool:
        """Whether earlier answers prove that a pattern saves too little."""
        problem = self.problem
        starts = count_starts(on, problem.is_joined, problem.is_free_start[car])
        others = int(self.starts.sum() - self.starts[car])
        limit = self.total - self.effort.negligible - problem.start_price * (others + int(starts))
        return self.proofs.least(car, on.astype(float) - self.on[car]) >= limit

    def _is_allowed(self, cost_before: float) -> bool:
        return self.cost <= max(self.aim.most, cost_before)

    def set_patterns(self, on: Bools) -> None:
        """Start from given patterns for all cars, as far as they fit."""
        for car in range(self.problem.cars):
            allowed = on[car] & self.problem.is_usable[car]
            room = self.problem.room_kw(self.least_kw, car) + EPSILON_KW
            allowed = allowed & (room >= self.problem.min_kw[car])
            self._note(car, allowed)
            self.programme.fix(car, allowed)
        self._solve()
        self.total = self._total()

    def _note(self, car: int, on: Bools) -> None:
        delta = on.astype(float) - self.on[car]
        self.proofs.note(car, delta)
        self.least_kw += self.problem.share[:, car][:, None] * (delta * self.problem.min_kw[car])
        self.on[car] = on
        free = self.problem.is_free_start[car]
        self.starts[car] = int(count_starts(on, self.problem.is_joined, free))

    def _solve(self) -> float:
        self.effort.tally.solves += 1
        return self.programme.solve()

    def _total(self) -> float:
        self.cost = self.programme.objective
        return self.cost + self.problem.start_price * int(self.starts.sum())


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
