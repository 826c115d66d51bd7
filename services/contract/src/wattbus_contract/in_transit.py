"""Messages on their way, as bytes: what came from the broker, and what goes to it."""

from dataclasses import dataclass


class MessageTooLarge(ValueError):  # noqa: N818 - says what happened
    """A payload that the broker would refuse for ever; it was not sent."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it arrived. `expires_in_s` is what the broker has left of its expiry."""

    topic: str
    payload: bytes
    is_retained: bool
    expires_in_s: float | None
    received_monotonic_s: float
    mid: int
    qos: int
    connection: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send with QoS 1; worthless after `expires_monotonic_s`."""

    topic: str
    payload: bytes
    is_retained: bool
    expires_monotonic_s: float | None
