"""`wattbus watch`: the live view of a running site, and keys to change a station's mode."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from wattbus_console import where
from wattbus_console.bus import Bus, connected
from wattbus_console.commands import options
from wattbus_console.commands.output import terminal
from wattbus_console.keys import Keys, listening_keys
from wattbus_console.screen import Screen
from wattbus_console.stopping import heeding_signals
from wattbus_console.views import plain
from wattbus_console.where import Given
from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.control import Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import ModeRequest

PUMP_S = 0.1
MODES = {"n": Mode.NOW, "s": Mode.SMART, "o": Mode.OFF}
END_KEYS = "qQ"
EXAMPLES = """Examples:

wattbus watch

wattbus watch --host broker.local --user viewer --password-file viewer.password

Keys: n now, s smart, o off for the chosen car; 1 to 9 choose a car; q ends.
"""


def watch(
    host: options.Host = None,
    port: options.Port = None,
    user: options.User = None,
    password_file: options.PasswordFile = None,
    site: options.Site = None,
) -> None:
    """Watch a running site: state of charge, power, price, house under the fuse, and why.

    A local run of this project or its compose stack is found without any option.
    """
    place = where.find(Given(host, port, user, password_file, site), os.environ)
    with (
        heeding_signals() as stopping,
        connected(place.broker, place.site) as bus,
        listening_keys() as keys,
        Screen(terminal(), bus.picture, _footer(keys)) as screen,
    ):
        wishes = Wishes(bus)
        while not stopping.is_wanted:
            messages = bus.pump(PUMP_S)
            screen.tell(messages)
            typed = keys.pressed()
            for line in (*wishes.answered(messages), *wishes.typed(typed)):
                screen.note(line)
            if set(typed) & set(END_KEYS):
                break


def _footer(keys: Keys) -> str:
    if not keys.can_be_pressed:
        return "Ctrl-C ends the view"
    return "n now · s smart · o off · 1-9 choose a car · q ends"


@dataclass
class Wishes:
    """Turns keys into wishes, and answers into lines."""

    bus: Bus
    chosen: int = 0
    asked: set[tuple[str, int]] = field(default_factory=set)

    def typed(self, keys: str) -> list[str]:
        """Return what to note for the keys; wishes are sent on the way."""
        lines = []
        stations = list(self.bus.picture.stations)
        for key in keys.lower():
            if key in "123456789" and int(key) <= len(stations):
                self.chosen = int(key) - 1
                lines.append(f"{stations[self.chosen]}: n now, s smart, o off")
            elif key in MODES and stations:
                lines.append(self._ask(stations[min(self.chosen, len(stations) - 1)], MODES[key]))
        return lines

    def answered(self, messages: Sequence[Decoded]) -> list[str]:
        """Return what became of our wishes."""
        lines = []
        for message in messages:
            body = message.body
            if not isinstance(body, Response) or body.request_source is None:
                continue
            mark = (body.request_source, body.request_seq or 0)
            if mark in self.asked:
                self.asked.discard(mark)
                lines.append(f"{body.station}: {body.outcome.value}: {plain(body.reason.text)}")
        if self.asked and self.bus.session.denied_topics:
            self.asked.clear()
            lines.append(f"the broker does not let user {self.bus.session.user} ask for anything")
        return lines

    def _ask(self, station: str, mode: Mode) -> str:
        sent = self.bus.session.publish(
            topics.MODE_REQUEST, ModeRequest(mode=mode), station=station
        )
        self.asked.add((sent.source, sent.seq))
        return f"{station}: asked for mode {mode.value}"
