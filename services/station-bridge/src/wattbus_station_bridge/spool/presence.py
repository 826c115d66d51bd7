"""Whether a logger is there to confirm anything, by what loggers say of themselves."""

from dataclasses import dataclass, field

from wattbus_contract.service import ServiceStatus, Status


@dataclass(slots=True)
class LoggerPresence:
    """`was_ever` is whether any logger was heard of since this process began."""

    was_ever: bool = False
    _statuses: dict[str, ServiceStatus] = field(default_factory=dict)
    _has_confirmed: bool = False

    @property
    def is_up(self) -> bool:
        """Whether a logger is up, or has confirmed something since the last one went down."""
        return self._has_confirmed or any(
            status.status is Status.UP for status in self._statuses.values()
        )

    def note_confirmation(self) -> None:
        """Note that something was confirmed: who confirms is there."""
        self.was_ever = self._has_confirmed = True

    def note_status(self, client: str, status: ServiceStatus) -> None:
        """Note a status, unless it is the late will of an earlier connection."""
        known = self._statuses.get(client)
        if known is not None and _order(status) < _order(known):
            return
        self._statuses[client] = status
        if status.status is Status.UP:
            self.was_ever = True
        else:
            self._has_confirmed = False


def _order(status: ServiceStatus) -> tuple[float, int]:
    return status.started_at.timestamp(), status.connection
