"""The README says what is so: its table of strategies, its topics, commands, files and links."""

import io
import re
from pathlib import Path

import pytest
import typer.main

from wattbus_console.main import build
from wattbus_contract import topics
from wattbus_scheduler import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_strategies_table_is_what_the_command_prints() -> None:
    printed = io.StringIO()

    status = cli.run(cli.parser().parse_args(["compare", "--markdown"]), printed)

    assert status == 0
    assert f"<!-- generated: compare -->\n{printed.getvalue()}<!-- end -->" in README


def test_every_topic_in_the_table_is_one_of_the_contract() -> None:
    section = README.split("## Topics")[1].split("## ")[0]
    named = re.findall(r"`([a-z]+(?:/[a-z<>]+)*)`", section.replace("<id>", "x"))
    known = [spec.pattern for spec in topics.ALL]

    told = [name.replace("/x", "/{station}") for name in named]

    assert len(told) > 10
    for name in told:
        assert any(pattern.startswith(name.split("<")[0]) for pattern in known), name


def test_every_command_in_the_table_exists() -> None:
    commands = typer.main.get_command(build()).commands  # type: ignore[attr-defined]  # a group
    told = set(re.findall(r"^\| `wattbus (\w+)", README, re.M))

    assert told
    assert told <= set(commands)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists(), link


def test_every_place_to_edit_exists() -> None:
    section = README.split("## To change something")[1].split("## ")[0]
    places = [p for p in re.findall(r"`([a-z][\w./-]+)`", section) if "/" in p]

    assert len(places) > 8
    for place in places:
        assert (ROOT / place).exists(), place
