"""The parts of the spool put together: the folder, who sends through it, and who sends again."""

import logging
from dataclasses import dataclass
from pathlib import Path

from wattbus_contract.session import MqttSession
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.spool.loading import SUFFIX
from wattbus_station_bridge.spool.replay import MEGABYTE, Replayer
from wattbus_station_bridge.spool.segment import Sender
from wattbus_station_bridge.spool.sending import SpooledSending
from wattbus_station_bridge.spool.store import Spool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spooling:
    """All of it; without parts when it is switched off."""

    spool: Spool | None = None
    sending: SpooledSending | None = None
    replayer: Replayer | None = None

    def start(self) -> None:
        """Begin to send again what should be."""
        if self.replayer is not None:
            self.replayer.start()

    def stop(self) -> None:
        """End the thread."""
        if self.replayer is not None:
            self.replayer.stop()

    def close(self) -> None:
        """Close the folder, after the last message was sent."""
        if self.spool is not None:
            self.spool.close()


def make_spooling(
    folder: Path, max_mb: float, replay_after_s: float, session: MqttSession, alarms: Alarms
) -> Spooling:
    """Open the folder and take over what is left in it; `max_mb` 0 does without."""
    if max_mb <= 0:
        if left := list(folder.glob(f"*{SUFFIX}")):
            log.warning("%d files are left in %s, and the spool is off", len(left), folder)
        return Spooling()
    sender = Sender(session.client_id, session.boot_id)
    spool = Spool(folder, round(max_mb * MEGABYTE), sender)
    spool.open()
    return Spooling(
        spool,
        SpooledSending(session, spool),
        Replayer(session, sender, spool, alarms, replay_after_s=replay_after_s),
    )
