"""The scheduler's commands beside running it: plan, compare, replay and backtest."""

import argparse
import sys
from pathlib import Path
from typing import TextIO

from wattbus_contract.broker_settings import load
from wattbus_scheduler.backtest.options import add_parser
from wattbus_scheduler.day_course import play
from wattbus_scheduler.plan_file import draw, plan_file
from wattbus_scheduler.replay import BadRecording, replay
from wattbus_scheduler.scenario import BadScenario, Scenario, bundled_names, load_scenario
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.strategies import STRATEGIES, strategy_named
from wattbus_scheduler.tables import comparison_table, plan_table

EXAMPLES = """examples:
  wattbus-scheduler                                    run, with the settings of the environment
  wattbus-scheduler plan --scenario default-day --strategy cheapest
  wattbus-scheduler plan scenarios.json --plot plans.png
  wattbus-scheduler compare --markdown
  wattbus-scheduler replay data/events.jsonl
  wattbus-scheduler backtest
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(
        prog="wattbus-scheduler",
        description="Decides when each car charges and says why. Without a command it runs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", metavar="command")
    commands.add_parser(
        "run", help="run the service (the default)", epilog="example: wattbus-scheduler run"
    )
    plan = commands.add_parser(
        "plan",
        help="plan one scenario and print every slot with its reason",
        epilog="example: wattbus-scheduler plan --scenario default-day --strategy threshold",
    )
    plan.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="plan every scenario of a JSON file and print a JSON line for each",
    )
    _add_scenario(plan)
    plan.add_argument(
        "--strategy",
        choices=sorted(STRATEGIES),
        help="cheapest unless given; optimal for a file",
    )
    plan.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the plans, as PNG, SVG or PDF"
    )
    compare = commands.add_parser(
        "compare",
        help="play every strategy through a scenario and compare energy, cost and hours",
        epilog="example: wattbus-scheduler compare --scenario default-day --markdown",
    )
    _add_scenario(compare)
    compare.add_argument("--markdown", action="store_true", help="print a Markdown table")
    again = commands.add_parser(
        "replay",
        help="decide a recorded day again and compare with what was decided then",
        epilog="example: wattbus-scheduler replay data/events.jsonl --strategy load",
    )
    again.add_argument("recording", type=Path, help="the logger's events.jsonl")
    again.add_argument(
        "--strategy", choices=sorted(STRATEGIES), help="print what this one would have decided"
    )
    add_parser(commands)
    return whole


def run(parsed: argparse.Namespace, out: TextIO) -> int:
    """Run the parsed command; returns the exit status."""
    try:
        match parsed.command:
            case "plan" if parsed.file is not None:
                plan_file(parsed.file, parsed.strategy or "optimal", out, parsed.plot)
                return 0
            case "plan":
                strategy = parsed.strategy or "cheapest"
                return _plan(parsed.scenario, strategy, out, parsed.plot)
            case "compare":
                return _compare(load_scenario(parsed.scenario), out, is_markdown=parsed.markdown)
            case "backtest":
                # The service does without what the backtest needs.
                from wattbus_scheduler.backtest.command import backtest  # noqa: PLC0415

                return backtest(parsed, out)
            case _:
                return replay(parsed.recording, parsed.strategy, load(SchedulerSettings), out)
    except (BadScenario, BadRecording, OSError) as error:
        sys.stderr.write(f"wattbus-scheduler {parsed.command}: {error}\n")
        return 2


def _add_scenario(command: argparse.ArgumentParser) -> None:
    known = ", ".join(bundled_names())
    command.add_argument(
        "--scenario", default="default-day", help=f"a path, or one of: {known} (default-day)"
    )


def _plan(name: str, strategy: str, out: TextIO, picture: Path | None) -> int:
    scenario = load_scenario(name)
    plan = strategy_named(strategy)(scenario.situation, scenario.now, scenario.settings)
    out.write(plan_table(plan, scenario.situation.site))
    if picture is not None:
        draw(picture, [(Path(name).stem, plan, scenario.situation)])
    return 0


def _compare(scenario: Scenario, out: TextIO, *, is_markdown: bool) -> int:
    if len(scenario.situation.cars) != 1:
        raise BadScenario("compare plays scenarios of exactly one car")
    courses = sorted((play(scenario, name) for name in STRATEGIES), key=lambda c: c.cost)
    out.write(comparison_table(courses, scenario.situation.site, is_markdown=is_markdown))
    return 0
