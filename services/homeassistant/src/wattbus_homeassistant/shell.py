"""The announcer on the bus: learns what there is, announces it, and again when asked."""

import logging

from wattbus_contract import topics
from wattbus_contract.codec import InvalidMessage, decode
from wattbus_contract.service import Health, ServiceStatus
from wattbus_contract.session import Incoming, MessageTooLarge, MqttSession
from wattbus_homeassistant.discovery import (
    BIRTH,
    BIRTH_TOPIC,
    CONFIGS_FILTER,
    REMOVED,
    announcements,
    changes,
    is_of_site,
)
from wattbus_homeassistant.facts import Facts, with_message
from wattbus_homeassistant.settings import HomeAssistantSettings

log = logging.getLogger(__name__)

WAIT_S = 0.5


def subscriptions(site: str, status_topic: str) -> tuple[str, ...]:
    """Return the filters of what the announcer hears, its own status included."""
    facts = (topics.SITE_INFO, topics.STATION_INFO, topics.PLAN, topics.BASE_LOAD)
    return (BIRTH_TOPIC, CONFIGS_FILTER, *(spec.filter(site) for spec in facts), status_topic)


class Announcer:
    """Keeps the broker's discovery messages as the facts want them; call `step` for ever.

    It publishes nothing before it has heard all that the broker retains, its own earlier messages
    included: so it finds what was announced by a process before it, and removes what has left.
    """

    def __init__(self, session: MqttSession, version: str, settings: HomeAssistantSettings) -> None:
        self._session = session
        self._version = version
        self._settings = settings
        self._facts = Facts(session.site)
        self._published: dict[str, bytes] = {}
        self._connection = 0
        self._has_snapshot = False
        session.set_health(Health.DEGRADED, "waiting for the site's facts")

    def step(self) -> None:
        """Handle one message, or a moment without one."""
        incoming = self._session.receive(WAIT_S)
        if incoming is None:
            return
        if incoming.connection != self._connection:
            # A broker that has forgotten what it retained is told anew.
            self._connection, self._has_snapshot = incoming.connection, False
            self._published.clear()
        self._take(incoming)
        self._session.ack(incoming)

    def _take(self, incoming: Incoming) -> None:
        if incoming.topic == BIRTH_TOPIC:
            self._take_birth(incoming)
        elif is_of_site(incoming.topic, self._session.site):
            if not self._has_snapshot:
                self._published[incoming.topic] = incoming.payload
        elif incoming.topic.startswith(topics.ROOT):
            self._take_fact(incoming)

    def _take_birth(self, incoming: Incoming) -> None:
        # A retained one is of a start that is long over; the snapshot decides then.
        if incoming.payload == BIRTH and not incoming.is_retained and self._has_snapshot:
            log.info("Home Assistant has started: announcing everything again")
            self._published.clear()
            self._announce()

    def _take_fact(self, incoming: Incoming) -> None:
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage as error:
            log.warning("ignored a message: %s", error)
            return
        if isinstance(message.body, ServiceStatus):
            if not self._session.ends_snapshot(incoming, message):
                return
            self._has_snapshot = True
        else:
            facts = with_message(self._facts, message)
            if facts == self._facts:
                return
            self._facts = facts
        if self._has_snapshot:
            self._announce()

    def _announce(self) -> None:
        wanted = announcements(self._facts, self._version, self._settings)
        for topic, payload in changes(self._facts, wanted, self._published).items():
            try:
                self._session.send(topic, payload, is_retained=True)
            except MessageTooLarge as error:
                log.error("not announced: %s", error)  # noqa: TRY400 - no trace needed
                continue
            self._published[topic] = payload
            log.info("%s %s", "removed" if payload == REMOVED else "announced", topic)
        if self._facts.site is not None:
            count = len(self._facts.known_stations)
            self._session.set_health(Health.OK, f"{count} stations announced")
