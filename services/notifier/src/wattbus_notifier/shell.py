"""The notifier on the bus: keeps the facts, and sends what people have to know."""

import logging
import time
from collections.abc import Callable, Sequence

from wattbus_contract import topics
from wattbus_contract.codec import InvalidMessage, decode
from wattbus_contract.service import Health, ServiceStatus
from wattbus_contract.session import Incoming, MqttSession
from wattbus_notifier.facts import BRIDGE_USER, Facts, with_message
from wattbus_notifier.memory import load_told, save_told
from wattbus_notifier.occurrences import occurrences
from wattbus_notifier.outgoing import Outgoing
from wattbus_notifier.repetition import Repetition
from wattbus_notifier.settings import NotifierSettings
from wattbus_notifier.targets import Target

log = logging.getLogger(__name__)

WAIT_S = 0.5
HEARD = (
    topics.SITE_INFO,
    topics.STATION_INFO,
    topics.STATION_STATE,
    topics.STATION_EVENT,
    topics.GOAL,
    topics.HOUSEHOLD_METER,
    topics.PRICE,
    topics.PLAN,
)


def subscriptions(site: str, status_topic: str) -> tuple[str, ...]:
    """Return the filters of what the notifier hears, its own status included."""
    bridge = topics.SERVICE_STATUS.filter(site).replace("/+/", f"/{BRIDGE_USER}/", 1)
    return (*(spec.filter(site) for spec in HEARD), bridge, status_topic)


class Notifier:
    """Tells what happens, once it has heard all that is retained; call `step` for ever."""

    def __init__(
        self,
        session: MqttSession,
        settings: NotifierSettings,
        targets: Sequence[Target],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._settings = settings
        self._has_targets = bool(targets)
        self._monotonic = monotonic
        self._facts = Facts()
        self._has_snapshot = False
        self._outgoing = Outgoing(targets, monotonic)
        self._repetition = Repetition(settings.settle_s, load_told(settings.state_dir))
        self._say_health()

    def step(self) -> None:
        """Handle one message, or a moment without one."""
        incoming = self._session.receive(WAIT_S)
        if incoming is not None:
            self._take(incoming)
            self._session.ack(incoming)
        if self._has_snapshot and self._facts.site is not None:
            self._tell()
        self._outgoing.send_one()
        self._say_health()

    def _take(self, incoming: Incoming) -> None:
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage as error:
            log.warning("ignored a message: %s", error)
            return
        if isinstance(message.body, ServiceStatus) and self._session.ends_snapshot(
            incoming, message
        ):
            self._has_snapshot = True
        self._facts = with_message(self._facts, message)

    def _tell(self) -> None:
        before = self._repetition.told
        current = occurrences(self._facts, self._settings)
        for notice in self._repetition.due(current, self._monotonic()):
            log.info("%s %s", notice.title, notice.text)
            self._outgoing.put(notice)
        if self._repetition.told != before:
            save_told(self._settings.state_dir, self._repetition.told)

    def _say_health(self) -> None:
        if not self._has_targets:
            detail = "WATTBUS_NOTIFIER_URLS names nobody to tell"
            self._session.set_health(Health.DEGRADED, detail)
        elif self._outgoing.problem is not None:
            self._session.set_health(Health.DEGRADED, self._outgoing.problem)
        else:
            self._session.set_health(Health.OK, "")
