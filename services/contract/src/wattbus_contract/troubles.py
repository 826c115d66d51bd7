"""What goes wrong on the way to the broker: told once, counted, and ended where waiting is vain."""

import logging
import ssl

from paho.mqtt.reasoncodes import ReasonCode

from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.housekeeping import Housekeeper
from wattbus_contract.reconnecting import Reconnecting

log = logging.getLogger(__name__)

REFUSALS_BEFORE_GIVING_UP = 5
PASSING_REFUSALS = (0x88, 0x89, 0x97, 0x9F)
"""Server unavailable, busy, quota exceeded, connection rate exceeded: waiting helps."""


class Troubles:
    """Logs each change once, reports denials as a degraded health, and fails what cannot heal.

    Called from paho's thread only.
    """

    def __init__(
        self, settings: BrokerSettings, housekeeper: Housekeeper, user: str, client_id: str
    ) -> None:
        self.denied_topics: set[str] = set()
        self._settings = settings
        self._housekeeper = housekeeper
        self._user = user
        self._client_id = client_id
        self._where = f"{settings.host}:{settings.port}"
        self._reconnecting = Reconnecting(settings.brief_connection_s)
        self._refusals = 0
        self._is_told = False

    def accepted(self) -> None:
        """Note a connection."""
        self._refusals = 0
        self._is_told = False
        self._reconnecting.accepted()

    def refused(self, reason: ReasonCode) -> None:
        """Note that the broker does not want us."""
        log.error("the broker at %s refuses user %s: %s", self._where, self._user, reason)
        self._is_told = True
        if reason.value not in PASSING_REFUSALS:
            self._count_refusal(
                f"the broker at {self._where} refuses user {self._user} ({reason}): check "
                "WATTBUS_MQTT_USERNAME and WATTBUS_MQTT_PASSWORD_FILE"
            )

    def unreachable(self, error: BaseException | None) -> float:
        """Note that nobody answers; returns the delay before the next attempt in seconds."""
        self._tell("no broker at %s (%s); trying on", self._where, error)
        if isinstance(error, ssl.SSLError):
            self._count_refusal(
                f"the broker at {self._where} shows no certificate that we trust ({error}): check "
                "WATTBUS_MQTT_CA_FILE and WATTBUS_MQTT_HOST"
            )
        return self._reconnecting.ended()

    def lost(self, reason: ReasonCode, *, was_accepted: bool) -> float:
        """Note the end of a connection; returns the delay before the next attempt in seconds."""
        if was_accepted:
            self._tell("connection to the broker at %s lost (%s); trying on", self._where, reason)
        else:
            self._tell("the broker at %s hung up before accepting us; trying on", self._where)
        delay_s = self._reconnecting.ended()
        if self._reconnecting.brief_in_a_row >= self._settings.max_brief_connections:
            self._housekeeper.fail(
                f"{self._reconnecting.brief_in_a_row} connections in a row were lost within "
                f"{self._settings.brief_connection_s:g} s ({reason}): is another process connected "
                f"with the client id {self._client_id}? Give each its own WATTBUS_MQTT_CLIENT_ID"
            )
        return delay_s

    def denied(self, topic: str, reason: ReasonCode) -> None:
        """Note that the broker has refused a message of ours."""
        if topic not in self.denied_topics:
            self.denied_topics.add(topic)
            self._housekeeper.report(
                f"denied {topic}",
                f"the broker refuses what {self._user} publishes on {topic}: {reason}",
            )

    def allowed(self, topic: str) -> None:
        """Note that the broker has taken a message of ours."""
        if topic in self.denied_topics:
            self.denied_topics.discard(topic)
            self._housekeeper.report(f"denied {topic}", None)

    def _count_refusal(self, fault: str) -> None:
        self._refusals += 1
        if self._refusals >= REFUSALS_BEFORE_GIVING_UP:
            self._housekeeper.fail(fault)

    def _tell(self, message: str, *values: object) -> None:
        if not self._is_told:
            self._is_told = True
            log.warning(message, *values)
