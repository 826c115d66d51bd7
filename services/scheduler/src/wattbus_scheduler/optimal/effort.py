"""How much a search may try, and when what it has found is enough."""

from dataclasses import dataclass, field, replace
from time import perf_counter

GAIN_EPSILON = 1e-7


@dataclass(frozen=True, slots=True)
class Aim:
    """What the cost without starts is to be: the search ends at `enough`, and keeps below `most`.

    A plan that is above `most` may come nearer to it.
    """

    enough: float = float("-inf")
    most: float = float("inf")

    def less(self, cost: float) -> "Aim":
        """Return the aim of a part when the rest costs so much."""
        return Aim(self.enough - cost, self.most - cost)


ANY = Aim()


@dataclass(slots=True)
class Tally:
    """How many programmes were solved: the same on every machine, as seconds are not."""

    solves: int = 0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried: patterns a car when fixing, passes over the cars, sweeps over groups.

    A car's wish is tried as a whole and in `parts` of its runs (2 halves, 4 with the ends), of all
    these at most `steps`. With `refits_all` every car of a group is taken out once and fixed anew.

    No new step is begun after `stop_at_s` (of perf_counter), nor when the `tally` has
    `most_solves`. A change must save `least_gain`; one that promises no more than `negligible` is
    not tried.
    """

    tries: int = 3
    passes: int = 3
    sweeps: int = 1
    parts: int = 2
    steps: int = 5
    refits_all: bool = False
    start_factors: tuple[float, ...] = (1.0,)
    stop_at_s: float = float("inf")
    least_gain: float = GAIN_EPSILON
    negligible: float = GAIN_EPSILON
    most_solves: float = float("inf")
    tally: Tally = field(default_factory=Tally)

    def is_over(self) -> bool:
        """Whether the time is up; a generous limit never strikes, so that results repeat."""
        return self.tally.solves >= self.most_solves or perf_counter() > self.stop_at_s


def thorough(effort: Effort) -> Effort:
    """Return the effort with more of everything that takes time."""
    return replace(effort, passes=6, sweeps=3, parts=4)
