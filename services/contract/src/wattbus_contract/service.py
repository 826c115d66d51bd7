"""What services say about themselves, and what the logger says about what it has stored."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from wattbus_contract.base import MAX_INTEGER, Body, BootId, Id, Many, Seq, Text, UtcInstant


class Status(StrEnum):
    """Whether a service's process is connected."""

    UP = "up"
    DOWN = "down"


class Health(StrEnum):
    """Whether a connected service can do its work."""

    OK = "ok"
    DEGRADED = "degraded"


class ServiceStatus(Body):
    """A service's life, also published by the broker as its will.

    `connection` counts the connections of this `boot_id`: a will of an earlier connection that
    arrives late is told from the present one by it.
    """

    status: Status
    health: Health
    version: Text
    connection: Annotated[
        int, Field(ge=0, le=MAX_INTEGER, description="Counts the connections of this boot_id.")
    ]
    started_at: UtcInstant
    detail: Text = ""


class ConfirmedRange(Body):
    """Messages `first_seq`…`last_seq` of one process, both ends included."""

    source: Id
    boot_id: BootId
    first_seq: Seq
    last_seq: Seq

    @model_validator(mode="after")
    def _is_a_range(self) -> "ConfirmedRange":
        if self.last_seq < self.first_seq:
            raise ValueError("last_seq must not be below first_seq")
        return self


class LogConfirmed(Body):
    """What is safe on the logger's disk since its last confirmation."""

    confirmed: Many[ConfirmedRange]


class Quarantined(Body):
    """A message that could not be read: kept on disk, with the reason."""

    topic: Text
    field: Text
    reason: Text
    payload_excerpt: Text
