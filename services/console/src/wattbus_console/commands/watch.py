"""`wattbus watch`: the live view of a running site."""

import os

from wattbus_console import where
from wattbus_console.bus import connected
from wattbus_console.commands import options
from wattbus_console.commands.output import terminal
from wattbus_console.screen import Screen
from wattbus_console.stopping import heeding_signals
from wattbus_console.where import Given

PUMP_S = 0.1
EXAMPLES = """Examples:

wattbus watch

wattbus watch --host broker.local --user viewer --password-file viewer.password
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
        Screen(terminal(), bus.picture, "Ctrl-C ends the view") as screen,
    ):
        while not stopping.is_wanted:
            screen.tell(bus.pump(PUMP_S))
