"""The logger's folder: four files that grow together, checkpoints, and rotation by day."""

import logging
from datetime import date
from pathlib import Path

from wattbus_contract import topics
from wattbus_logger.append_file import REAL_DISK, AppendFile, DiskCalls
from wattbus_logger.checkpoint import Checkpoint, SenderIntervals, save_checkpoint
from wattbus_logger.intake import Batch, Intake
from wattbus_logger.recording import event_line
from wattbus_logger.rotation import EVENTS, QUARANTINE, ROWS, TEXT, carry_out, renames_for
from wattbus_logger.rows import HEADER

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_BYTES = 8 * 2**20


class Store:
    """Appends batches durably, events first: they are the record from which the rest is told."""

    def __init__(self, folder: Path, day: date | None, disk: DiskCalls = REAL_DISK) -> None:
        self.folder = folder
        self.day = day
        self.dropped_by_broker: int | None = None
        self._disk = disk
        self._checkpointed_bytes = 0
        self._open()

    def _open(self) -> None:
        self.events = AppendFile(self.folder / EVENTS, disk=self._disk)
        self.rows = AppendFile(self.folder / ROWS, f"{HEADER}\n".encode(), disk=self._disk)
        self.text = AppendFile(self.folder / TEXT, disk=self._disk)
        self.quarantine = AppendFile(self.folder / QUARANTINE, disk=self._disk)

    def commit(self, batch: Batch) -> None:
        """Write and sync a batch. OSError: call again with the same batch, which goes on then."""
        if batch.events:
            self.events.append(b"".join(batch.events))
            batch.events.clear()
        if batch.quarantine:
            self.quarantine.append(b"".join(batch.quarantine))
            batch.quarantine.clear()
        if batch.rows:
            self.rows.append(("\n".join(batch.rows) + "\n").encode())
            batch.rows.clear()
        if batch.text:
            self.text.append(("\n".join(batch.text) + "\n").encode())
            batch.text.clear()

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether a start would now have to read much."""
        return self.events.size - self._checkpointed_bytes >= CHECKPOINT_EVERY_BYTES

    def save_checkpoint(self, intake: Intake, renames: list[tuple[str, str]] | None = None) -> None:
        """Note how the files stand; to be called between batches. Raises OSError."""
        save_checkpoint(
            self.folder,
            Checkpoint(
                day=self.day,
                events_inode=self.events.inode,
                events_bytes=self.events.size,
                rows_bytes=self.rows.size,
                text_bytes=self.text.size,
                dropped_by_broker=self.dropped_by_broker,
                seen=[
                    SenderIntervals(source=source, boot_id=boot_id, intervals=list(intervals))
                    for (source, boot_id), intervals in intake.seen.items()
                ],
                latest={topic: payload.decode() for topic, payload in intake.latest.items()},
                narrative=intake.narrative.state,
                league=intake.league.state,
                renames=renames or [],
            ),
        )
        self._checkpointed_bytes = self.events.size

    def rotate(self, today: date, intake: Intake, received_at: str) -> None:
        """Give the files of the past day their date and begin new ones. Raises OSError.

        Safe against a kill at any point: what is set out in the checkpoint is completed at start.
        """
        if self.day is not None and self.events.size:
            renames = renames_for(self.folder, self.day)
            self.save_checkpoint(intake, renames)
            self.close()
            try:
                carry_out(self.folder, renames)
            finally:
                self._open()
            log.info("files of %s put away", self.day)
        self.day = today
        self._checkpointed_bytes = 0
        snapshot = b"".join(_snapshot(intake, received_at))
        if snapshot and not self.events.size:
            self.events.append(snapshot)
        self.save_checkpoint(intake)

    def close(self) -> None:
        """Close all files; everything appended is on disk."""
        for file in (self.events, self.rows, self.text, self.quarantine):
            file.close()


def _snapshot(intake: Intake, received_at: str) -> list[bytes]:
    """Return the retained facts again, so that each day's recording can be read on its own.

    A scheduler's plan stays out: what led to it stands in the file before.
    """
    lines = []
    for topic, payload in intake.latest.items():
        parsed = topics.parse(topic)
        if parsed is None or not parsed.spec.is_retained:
            continue
        if parsed.spec.publishers != topics.SCHEDULER:
            lines.append(event_line(received_at, topic, payload, is_retained=True))
    return lines
