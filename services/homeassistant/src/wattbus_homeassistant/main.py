"""Entry point: announces one site to Home Assistant until it is told to stop."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from threading import Event

from wattbus_contract import topics
from wattbus_contract.broker_settings import BrokerSettings, load
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession, SessionDead
from wattbus_homeassistant.settings import HomeAssistantSettings, SiteSettings
from wattbus_homeassistant.shell import Announcer, subscriptions

USER = "homeassistant"

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; returns the exit status."""
    argparse.ArgumentParser(prog="wattbus-homeassistant", description=__doc__).parse_args(arguments)
    return serve(load(BrokerSettings), load(HomeAssistantSettings), load(SiteSettings).site)


def serve(broker: BrokerSettings, settings: HomeAssistantSettings, site: str) -> int:
    """Announce until SIGTERM or SIGINT; what was announced stays."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    must_stop = Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: must_stop.set())
    user = broker.username or USER
    own_status = topics.SERVICE_STATUS.topic(site, user=user, client=broker.client_id or user)
    own_version = version("wattbus-homeassistant")
    # Not durable: the retained facts say all there is to know.
    session = MqttSession(
        broker,
        user=USER,
        site=site,
        version=own_version,
        subscriptions=subscriptions(site, own_status),
        is_durable=False,
    )
    announcer = Announcer(session, own_version, settings)
    metrics = load(MetricsSettings)
    if metrics.port:
        from wattbus_contract.metrics import expose, new_registry  # noqa: PLC0415 - if wanted

        expose(metrics, new_registry(session))
    session.start()
    log.info("announces site %s to Home Assistant", site)
    try:
        while not must_stop.is_set():
            announcer.step()
    except SessionDead as error:
        log.critical("ends: %s", error)
        return 1
    finally:
        session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
