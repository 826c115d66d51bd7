"""Entry point of the scheduler: the service itself, and its planner at the command line."""

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
from wattbus_scheduler import cli
from wattbus_scheduler.settings import SchedulerSettings, SiteSettings
from wattbus_scheduler.shell import Scheduler, subscriptions

USER = "scheduler"

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service, or the command that is named; returns the exit status."""
    parsed = cli.parser().parse_args(arguments)
    if parsed.command not in {None, "run"}:
        return cli.run(parsed, sys.stdout)
    return serve(
        load(BrokerSettings),
        load(SchedulerSettings),
        load(SiteSettings).site,
        load(MetricsSettings),
    )


def serve(
    broker: BrokerSettings, settings: SchedulerSettings, site: str, metrics: MetricsSettings
) -> int:
    """Plan and command until SIGTERM or SIGINT, then give the lease away."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    must_stop = Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: must_stop.set())
    user = broker.username or USER
    own_status = topics.SERVICE_STATUS.topic(site, user=user, client=broker.client_id or user)
    # Not durable: meter values of the time without us must not be acted on when we are back.
    session = MqttSession(
        broker,
        user=USER,
        site=site,
        version=version("wattbus-scheduler"),
        subscriptions=subscriptions(site, own_status),
        is_durable=False,
    )
    scheduler = Scheduler(session, settings)
    end_metrics = None
    if metrics.port:
        from wattbus_scheduler.metrics import show  # noqa: PLC0415 - memory only where it is wanted

        end_metrics = show(metrics, session)
    session.start()
    log.info("starts for site %s with strategy %s", site, settings.strategy)
    try:
        while not must_stop.is_set():
            scheduler.step()
        scheduler.farewell()
    except SessionDead as error:
        log.critical("ends: %s", error)
        return 1
    finally:
        session.stop()
        if end_metrics is not None:
            end_metrics()
    return 0


if __name__ == "__main__":
    sys.exit(main())
