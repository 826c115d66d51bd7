"""`wattbus demo`: a day of charging in the terminal, from the question to the report."""

import sys
import time
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.prompt import Prompt
from rich.table import Table
from rich.text import Text

from wattbus_console import run_folder
from wattbus_console.commands import local, options
from wattbus_console.commands.local import Asked
from wattbus_console.commands.output import terminal
from wattbus_console.commands.passing import run_program
from wattbus_console.commands.up import Reporter
from wattbus_console.ending import Ending
from wattbus_console.local_system import Wishes
from wattbus_console.mistakes import Mistake
from wattbus_console.picture import Picture
from wattbus_console.plan_view import plan_views
from wattbus_console.rendering import palette
from wattbus_console.rendering.plan_table import plan_table
from wattbus_console.screen import Screen
from wattbus_console.starting import LocalSystem, running
from wattbus_console.stopping import Stopping, heeding_signals
from wattbus_console.strategies import DEFAULT, STRATEGIES

PUMP_S = 0.05
PLAN_TIMEOUT_S = 20.0
PLAN_SETTLED_S = 0.5
CONFIRM_TIMEOUT_S = 5.0
EXAMPLES = """Examples:

wattbus demo

wattbus demo --strategy threshold

wattbus demo --night

wattbus demo --scenario se3-week --data-dir /tmp/week
"""


@dataclass(frozen=True)
class Course:
    """How long a scenario is shown, and how fast where that is not its own pace."""

    most_h: float
    ends_at_target: bool = True
    seconds_per_hour: str | None = None


NIGHT = "course-night"
COURSES = {
    NIGHT: Course(most_h=13),
    "solar-day": Course(most_h=24, seconds_per_hour="2"),
    "se3-week": Course(most_h=7 * 24, ends_at_target=False, seconds_per_hour="1"),
}
ANY_COURSE = Course(most_h=48)


def demo(
    *,
    strategy: Annotated[
        str | None,
        typer.Option(
            envvar=["STRATEGY", "SCHEDULER_STRATEGY"],
            metavar="NAME",
            help=f"How to choose the hours: {', '.join(STRATEGIES)}.",
            show_default=f"asked for, else {DEFAULT}",
        ),
    ] = None,
    scenario: options.Scenario = "course-day",
    night: Annotated[
        bool,
        typer.Option(
            "--night", help="The night case: arrival 18:00, departure 07:00, target 100 %."
        ),
    ] = False,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.25,
            metavar="N",
            help="Most simulated hours.",
            show_default="48; a night 13, a week 168",
        ),
    ] = None,
    site_file: options.SiteFile = None,
    seconds_per_hour: options.SecondsPerHour = None,
    data_dir: options.DataDir = options.DATA_DIR,
    run_dir: options.RunDir = None,
    port: options.BrokerPort = None,
) -> None:
    """Charge a car in the terminal: choose a strategy, see the plan, the live course, the report.

    It runs the real system on this machine, ends by itself, and leaves no process behind.
    Files of an earlier run are moved to the folder `earlier` beside the new ones.
    """
    console = terminal()
    scenario = NIGHT if night else scenario
    course = COURSES.get(scenario, ANY_COURSE)
    asked = Asked(
        scenario,
        site_file,
        strategy or choose_strategy(console),
        seconds_per_hour or course.seconds_per_hour,
        data_dir,
        run_dir,
    )
    project, wishes = local.wishes_of(asked, "demo")
    ending = Ending(hours or course.most_h, course.ends_at_target)
    first_day: date | None = None
    with heeding_signals() as stopping, local.held_folders(wishes):
        _make_room(console, wishes)
        with running(wishes, project, port, Reporter(console), stopping) as system:
            if system is not None and _show(console, system, ending, stopping):
                _wait_until_logged(system, stopping)
                first_day = day_of_first_value(system.bus.picture)
        if stopping.is_wanted:
            console.print("\nended early; no process is left behind")
            raise typer.Exit(stopping.exit_status)
        _report(console, wishes, first_day)


def choose_strategy(console: Console) -> str:
    """Ask the person at the terminal; the default where there is none."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return DEFAULT
    table = Table.grid(padding=(0, 2))
    for name, word in STRATEGIES.items():
        table.add_row(Text(f"  {name}", "bold"), Text(word, palette.QUIET))
    console.print("How shall the hours be chosen?")
    console.print(table)
    return Prompt.ask("strategy", console=console, choices=list(STRATEGIES), default=DEFAULT)


def _make_room(console: Console, wishes: Wishes) -> None:
    """Begin with an empty broker, and with a data folder that holds this run only."""
    run_folder.wipe(wishes.run_dir)
    (wishes.run_dir / "logs").mkdir()
    moved_to = run_folder.move_aside(wishes.data_dir, datetime.now().astimezone())
    if moved_to is not None:
        console.print(
            f"the earlier run's files are in {local.shown(moved_to)}",
            style=palette.QUIET, highlight=False,
        )  # fmt: skip


def _show(console: Console, system: LocalSystem, ending: Ending, stopping: Stopping) -> bool:
    """Show plan and course; False if it was told to stop before the end."""
    if not _wait_for_plan(system, stopping):
        return False
    local.publish_facts(system)
    for view in plan_views(system.bus.picture):
        console.print()
        console.print(plan_table(view))
    console.print()
    picture = system.bus.picture
    with Screen(console, picture, "Ctrl-C ends it") as screen:
        while not ending.is_over(picture):
            if stopping.is_wanted:
                return False
            screen.tell(system.bus.pump(PUMP_S))
            system.supervisor.check()
    _say_outcome(console, ending, system)
    return True


def _wait_for_plan(system: LocalSystem, stopping: Stopping) -> bool:
    """Wait for the first meter value, and for a plan that no further fact changes."""
    picture = system.bus.picture
    deadline_s = time.monotonic() + PLAN_TIMEOUT_S
    settled_s, seen = time.monotonic(), picture.plan
    while not stopping.is_wanted:
        system.bus.pump(PUMP_S)
        system.supervisor.check()
        now_s = time.monotonic()
        if picture.plan is not seen:
            settled_s, seen = now_s, picture.plan
        if seen is not None and picture.now is not None and now_s - settled_s >= PLAN_SETTLED_S:
            return True
        if now_s > deadline_s:
            raise Mistake(
                f"no plan within {PLAN_TIMEOUT_S:g} s; the services' logs are in "
                f"{local.shown(system.wishes.run_dir / 'logs')}"
            )
    return False


def _say_outcome(console: Console, ending: Ending, system: LocalSystem) -> None:
    console.print()
    if not ending.ends_at_target:
        console.print(f"{ending.most_h:g} simulated hours are over; the report has every stay")
        return
    shortfalls = ending.shortfalls(system.bus.picture)
    if not shortfalls:
        console.print(Text("the target is reached", f"bold {palette.GOOD}"))
    for shortfall in shortfalls:
        text = f"after {ending.most_h:g} simulated hours {shortfall}"
        console.print(Text(text, palette.ALARM))


def _wait_until_logged(system: LocalSystem, stopping: Stopping) -> None:
    """Let the logger write the last meter value before anybody ends."""
    bus = system.bus
    last = bus.newest_reading
    deadline_s = time.monotonic() + CONFIRM_TIMEOUT_S
    while last is not None and not bus.confirmations.has(last):
        if stopping.is_wanted or time.monotonic() > deadline_s:
            return
        bus.pump(PUMP_S)


def _report(console: Console, wishes: Wishes, first_day: date | None) -> None:
    console.print()
    days = [] if first_day is None else ["--from", first_day.isoformat()]
    for command in ("report", "plot"):
        status = run_program("wattbus-logger", [command, *days], wishes.data_dir)
        if status != 0:
            raise Mistake(f"wattbus-logger {command} has ended with status {status}")
    console.print()
    table = Table.grid(padding=(0, 2))
    for name, word in _files(wishes.data_dir):
        table.add_row(Text(f"  {name}", palette.QUIET), Text(word))
    table.add_row(Text("  services' logs", palette.QUIET), local.shown(wishes.run_dir / "logs"))
    console.print(table)
    console.print(Text("\ndecide this day again from its recording: wattbus replay", palette.QUIET))


def day_of_first_value(picture: Picture) -> date | None:
    """Return the local day on which the run began, None before its first value."""
    if picture.first_at is None or picture.site is None:
        return None
    return picture.first_at.astimezone(ZoneInfo(picture.site.time_zone)).date()


def _files(data_dir: Path) -> list[tuple[str, str]]:
    known = {
        "battery_log.csv": "meter values",
        "charging_log.txt": "charging log",
        "events.jsonl": "every message",
        "battery_plot.png": "plot",
    }
    return [
        (word, local.shown(data_dir / name))
        for name, word in known.items()
        if (data_dir / name).exists()
    ]
