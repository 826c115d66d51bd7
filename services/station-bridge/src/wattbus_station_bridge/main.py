"""Entry point of the station-bridge: settings, adapters, wiring, loop."""

import logging
import signal
import sys
import threading

from wattbus_contract.session import MqttSession, SessionDead
from wattbus_station_bridge import __version__, assembly, state_dir
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.command_line import parse_arguments, show
from wattbus_station_bridge.control import lease
from wattbus_station_bridge.control.gate import Gate
from wattbus_station_bridge.control.journal import Journal
from wattbus_station_bridge.feed import Feed
from wattbus_station_bridge.inbox import HEARD, Inbox
from wattbus_station_bridge.lease_desk import LeaseDesk
from wattbus_station_bridge.loop import run
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.reports import Reports
from wattbus_station_bridge.settings import load
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.spool.spooling import make_spooling
from wattbus_station_bridge.wish_desk import WishDesk

log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:  # noqa: PLR0915 - all wiring in one place
    """Run the service until it is told to stop; returns the exit code."""
    arguments = parse_arguments(argv)
    settings = load()
    if arguments.check:
        show(settings)
        return 0
    logging.basicConfig(level=settings.process.log_level, format="%(asctime)s %(message)s")
    file = settings.file
    folder = settings.process.state_dir
    kept_lock = state_dir.lock(folder)
    memory, journal = Memory(folder), Journal(folder / "journal")

    session = MqttSession(
        settings.broker, user="station-bridge", site=file.site.id, version=__version__,
        subscriptions=[spec.filter(file.site.id) for spec in HEARD],
    )  # fmt: skip
    alarms = Alarms()
    spooling = make_spooling(
        folder / "spool", file.site.spool_max_mb, file.site.replay_after_s, session, alarms
    )
    announcer = Announcer(session, alarms.crashed, spooling.sending)
    desks = assembly.make_desks(file, memory.wishes())
    peaks = assembly.make_peaks(file, memory)
    site = Site(file, desks, Reports(file, desks, announcer, peaks), journal, alarms)
    last_epoch = max(memory.epoch(), journal.last_epoch)
    lease_desk = LeaseDesk(
        lease.at_boot(last_epoch, file.site.lease_ttl_s), session.boot_id, memory, announcer
    )
    wish_desk = WishDesk(session, site, memory, announcer)
    inbox = Inbox(
        session=session, site=site, lease_desk=lease_desk, wish_desk=wish_desk, gate=Gate(),
        failsafe_after_s=file.site.failsafe_after_s, replayer=spooling.replayer,
    )  # fmt: skip
    client = assembly.make_client(file)
    stations = assembly.make_stations(file, client, memory)
    workers = assembly.make_workers(site, stations, announcer.turnstile)
    feed = Feed(file, settings.process.site_file.parent, stations, site)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_figures = assembly.show_figures(settings.metrics, session, announcer)
    lease_desk.open()
    wish_desk.open()
    session.start()
    announcer.start()
    spooling.start()
    workers.start()
    feed.start()
    log.info("site %s: %s", file.site.id, ", ".join(desks))
    try:
        run(
            session=session, site=site, inbox=inbox, lease_desk=lease_desk, stop=stop,
            save=lambda: assembly.keep_state(stations, peaks, memory),
        )  # fmt: skip
    except SessionDead as error:
        sys.exit(f"station-bridge: {error}")
    finally:
        # Stations keep their limit: whoever comes next, or their own fail-safe, takes over.
        feed.stop()
        workers.stop()
        assembly.keep_state(stations, peaks, memory, is_end=True)
        announcer.stop()
        spooling.stop()
        session.stop()
        spooling.close()
        client.close()
        journal.close()
        kept_lock.close()
        end_figures()
    return 0


if __name__ == "__main__":
    sys.exit(main())
