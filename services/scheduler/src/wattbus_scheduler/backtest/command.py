"""The command `backtest`: reads a study, plays it, prints the league, writes CSV and picture."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TextIO

from wattbus_scheduler.backtest import league_tables
from wattbus_scheduler.backtest.csv_rows import BadTable
from wattbus_scheduler.backtest.inputs import Inputs, assemble, load_inputs
from wattbus_scheduler.backtest.running import HINDSIGHT, Advance, Outcome, run
from wattbus_scheduler.backtest.study import Study, load_study
from wattbus_scheduler.backtest.summary import AT_ONCE, Summary, summarise
from wattbus_scheduler.strategies import STRATEGIES


class Missing(RuntimeError):  # noqa: N818 - says what is missing
    """A library that only the backtest's extras bring is not there."""


def backtest(parsed: argparse.Namespace, out: TextIO) -> int:
    """Run the parsed command; returns the exit status, 2 for a mistake in the data."""
    try:
        return _backtest(parsed, out)
    except (BadTable, Missing, OSError) as error:
        sys.stderr.write(f"wattbus-scheduler backtest: {error}\n")
        return 2


def _backtest(parsed: argparse.Namespace, out: TextIO) -> int:
    before_s = perf_counter()
    study, inputs = _inputs(parsed)
    names = _strategies(study)
    sessions = len(next(iter(inputs.worlds.values())).sessions)
    processes = parsed.jobs or _cores()
    played: list[tuple[str, list[Outcome]]] = []
    is_shown = not parsed.quiet and sys.stderr.isatty()
    with _progress(len(names) * len(inputs.worlds) * sessions, is_shown=is_shown) as advance:
        for tariff, world in inputs.worlds.items():
            played.append((tariff, run(world, names, processes, advance)))
    summaries = [summarise(tariff, inputs.worlds[tariff], outcomes) for tariff, outcomes in played]
    _print(parsed, study, inputs, summaries, out)
    if parsed.csv is not None:
        with parsed.csv.open("w", encoding="utf-8", newline="") as file:
            league_tables.write_sessions(
                file, [(tariff, inputs.worlds[tariff], outcomes) for tariff, outcomes in played]
            )
    if parsed.plot is not None:
        _draw(parsed.plot, study, inputs, played[0][1], summaries[0])
    if not parsed.quiet:
        for note in inputs.notes:
            sys.stderr.write(f"note: {note}\n")
        took_s = perf_counter() - before_s
        told = (
            f"{sessions} sessions, {len(names)} strategies, {processes} processes: {took_s:.1f} s"
        )
        sys.stderr.write(told + "\n")
    return 0


def _cores() -> int:
    """Return how many cores this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _inputs(parsed: argparse.Namespace) -> tuple[Study, Inputs]:
    if parsed.recording is not None:
        if parsed.study is not None or parsed.data is not None:
            raise BadTable("--recording takes neither a study nor --data")
        from wattbus_scheduler.backtest.recorded import (  # noqa: PLC0415 - seldom wanted
            recorded_study,
        )

        study, data = recorded_study(parsed.recording)
        study = _changed(study, parsed)
        return study, assemble(study, data)
    study, folder = load_study(parsed.study or "one-car")
    study = _changed(study, parsed)
    if parsed.data is not None and not parsed.data.is_dir():
        raise BadTable(f"{parsed.data}: no such folder")
    return study, load_inputs(study, parsed.data or folder)


def _changed(study: Study, parsed: argparse.Namespace) -> Study:
    changes = {
        "from_day": parsed.first,
        "to_day": parsed.last,
        "slot_minutes": parsed.slot_minutes,
        "departure": parsed.departure,
        "load_forecast": parsed.load_forecast,
    }
    if parsed.strategy:
        names = tuple(dict.fromkeys(parsed.strategy))
        changes["strategies"] = study.strategies.model_copy(update={"names": names})
    return study.model_copy(update={k: v for k, v in changes.items() if v is not None})


def _strategies(study: Study) -> list[str]:
    for name in study.strategies.names:
        if name not in STRATEGIES:
            known = ", ".join(sorted(STRATEGIES))
            raise BadTable(f"strategy {name!r} is unknown; it must be one of {known}")
    between = [name for name in study.strategies.names if name != AT_ONCE]
    return [HINDSIGHT, *between, AT_ONCE]


def _print(
    parsed: argparse.Namespace,
    study: Study,
    inputs: Inputs,
    summaries: Sequence[Summary],
    out: TextIO,
) -> None:
    if parsed.json:
        out.write(league_tables.as_json(study.description, study.currency, inputs.notes, summaries))
    elif parsed.markdown:
        out.write(league_tables.markdown(summaries, study.currency))
    else:
        _rich().print_league(study.description, study.currency, summaries, out)


@contextmanager
def _progress(sessions: int, *, is_shown: bool) -> Iterator[Advance]:
    if not is_shown:
        yield lambda _: None
        return
    with _rich().progress(sessions) as advance:
        yield advance


def _rich() -> ModuleType:
    try:
        from wattbus_scheduler.backtest import terminal  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Missing(
            f"{error}: tables need wattbus-scheduler[backtest]; --markdown and --json do not"
        ) from error
    return terminal


def _draw(
    path: Path,
    study: Study,
    inputs: Inputs,
    outcomes: Sequence[Outcome],
    summary: Summary,
) -> None:
    try:
        from wattbus_scheduler.backtest.picture import draw  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Missing(f"{error}: pictures need wattbus-scheduler[backtest]") from error
    world = inputs.worlds[summary.tariff]
    draw(path, study.description, world, outcomes, summary)
