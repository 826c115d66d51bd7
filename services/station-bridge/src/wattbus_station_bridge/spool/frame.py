"""The lines of a spool file: a checksum, a number, a topic, and the payload as it was sent."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wattbus_contract.service import ConfirmedRange

BEGIN = "begin"
CONFIRMED = "confirmed"
"""Words that stand in place of a topic, for lines that are no messages."""

CHECKSUM_BYTES = 9


class Record(NamedTuple):
    """One line. `seq` is 0 for what is no message."""

    seq: int
    topic: str
    payload: bytes


def to_line(record: Record) -> bytes:
    """Return the line; ValueError for a payload that is not one line, or a topic with a space."""
    if b"\n" in record.payload or " " in record.topic:
        raise ValueError(f"{record.topic}: a spool keeps one message a line")
    rest = b"%d %s %s\n" % (record.seq, record.topic.encode(), record.payload)
    return b"%08x %s" % (zlib.crc32(rest), rest)


def to_record(line: bytes) -> Record | None:
    """Return what a line holds, or None for one that is torn or damaged."""
    rest = line[CHECKSUM_BYTES:]
    if not rest.endswith(b"\n") or line[:CHECKSUM_BYTES] != b"%08x " % zlib.crc32(rest):
        return None
    seq, topic, payload = rest[:-1].split(b" ", 2)
    return Record(int(seq), topic.decode(), payload)


def confirmed_lines(spans: Iterable[ConfirmedRange]) -> bytes:
    """Return the lines that remember what was confirmed, so that a restart does not repeat it."""
    return b"".join(
        to_line(Record(0, CONFIRMED, span.model_dump_json().encode())) for span in _joined(spans)
    )


def _joined(spans: Iterable[ConfirmedRange]) -> Iterator[ConfirmedRange]:
    """Yield the same with neighbours of one sender made one; most follow on each other."""
    by_sender: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for span in spans:
        ends = by_sender.setdefault((span.source, span.boot_id), [])
        if ends and span.first_seq == ends[-1][1] + 1:
            ends[-1] = (ends[-1][0], span.last_seq)
        else:
            ends.append((span.first_seq, span.last_seq))
    for (source, boot_id), ends in by_sender.items():
        for first, last in ends:
            yield ConfirmedRange(source=source, boot_id=boot_id, first_seq=first, last_seq=last)
