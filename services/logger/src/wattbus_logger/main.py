"""Entry point of the logger: the service itself, and its reports and plots at the command line."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from threading import Event

from wattbus_contract import topics
from wattbus_contract.broker_settings import BadSetting, BrokerSettings, load
from wattbus_contract.metrics_settings import MetricsSettings
from wattbus_contract.session import MqttSession, SessionDead
from wattbus_logger import cli
from wattbus_logger.broker_watch import DROPPED_TOPIC
from wattbus_logger.recorder import Recorder
from wattbus_logger.refresher import Refresher
from wattbus_logger.reporter import Reporter
from wattbus_logger.settings import FolderSettings, LoggerSettings
from wattbus_logger.writer_process import WriterFailed, WriterProcess

USER = "logger"
DRAIN_S = 3.0

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service, or the command that is named; returns the exit status."""
    parsed = cli.parser().parse_args(arguments)
    if parsed.command not in {None, "run"}:
        return cli.run(parsed, sys.stdout)
    return serve(
        load(BrokerSettings), load(LoggerSettings), load(FolderSettings), load(MetricsSettings)
    )


def serve(
    broker: BrokerSettings,
    settings: LoggerSettings,
    folder: FolderSettings,
    metrics: MetricsSettings,
) -> int:
    """Record until SIGTERM or SIGINT, then have what is left written, drawn and reported."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    must_stop = Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: must_stop.set())
    # People of the same group may read the files, and delete them.
    os.umask(0o002)
    try:
        # Before there are threads, since it forks.
        writer = WriterProcess(folder.data_dir, settings.retry_s)
    except WriterFailed as error:
        log.critical("ends: WATTBUS_DATA_DIR = %s: %s", folder.data_dir, error)
        return 1
    session = MqttSession(
        broker,
        user=USER,
        site=folder.site,
        version=version("wattbus-logger"),
        subscriptions=(topics.everything(folder.site),),
        receive_maximum=settings.receive_maximum,
    )
    watch = MqttSession(
        broker,
        user=USER,
        site=folder.site,
        version=version("wattbus-logger"),
        client_id=f"{session.client_id}-watch",
        subscriptions=(DROPPED_TOPIC,),
        is_durable=False,
        announces_itself=False,
    )
    recorder = Recorder(session, watch, writer)
    refresher = Refresher(folder.data_dir, settings.plot_every_s, settings.draw_at_end_within_s)
    reporter = Reporter(
        folder.data_dir,
        settings.report_every_s,
        lambda figures: recorder.publish(topics.REPORT, figures),
    )
    end_metrics = None
    if metrics.port:
        from wattbus_logger.metrics import show  # noqa: PLC0415 - memory only where it is wanted

        try:
            end_metrics = show(metrics, session, recorder, folder.data_dir)
        except BadSetting:
            writer.end()
            raise
    session.start()
    watch.start()
    log.info("records site %s in %s", folder.site, folder.data_dir.resolve())
    try:
        while not must_stop.is_set():
            recorder.step()
            has_news, has_milestone = recorder.take_news(), recorder.take_milestone()
            if settings.draws:
                refresher.tend(has_news=has_news, has_milestone=has_milestone)
            reporter.tend(
                has_news=has_news, has_milestone=has_milestone, time_zone=recorder.time_zone
            )
        recorder.drain(DRAIN_S)
    except (SessionDead, WriterFailed) as error:
        log.critical("ends: %s", error)
        return 1
    finally:
        reporter.finish()
        watch.stop()
        session.stop()
        writer.end()
        refresher.finish()
        if end_metrics is not None:
            end_metrics()
    return 0


if __name__ == "__main__":
    sys.exit(main())
