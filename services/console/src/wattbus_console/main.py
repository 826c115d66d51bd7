"""Entry point of the wattbus command."""

import logging
import sys

import typer

from wattbus_console import where
from wattbus_console.commands import demo, doctor, passing, up, watch, wish
from wattbus_console.mistakes import Mistake
from wattbus_contract.broker_settings import BadSetting


def build() -> typer.Typer:
    """Return the command with all its commands."""
    app = typer.Typer(
        name="wattbus",
        help="Smart charging on one machine: run it, watch it, ask for something, look back.",
        epilog="Example: wattbus demo",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.command(epilog=demo.EXAMPLES)(demo.demo)
    app.command(epilog=up.EXAMPLES)(up.up)
    app.command(epilog=watch.EXAMPLES)(watch.watch)
    app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
    app.command(epilog=wish.MODE_EXAMPLES)(wish.mode)
    app.command(epilog=wish.GOAL_EXAMPLES)(wish.goal)
    app.command(epilog=wish.STRATEGY_EXAMPLES)(wish.strategy)
    passed_on = passing.PASSED_ON
    app.command(epilog=passing.REPORT_EXAMPLES, context_settings=passed_on)(passing.report)
    app.command(epilog=passing.PLOT_EXAMPLES, context_settings=passed_on)(passing.plot)
    app.command(epilog=passing.REPLAY_EXAMPLES, context_settings=passed_on)(passing.replay)
    app.command(epilog=passing.COMPARE_EXAMPLES, context_settings=passed_on)(passing.compare)
    app.command(epilog=passing.PLAN_EXAMPLES, context_settings=passed_on)(passing.plan)
    app.command(epilog=passing.BACKTEST_EXAMPLES, context_settings=passed_on)(passing.backtest)
    conformance = app.command(epilog=passing.CONFORMANCE_EXAMPLES, context_settings=passed_on)
    conformance(passing.conformance)
    return app


def main() -> None:
    """Run the command; 2 for a mistake, with one line that tells what to do."""
    # What people need to know is printed; a run's own log gets the rest.
    logging.getLogger().addHandler(logging.NullHandler())
    where.leave_no_health_file()
    try:
        build()()
    except Mistake as mistake:
        sys.stderr.write(f"wattbus: {mistake}\n")
        sys.exit(2)
    except BadSetting as error:
        sys.stderr.write(f"wattbus: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
