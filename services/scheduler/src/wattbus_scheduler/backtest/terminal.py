"""The league and the progress of a backtest on a terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from wattbus_scheduler.backtest.league_tables import HEAD, cells
from wattbus_scheduler.backtest.running import Advance
from wattbus_scheduler.backtest.summary import Summary

PAGE_WIDTH = 120
"""Of a table that goes to a file."""


def print_league(
    description: str, currency: str, summaries: Sequence[Summary], out: TextIO
) -> None:
    """Print a table for each tariff."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else PAGE_WIDTH)
    for summary in summaries:
        title = description if len(summaries) == 1 else f"{description}; tariff {summary.tariff}"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for number, name in enumerate((*HEAD, "processor")):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for line in summary.lines:
            table.add_row(*cells(line, currency), f"{line.seconds:.1f} s")
        console.print(table)


@contextmanager
def progress(sessions: int) -> Iterator[Advance]:
    """Show a bar on stderr while sessions are played."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sessions", total=sessions)
        yield lambda count: bar.advance(task, count)
