"""Entry point of the notifier: the service itself, and a message to try the settings."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from threading import Event
from zoneinfo import ZoneInfo

from wattbus_contract import topics
from wattbus_contract.broker_settings import BadSetting, BrokerSettings, load
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession, SessionDead
from wattbus_notifier.occurrences import Notice, Urgency
from wattbus_notifier.settings import NotifierSettings, SiteSettings
from wattbus_notifier.shell import Notifier, subscriptions
from wattbus_notifier.targets import URLS, targets_of
from wattbus_notifier.wording import Wording

USER = "notifier"
EXAMPLE = """example:
  WATTBUS_NOTIFIER_URLS="ntfy://ntfy.sh/my-topic mailto://me:secret@example.org" \\
      wattbus-notifier test"""

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service, or send a test message; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="wattbus-notifier",
        description="Tells people what happens, through any service that Apprise knows.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command", nargs="?", choices=["run", "test"], default="run",
        help="run the service (default), or send a test message to every URL",
    )  # fmt: skip
    command = parser.parse_args(arguments).command
    settings, site = load(NotifierSettings), load(SiteSettings).site
    if command == "test":
        return send_test(settings, site)
    return serve(load(BrokerSettings), settings, site)


def send_test(settings: NotifierSettings, site: str) -> int:
    """Send a test message to every URL and say what became of it; 1 if one failed."""
    targets = targets_of(settings.read_urls())
    if not targets:
        raise BadSetting(f"{URLS} names nobody to tell: give at least one URL, or {URLS}_FILE")
    words = Wording(settings.language, ZoneInfo("UTC"), "")
    notice = Notice(*words.trial(site), Urgency.INFO)
    failures = 0
    for target in targets:
        failure = target.send(notice)
        failures += failure is not None
        sys.stdout.write(f"target {target.name}: {failure or 'sent'}\n")
    return 1 if failures else 0


def serve(broker: BrokerSettings, settings: NotifierSettings, site: str) -> int:
    """Tell what happens until SIGTERM or SIGINT."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    must_stop = Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: must_stop.set())
    targets = targets_of(settings.read_urls())
    user = broker.username or USER
    own_status = topics.SERVICE_STATUS.topic(site, user=user, client=broker.client_id or user)
    # Not durable: what happened while nobody told is old, and what still holds is retained.
    session = MqttSession(
        broker,
        user=USER,
        site=site,
        version=version("wattbus-notifier"),
        subscriptions=subscriptions(site, own_status),
        is_durable=False,
    )
    notifier = Notifier(session, settings, targets)
    metrics = load(MetricsSettings)
    if metrics.port:
        from wattbus_contract.metrics import expose, new_registry  # noqa: PLC0415 - if wanted

        expose(metrics, new_registry(session))
    session.start()
    log.info("tells of site %s, through %d targets", site, len(targets))
    try:
        while not must_stop.is_set():
            notifier.step()
    except SessionDead as error:
        log.critical("ends: %s", error)
        return 1
    finally:
        session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
