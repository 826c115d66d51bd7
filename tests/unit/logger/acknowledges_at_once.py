"""A logger that acknowledges on receipt and writes later: what the real one must not be."""

import sys
import time
from collections.abc import Sequence

from wattbus_contract.session import Incoming, MqttSession
from wattbus_logger import writer_process
from wattbus_logger.main import main
from wattbus_logger.writer import Writer, Written

WRITES_LATER_S = 0.2

real_receive = MqttSession.receive
real_commit = Writer.commit


def receive_and_acknowledge(self: MqttSession, timeout_s: float = 1.0) -> Incoming | None:
    """Confirm as paho does when nobody tells it otherwise."""
    incoming = real_receive(self, timeout_s)
    if incoming is not None:
        self._connection.ack_all((incoming,))
    return incoming


def acknowledged_already(_self: MqttSession, _incomings: Sequence[Incoming]) -> None:
    """Do nothing any more."""


def commit_later(self: Writer) -> Written | None:
    """Write as slowly as a busy disk does."""
    time.sleep(WRITES_LATER_S)
    return real_commit(self)


if __name__ == "__main__":
    MqttSession.receive = receive_and_acknowledge  # type: ignore[method-assign]  # the point of it
    MqttSession.ack_all = acknowledged_already  # type: ignore[method-assign]
    Writer.commit = commit_later  # type: ignore[method-assign]
    assert writer_process.Writer is Writer
    sys.exit(main())
