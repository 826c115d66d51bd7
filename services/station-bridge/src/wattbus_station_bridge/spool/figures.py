"""What the spool hands out: how it stands, and what is to be sent again."""

from dataclasses import dataclass

from wattbus_station_bridge.spool.frame import Record


@dataclass(frozen=True, slots=True)
class Replay:
    """A message to send again."""

    number: int
    index: int
    record: Record


@dataclass(frozen=True, slots=True)
class Figures:
    """How the spool stands. `dropped` and `unprotected` count since the process began."""

    unconfirmed: int
    waiting: int
    size_bytes: int
    dropped: int
    unprotected: int
    failure: str | None
    is_full: bool
