"""The contract's examples as the dashboard sees them on the bus."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import Decoded, decode, encode
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.topics import TopicSpec
from wattbus_dashboard.picture import Picture

NOW = datetime(2025, 1, 15, 21, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
SITE = (
    topics.SITE_INFO, topics.PRICE, topics.BASE_LOAD, topics.PLAN, topics.HOUSEHOLD_METER,
    topics.LEASE_STATE, topics.REPORT, topics.LEAGUE,
)  # fmt: skip
STATION = (topics.STATION_INFO, topics.STATION_STATE, topics.GOAL, topics.METER)
SERVICES = ("station-bridge", "scheduler", "logger")


def message(spec: TopicSpec, body: Body, **ids: str) -> Decoded:
    """Return a message as it comes from the bus."""
    envelope = Envelope(
        schema_id=spec.schema_id, sent_at=NOW, source="station-bridge", boot_id="boot", seq=1
    )
    return decode(spec.topic("home", **ids), encode(body, envelope))


def example(spec: TopicSpec, *, instead: dict[str, Any] | None = None, **ids: str) -> Decoded:
    """Return the contract's example of a message, with some fields replaced."""
    return message(spec, EXAMPLES[spec].model_copy(update=instead or {}), **ids)


def picture(*messages: Decoded) -> Picture:
    """Return the picture of a whole site with one car, and of further messages."""
    found = Picture()
    found.set_connected(is_connected=True)
    whole = [
        *(example(topics.SERVICE_STATUS, user=service, client=service) for service in SERVICES),
        *(example(spec) for spec in SITE),
        *(example(spec, station="car1") for spec in STATION),
    ]
    found.apply_all([*whole, *messages], now_s=0.0)
    return found
