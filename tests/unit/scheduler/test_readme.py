"""The scheduler's README says what the program does."""

import re
from io import StringIO
from pathlib import Path

from wattbus_scheduler import cli
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.strategies import STRATEGIES

README = Path(__file__).parents[3] / "services" / "scheduler" / "README.md"


def test_the_table_of_strategies_is_what_compare_prints() -> None:
    out = StringIO()
    cli.run(cli.parser().parse_args(["compare", "--markdown"]), out)

    assert out.getvalue() in README.read_text("utf-8")


def test_the_settings_table_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"\| `WATTBUS_SCHEDULER_(\w+)` \| `([^`]+)` \|", README.read_text("utf-8"))
    defaults = {name.upper(): str(f.default) for name, f in SchedulerSettings.model_fields.items()}

    assert dict(rows) == defaults


def test_every_example_is_a_command_that_can_be_parsed() -> None:
    lines = re.findall(r"^wattbus-scheduler(.*?)(?:#.*)?$", README.read_text("utf-8"), re.M)
    examples = re.findall(r"wattbus-scheduler ([a-z].*)$", cli.parser().format_help(), re.M)

    assert len(lines) == 6
    for arguments in (*lines, *(e for e in examples if e.split()[0] in {"plan", "compare"})):
        cli.parser().parse_args(arguments.split())


def test_every_strategy_is_named() -> None:
    text = README.read_text("utf-8")

    assert all(f"`{name}`" in text for name in STRATEGIES)
