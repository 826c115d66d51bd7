"""The envelope that every message carries and the value types that messages are built from."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

ID_PATTERN = r"^[a-z0-9-]{1,32}$"
"""Ids of sites, stations and clients; no dots, since some brokers map `/` to `.`."""

SCHEMA_PATTERN = r"^[a-z][a-z-]*/[1-9][0-9]*$"


MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, section 6)."""


EARLIEST = datetime(3, 1, 1, tzinfo=UTC)
LATEST = datetime(9997, 12, 31, tzinfo=UTC)
"""Far enough from the ends of the calendar for any zone, and for a year more or less."""


def _to_utc(instant: datetime) -> datetime:
    try:
        in_utc = instant.astimezone(UTC)
    except OverflowError:
        in_utc = datetime.min.replace(tzinfo=UTC)
    if not EARLIEST <= in_utc <= LATEST:
        raise ValueError(f"is outside the years {EARLIEST.year} to {LATEST.year} in UTC")
    return in_utc


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # OSError: the name of a folder of zones, or one that is longer than a file's may be.
        raise ValueError("is no time zone of the IANA database") from error
    return name


UtcInstant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant with an offset; held in UTC, written as RFC 3339 with `Z`."""

Id = Annotated[str, Field(pattern=ID_PATTERN)]
BootId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Seq = Annotated[
    int, Field(ge=0, le=MAX_INTEGER, description="Rises by one with each message of a boot_id.")
]
Percent = Annotated[float, Field(ge=0, le=100)]
PowerW = Annotated[float, Field(ge=-1e9, le=1e9)]
LimitW = Annotated[float, Field(ge=0, le=1e7)]
ProductionW = Annotated[
    float, Field(ge=0, le=1e9, description="Own production; the fuse does not count on it.")
]
CurrentA = Annotated[float, Field(ge=0, le=1e5)]
EnergyWh = Annotated[float, Field(ge=0, le=1e15)]
DurationS = Annotated[float, Field(gt=0, le=366 * 86_400)]
PricePerKwh = Annotated[float, Field(ge=-1e6, le=1e6)]
WearPrice = Annotated[float, Field(ge=0, le=1e6, description="Weighed in plans, never paid.")]
Co2PerKwh = Annotated[float, Field(ge=0, le=1e5, description="Grams of a kWh from the grid.")]
Text = Annotated[str, Field(max_length=2000)]
ZoneName = Annotated[Text, AfterValidator(_known_zone)]
"""A time zone of the IANA database, such as `Europe/Stockholm`."""

ItemT = TypeVar("ItemT")
Many = Annotated[tuple[ItemT, ...], Field(fail_fast=True)]
"""A list that is refused at its first bad item.

To note a fault for each took 650 MiB and ten seconds for a message of one MiB.
"""


class Body(BaseModel):
    """Base of all message contents: immutable, strict about types, tolerant of unknown fields."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", allow_inf_nan=False, populate_by_name=True
    )


class Envelope(Body):
    """Who sent a message, when, and as which one since that process started.

    `(source, boot_id, seq)` identifies a message for ever; `seq` rises by one with each message of
    a `boot_id` (0 is kept for the will that the broker publishes).
    """

    schema_id: Annotated[str, Field(alias="schema", pattern=SCHEMA_PATTERN)]
    sent_at: UtcInstant
    source: Id
    boot_id: BootId
    seq: Seq


class MessageId(Body):
    """The identity of one message: what caused a decision, or what was confirmed."""

    source: Id
    boot_id: BootId
    seq: Seq


class Reason(Body):
    """Why: a code for machines and a sentence for people."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    text: Text
