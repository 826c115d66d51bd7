"""Entry point of the simulator service."""

import logging
import secrets
import signal
import sys
import time
from types import FrameType

from waitress.server import create_server  # type: ignore[import-untyped] # ships no types

from wattbus_simulator.app import create_app
from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import BadScenarioError
from wattbus_simulator.settings import BadSettingError, read_settings
from wattbus_simulator.world import World

log = logging.getLogger("wattbus_simulator")


def main() -> int:
    """Serve one household until SIGTERM or Ctrl-C; 2 when a setting is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # Bursts of polls queue for a moment by design; a warning for each says nothing.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        settings = read_settings()
        household = build_household(settings.chosen_scenario())
    except (BadSettingError, BadScenarioError) as error:
        sys.stderr.write(f"wattbus-simulator: {error}\n")
        return 2

    world = World(household, time.monotonic, boot_id=secrets.token_hex(3))
    try:
        server = create_server(
            create_app(world),
            host=settings.host,
            port=settings.port,
            threads=8,
            connection_limit=2000,
            channel_timeout=60,
            asyncore_use_poll=True,
            ident="wattbus-simulator",
        )
    except OSError as error:
        sys.stderr.write(
            f"wattbus-simulator: cannot listen on {settings.host}:{settings.port}: {error}\n"
        )
        return 1
    signal.signal(signal.SIGTERM, _stop)
    log.info(
        "scenario %s at http://%s:%s, %d stations, starts %s, %g s an hour",
        household.name,
        settings.host,
        server.effective_port,
        len(household.places),
        household.start_at.isoformat(timespec="minutes"),
        household.seconds_per_hour,
    )
    server.run()
    log.info("stopped")
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # waitress ends its loop and its threads on SystemExit.
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
