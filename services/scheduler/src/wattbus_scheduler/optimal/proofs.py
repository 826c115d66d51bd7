"""What the answers of a search prove about patterns that it has not tried."""

import numpy as np

from wattbus_scheduler.optimal.problem import Floats

MOST_PROOFS = 32


class Proofs:
    """What earlier answers prove about patterns that were not tried.

    By duality the marginal prices of any answer bound what any patterns cost from below: what its
    own cost, and what each differing piece is worth at those prices.
    """

    def __init__(self, cars: int, pieces: int) -> None:
        self._values = np.zeros((MOST_PROOFS, cars, pieces))
        self._costs = np.full(MOST_PROOFS, -np.inf)
        self._next = 0

    def add(self, cost: float, value: Floats) -> None:
        """Keep an answer: its cost at the patterns of now, and what each piece is worth."""
        self._values[self._next], self._costs[self._next] = value, cost
        self._next = (self._next + 1) % MOST_PROOFS

    def least(self, car: int, change: Floats) -> float:
        """Return the least that a change (-1, 0, 1 by piece) of a car's pattern can cost."""
        return float((self._costs + self._values[:, car] @ change).max())

    def note(self, car: int, change: Floats) -> None:
        """Reckon with a change of the patterns of now."""
        self._costs += self._values[:, car] @ change
