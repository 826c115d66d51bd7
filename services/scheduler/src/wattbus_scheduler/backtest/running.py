"""Has every strategy play every session: cut into jobs, spread over processes, the same result."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from time import process_time

from wattbus_scheduler.backtest.foreknowledge import Foreknowledge
from wattbus_scheduler.backtest.hindsight import hindsight
from wattbus_scheduler.backtest.playing import play
from wattbus_scheduler.backtest.stays import Played, Session, components
from wattbus_scheduler.backtest.world import World
from wattbus_scheduler.plan import Plan
from wattbus_scheduler.situation import Situation
from wattbus_scheduler.strategies import strategy_named

HINDSIGHT = "hindsight"
JOBS_PER_STRATEGY = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a strategy made of all sessions, in order, and the processor time it took."""

    strategy: str
    played: tuple[Played, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Job:
    strategy: str
    groups: tuple[tuple[Session, ...], ...]

    @property
    def sessions(self) -> int:
        return sum(len(group) for group in self.groups)


Advance = Callable[[int], None]
"""Told how many more sessions have been played."""


def run(
    world: World, strategies: Sequence[str], processes: int, advance: Advance = lambda _: None
) -> list[Outcome]:
    """Return the outcome of each strategy; `hindsight` is one of the names.

    Groups of sessions that cannot touch each other are played apart, so the number of processes
    and jobs changes nothing but the time.
    """
    groups = components(world.sessions)
    jobs = [job for name in strategies for job in _jobs(name, groups)]
    played: dict[str, list[Played]] = {name: [] for name in strategies}
    seconds = dict.fromkeys(strategies, 0.0)
    for job, results, took_s in _results(world, jobs, processes):
        played[job.strategy].extend(results)
        seconds[job.strategy] += took_s
        advance(job.sessions)
    return [
        Outcome(name, tuple(sorted(played[name], key=lambda one: one.number)), seconds[name])
        for name in strategies
    ]


def _jobs(strategy: str, groups: Sequence[Sequence[Session]]) -> Iterator[_Job]:
    wanted = max(1, sum(len(group) for group in groups) // JOBS_PER_STRATEGY)
    bundle: list[tuple[Session, ...]] = []
    for group in groups:
        bundle.append(tuple(group))
        if sum(len(one) for one in bundle) >= wanted:
            yield _Job(strategy, tuple(bundle))
            bundle = []
    if bundle:
        yield _Job(strategy, tuple(bundle))


def _results(
    world: World, jobs: Sequence[_Job], processes: int
) -> Iterator[tuple[_Job, list[Played], float]]:
    if processes <= 1 or len(jobs) <= 1:
        player = _Player(world)
        for job in jobs:
            yield job, *player.play(job)
        return
    # Spawned, not forked: threads (a progress bar's, HiGHS') do not survive a fork.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _prepare, (world,))
    with pool:
        waiting = {pool.submit(_play, job): job for job in sorted(jobs, key=_longest_first)}
        for future in as_completed(waiting):
            yield waiting[future], *future.result()


def _longest_first(job: _Job) -> tuple[bool, int]:
    return job.strategy != "optimal", -job.sessions


@dataclass(frozen=True, slots=True)
class _Strategy:
    """A planner as the controller knows it."""

    name: str
    world: World

    def __call__(self, situation: Situation, now: datetime) -> Plan:
        return strategy_named(self.name)(situation, now, self.world.settings)


class _Player:
    """Plays jobs in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._knowledge = Foreknowledge(world)

    def play(self, job: _Job) -> tuple[list[Played], float]:
        """Return the results of a job, and the processor time they took."""
        before_s = process_time()
        results: list[Played] = []
        for group in job.groups:
            if job.strategy == HINDSIGHT:
                results.extend(hindsight(self._world, self._knowledge, group))
            else:
                planner = _Strategy(job.strategy, self._world)
                results.extend(play(self._world, self._knowledge, group, planner))
        return results, process_time() - before_s


_player: list[_Player] = []
"""A worker process' own: made once when it starts."""


def _prepare(world: World) -> None:
    _player[:] = [_Player(world)]


def _play(job: _Job) -> tuple[list[Played], float]:
    return _player[0].play(job)
