"""Shows a service's figures to Prometheus. Needs the extra `metrics`: import it where it is wanted.

Names have units as Prometheus wants them: watts, joules, seconds, ratios from 0 to 1. Labels are
site and station, of which there are as many as the site has, and words of the contract.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from wattbus_contract.broker_settings import BadSetting
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.service import Health

__all__ = ["JOULES_PER_WH", "Session", "expose", "new_registry"]

log = logging.getLogger(__name__)

JOULES_PER_WH = 3600.0


class Session(Protocol):
    """What is shown of an MQTT session."""

    user: str
    site: str
    client_id: str
    version: str

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us."""

    @property
    def connection(self) -> int:
        """The number of the present attempt to connect."""

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has not confirmed yet."""

    @property
    def health(self) -> Health:
        """Whether the service can do its work."""


class SessionCollector:
    """Tells at each scrape how the session stands."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterable[Metric]:
        """Return the figures of this moment."""
        session = self._session
        names, values = ["site"], [session.site]
        info = InfoMetricFamily("wattbus_service", "Which service this is.")
        info.add_metric(
            [],
            {
                "site": session.site,
                "service": session.user,
                "instance_id": session.client_id,
                "version": session.version,
            },
        )
        yield info
        for name, text, value in (
            ("connected", "1 while the broker has accepted us.", float(session.is_connected)),
            ("unconfirmed_messages", "Sent, and not confirmed yet.", float(session.unconfirmed)),
        ):
            gauge = GaugeMetricFamily(f"wattbus_broker_{name}", text, labels=names)
            gauge.add_metric(values, value)
            yield gauge
        attempts = CounterMetricFamily(
            "wattbus_broker_connection_attempts", "Attempts to connect.", labels=names
        )
        attempts.add_metric(values, session.connection)
        yield attempts
        healthy = GaugeMetricFamily(
            "wattbus_service_healthy", "1 while the service can do all its work.", labels=names
        )
        healthy.add_metric(values, float(session.health is Health.OK))
        yield healthy


def new_registry(session: Session) -> CollectorRegistry:
    """Return a registry with what every service shows: its process and its session."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(SessionCollector(session))
    return registry


def expose(settings: MetricsSettings, registry: CollectorRegistry) -> Callable[[], None]:
    """Serve the figures from a thread; returns what ends it. BadSetting if that is impossible."""
    try:
        server, thread = start_http_server(settings.port, settings.host, registry)
    except OSError as error:
        raise BadSetting(
            f"WATTBUS_METRICS_HOST = {settings.host!r}, WATTBUS_METRICS_PORT = {settings.port}:"
            f" cannot listen there: {error.strerror or error}"
        ) from error
    # When a counter began is of no use to anybody, and doubles their number.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations
    log.info("figures for Prometheus at http://%s:%d/metrics", settings.host, settings.port)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2.0)

    return end
