"""How recording goes, and what charging came to, as figures for Prometheus."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from wattbus_contract.accounts import ChargingReport
from wattbus_contract.base import Body
from wattbus_contract.metrics import JOULES_PER_WH, expose, new_registry
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.service import Quarantined
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec
from wattbus_logger.recorder import Recorder

PERIODS = ("session", "day", "month", "year")


def show(
    settings: MetricsSettings, session: MqttSession, recorder: Recorder, folder: Path
) -> Callable[[], None]:
    """Begin to show the figures; returns what ends it. BadSetting if that is impossible."""
    registry = new_registry(session)
    session.observer = LoggerFigures(session.site, recorder, folder, registry).note
    return expose(settings, registry)


class LoggerFigures:
    """Figures of the logger; `note` is called with each message that it sends."""

    def __init__(
        self, site: str, recorder: Recorder, folder: Path, registry: CollectorRegistry
    ) -> None:
        labels = ("site", "station", "period")
        self._site = site
        self._recorder = recorder
        self._folder = folder
        self._quarantined = Counter(
            "wattbus_logger_quarantined_messages",
            "Messages that could not be read, as far as they were told.",
            ("site",),
            registry=registry,
        )
        self._energy = Gauge(
            "wattbus_charging_energy_joules",
            "What was charged in the newest session, day, month and year.",
            labels,
            registry=registry,
        )
        self._cost = Gauge(
            "wattbus_charging_cost",
            "What that has cost.",
            (*labels, "currency"),
            registry=registry,
        )
        self._saving = Gauge(
            "wattbus_charging_saving",
            "What was saved against charging at once on arrival.",
            (*labels, "currency"),
            registry=registry,
        )
        self._quarantined.labels(site)
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return what is counted elsewhere."""
        written = CounterMetricFamily(
            "wattbus_logger_written_messages", "Messages that are safe on disk.", labels=["site"]
        )
        written.add_metric([self._site], self._recorder.written_count)
        yield written
        waiting = GaugeMetricFamily(
            "wattbus_logger_waiting_messages", "Messages on their way to the disk.", labels=["site"]
        )
        waiting.add_metric([self._site], self._recorder.waiting_count)
        yield waiting
        try:
            free_bytes = shutil.disk_usage(self._folder).free
        except OSError:
            return
        free = GaugeMetricFamily(
            "wattbus_logger_disk_free_bytes", "Room on the disk of the data.", labels=["site"]
        )
        free.add_metric([self._site], free_bytes)
        yield free

    def note(self, _: TopicSpec, body: Body, __: Mapping[str, str]) -> None:
        """Take over what a message says."""
        match body:
            case Quarantined():
                self._quarantined.labels(self._site).inc()
            case ChargingReport():
                self._note_report(body)
            case _:
                pass

    def _note_report(self, report: ChargingReport) -> None:
        for station in report.stations:
            for name in PERIODS:
                period = getattr(station, name)
                if period is None:
                    continue
                labels = self._site, station.station, name
                self._energy.labels(*labels).set(period.energy_wh * JOULES_PER_WH)
                self._cost.labels(*labels, report.currency).set(period.cost)
                self._saving.labels(*labels, report.currency).set(period.saving)
