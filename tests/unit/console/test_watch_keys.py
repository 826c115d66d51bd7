"""Keys in the live view become wishes, and the terminal is left as it was."""

import os
import pty
import sys
import termios
import threading
from dataclasses import replace

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import settings_for, wait_until
from unit.console.pictures import default_day
from unit.console.test_wish import answering_bridge
from wattbus_console.bus import connected
from wattbus_console.commands.watch import Wishes
from wattbus_console.keys import listening_keys
from wattbus_contract.facts import Mode
from wattbus_contract.requests import ModeRequest


def test_keys_come_at_once_and_the_terminal_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with listening_keys() as keys:
            assert keys.can_be_pressed
            assert keys.pressed() == ""
            os.write(ours, b"2n")
            pressed = ""
            timer = threading.Event()
            while len(pressed) < 2 and not timer.wait(0.01):
                pressed += keys.pressed()
            os.write(ours, b"\x1b[A")
            timer.wait(0.1)
            arrow = keys.pressed()
        after = termios.tcgetattr(theirs)
    os.close(ours)

    assert (pressed, arrow) == ("2n", "")
    assert after == before


def test_where_no_terminal_is_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdin", nothing)
        with listening_keys() as keys:
            assert not keys.can_be_pressed
            assert keys.pressed() == ""


def test_a_key_asks_the_chosen_car_and_the_answer_is_shown(
    broker: BrokerProcess, site: str
) -> None:
    with (
        answering_bridge(broker, site) as asked,
        connected(settings_for(broker, "console"), site) as bus,
    ):
        bus.picture = replace(default_day())
        wishes = Wishes(bus)
        lines = wishes.typed("1o9x")
        answers: list[str] = []
        wait_until(lambda: answers.extend(wishes.answered(bus.pump(0.05))) or answers, "an answer")

    assert lines == ["car1: n now, s smart, o off", "car1: asked for mode off"]
    assert answers == ["car1: accepted: as you wish"]
    assert asked == [ModeRequest(mode=Mode.OFF)]


def test_a_viewer_is_told_that_it_may_not_ask(broker: BrokerProcess, site: str) -> None:
    with connected(settings_for(broker, "viewer"), site) as bus:
        bus.picture = replace(default_day())
        wishes = Wishes(bus)
        wishes.typed("n")
        answers: list[str] = []
        wait_until(lambda: answers.extend(wishes.answered(bus.pump(0.05))) or answers, "an answer")

    assert answers == ["the broker does not let user viewer ask for anything"]
