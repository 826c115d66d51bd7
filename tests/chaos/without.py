"""Runs a service with one of its protections switched off, for negative controls only.

usage: python -m chaos.without PROTECTION -- COMMAND [ARGUMENT …]
       python -m chaos.without fence -- wattbus-station-bridge

The protections: ack (acknowledged only when on disk), clean-start (the session outlives the
process), fence (limits of the lease's holder only), guard (the fuse), monotonic (leases by a clock
that nobody sets), spool (meter values on disk until they are confirmed).
"""

import importlib
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import Any


def ack() -> None:
    """Acknowledge each message as soon as it has arrived, as paho does by itself."""
    connection = importlib.import_module("wattbus_contract.connection")
    make_client = connection.make_client

    def make_hasty_client(*arguments: Any) -> Any:
        client = make_client(*arguments)
        client.manual_ack_set(False)
        return client

    _replace(connection, "make_client", make_hasty_client)


def clean_start() -> None:
    """Let a new process begin a new session, which is paho's default."""
    client = importlib.import_module("paho.mqtt.client").Client
    connect_async = client.connect_async

    def connect_afresh(self: Any, *arguments: Any, clean_start: object, **more: Any) -> Any:
        del clean_start
        return connect_async(self, *arguments, **more)

    _replace(client, "connect_async", connect_afresh)


def fence() -> None:
    """Take limits from anybody, of any epoch."""
    main = importlib.import_module("wattbus_station_bridge.main")
    _replace(main, "Gate", partial(main.Gate, is_fenced=False))


def guard() -> None:
    """Let stations draw whatever is commanded."""
    main = importlib.import_module("wattbus_station_bridge.main")
    _replace(main, "Site", partial(main.Site, is_guarded=False))


def spool() -> None:
    """Keep what waits for the logger in memory only."""
    main = importlib.import_module("wattbus_station_bridge.main")
    spooling = importlib.import_module("wattbus_station_bridge.spool.spooling")
    _replace(main, "make_spooling", lambda *_: spooling.Spooling())


def monotonic() -> None:
    """Reckon leases and the age of limits by the clock on the wall. Before anything is imported."""
    _replace(time, "monotonic", time.time)


PROTECTIONS: dict[str, Callable[[], None]] = {
    "ack": ack,
    "clean-start": clean_start,
    "fence": fence,
    "guard": guard,
    "monotonic": monotonic,
    "spool": spool,
}


def _replace(owner: Any, name: str, double: Any) -> None:
    if not hasattr(owner, name):
        sys.exit(f"chaos.without: {owner} has no {name} any more; this control controls nothing")
    setattr(owner, name, double)


def main() -> int:
    """Switch the protection off and become the service."""
    protection, separator, command, *arguments = sys.argv[1:]
    if separator != "--" or protection not in PROTECTIONS:
        sys.exit(__doc__)
    PROTECTIONS[protection]()
    (entry,) = entry_points(group="console_scripts", name=command)
    sys.argv = [command, *arguments]
    return int(entry.load()() or 0)


if __name__ == "__main__":
    sys.exit(main())
