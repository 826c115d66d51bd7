"""Entry point of the dashboard: settings, wiring, and the page until it is told to end."""

import argparse
import asyncio
import getpass
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from wattbus_contract import topics
from wattbus_contract.broker_settings import BrokerSettings, load
from wattbus_contract.codec import Decoded
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession
from wattbus_dashboard.bus import BusReader
from wattbus_dashboard.memory import Memory
from wattbus_dashboard.password import Password
from wattbus_dashboard.settings import DashboardSettings, SiteSettings, check_guarded

USER = "dashboard"
SAVE_EVERY_S = 60.0
EXAMPLES = """examples:
  wattbus-dashboard                 run, with the settings of the environment
  wattbus-dashboard set-password    ask for the password of the page and keep its hash
"""

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the dashboard, or set its password; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="wattbus-dashboard",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=("run", "set-password"), default="run")
    command = parser.parse_args(arguments).command
    settings = load(DashboardSettings)
    password = Password(settings.state_dir)
    if command == "set-password":
        return set_password(password)
    check_guarded(settings, has_password=password.is_set)
    metrics = load(MetricsSettings)
    return serve(load(BrokerSettings), load(SiteSettings).site, settings, metrics, password)


def set_password(password: Password) -> int:
    """Ask for a password, or read it from a pipe, and keep its hash."""
    if sys.stdin.isatty():
        given = getpass.getpass("password of the dashboard: ")
        if given != getpass.getpass("once more: "):
            sys.exit("the two are not the same; nothing was changed")
    else:
        given = sys.stdin.readline().rstrip("\n")
    try:
        password.set(given)
    except (ValueError, OSError) as error:
        sys.exit(f"nothing was changed: {error}")
    sys.stdout.write("the password is set; restart the dashboard if it is running\n")
    return 0


def serve(
    broker: BrokerSettings,
    site: str,
    settings: DashboardSettings,
    metrics: MetricsSettings,
    password: Password,
) -> int:
    """Show the site until SIGTERM or SIGINT."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # NiceGUI reads it when it is imported; the folder of its storage, which is not used.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(settings.state_dir / "nicegui"))
    # It would take us for a test of its own where somebody else's test has started us.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    from nicegui import app, ui  # noqa: PLC0415 - takes seconds, which set-password need not wait

    from wattbus_dashboard import server  # noqa: PLC0415 - as above
    from wattbus_dashboard.hub import Hub  # noqa: PLC0415 - as above

    session = MqttSession(
        broker,
        user=USER,
        site=site,
        version=version("wattbus-dashboard"),
        subscriptions=(topics.everything(site),),
        is_durable=False,
    )
    if metrics.port:
        from wattbus_contract.metrics import expose, new_registry  # noqa: PLC0415 - if wanted

        expose(metrics, new_registry(session))
    hub, memory = Hub(), Memory(settings.state_dir, site)
    hub.picture.remember_loads(memory.load())
    server.set_up(hub, password)
    faults: list[str] = []
    keeping: list[asyncio.Task[None]] = []

    async def start() -> None:
        loop = asyncio.get_running_loop()

        def hear(messages: Sequence[Decoded], is_connected: bool) -> None:
            loop.call_soon_threadsafe(hub.receive, messages, is_connected)

        def end(fault: str) -> None:
            faults.append(fault)
            loop.call_soon_threadsafe(app.shutdown)

        hub.bus = BusReader(session, hear, end)
        hub.bus.start()
        keeping.append(asyncio.create_task(keep()))
        log.info("shows site %s at http://%s:%d", site, settings.host, settings.port)

    async def keep() -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await asyncio.to_thread(memory.save, dict(hub.picture.loads))

    def stop() -> None:
        for task in keeping:
            task.cancel()
        if hub.bus is not None:
            hub.bus.stop()
        memory.save(hub.picture.loads)

    app.on_startup(start)
    app.on_shutdown(stop)
    ui.run(
        host=settings.host, port=settings.port, title="Wattbus", dark=None, tailwind=False,
        favicon=server.ASSETS / "icon.svg", show=False, reload=False, show_welcome_message=False,
        binding_refresh_interval=None, reconnect_timeout=30.0,
    )  # fmt: skip
    for fault in faults:
        log.critical("ends: %s", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
