"""The topic tree: every topic with its message type, retention, expiry and publisher."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from wattbus_contract import accounts, control, facts, forecasts, requests, service
from wattbus_contract.base import ID_PATTERN, Body

ROOT = "wattbus/v1"


@dataclass(frozen=True)
class TopicSpec:
    """One kind of topic. `pattern` stands below `wattbus/v1/<site>/`; `{name}` are ids.

    `expiry_s` is the MQTT message expiry in wall seconds; where it is None, `expiry_field` names
    the field of the message that gives it, and without that too a message is kept for ever.
    """

    name: str
    pattern: str
    schema_id: str
    body: type[Body]
    publishers: tuple[str, ...]
    summary: str
    is_retained: bool = False
    expiry_s: int | None = None
    expiry_field: str | None = None
    needs_envelope: bool = True
    expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = re.sub(r"\{(\w+)\}", r"(?P<\1>[a-z0-9-]{1,32})", self.pattern)
        object.__setattr__(
            self, "expression", re.compile(rf"{ROOT}/(?P<site>[a-z0-9-]{{1,32}})/{named}")
        )

    @property
    def id_names(self) -> tuple[str, ...]:
        """The names of the ids below the site, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.pattern))

    def expiry_of(self, body: Body) -> float | None:
        """Return after how many wall seconds a message of this kind is worthless, or None."""
        if self.expiry_s is None and self.expiry_field is not None:
            seconds: float = getattr(body, self.expiry_field)
            return seconds
        return self.expiry_s

    def topic(self, site: str, **ids: str) -> str:
        """Return the topic for a site; ValueError for an id that is not `[a-z0-9-]{1,32}`."""
        return _topic(self.pattern, site, **ids)

    def filter(self, site: str) -> str:
        """Return the subscription filter for all such topics of a site."""
        return f"{ROOT}/{site}/" + re.sub(r"\{\w+\}", "+", self.pattern)


@lru_cache(maxsize=8192)
def _topic(pattern: str, site: str, **ids: str) -> str:
    for kind, value in {"site": site, **ids}.items():
        if not re.fullmatch(ID_PATTERN, value):
            raise ValueError(f"{kind} id {value!r} must match {ID_PATTERN}")
    return f"{ROOT}/{site}/{pattern.format(**ids)}"


BRIDGE = ("station-bridge",)
SCHEDULER = ("scheduler",)
PEOPLE = ("console", "dashboard", "homeassistant")
EVERY_SERVICE = (
    "station-bridge", "scheduler", "logger", "price-feed", "dashboard", "console", "homeassistant",
    "notifier",
)  # fmt: skip

SITE_INFO = TopicSpec(
    "site-info", "info", "site-info/1", facts.SiteInfo, BRIDGE,
    "The site: fuse, phases, time zone, currency, stations.", is_retained=True,
)  # fmt: skip
STATION_INFO = TopicSpec(
    "station-info", "station/{station}/info", "station-info/1", facts.StationInfo, BRIDGE,
    "A station and its car: phases, currents, battery, efficiency.", is_retained=True,
)  # fmt: skip
STATION_STATE = TopicSpec(
    "station-state", "station/{station}/state", "station-state/1", facts.StationState, BRIDGE,
    "Connector status, state of charge, power, limit, mode, fail-safe or not.",
    is_retained=True, expiry_s=60,
)  # fmt: skip
METER = TopicSpec(
    "meter", "station/{station}/meter", "meter/1", facts.MeterReading, BRIDGE,
    "One row a poll: what the logger stores.",
)  # fmt: skip
STATION_EVENT = TopicSpec(
    "station-event", "station/{station}/event", "station-event/1", facts.StationEvent, BRIDGE,
    "Plugged in, unplugged, lost, back, reset, fail-safe, guard, limit applied.",
)  # fmt: skip
HOUSEHOLD_METER = TopicSpec(
    "household-meter", "household/meter", "household-meter/1", facts.HouseholdMeter, BRIDGE,
    "House load, chargers and their sum at the main fuse.",
)  # fmt: skip
GOAL = TopicSpec(
    "goal", "station/{station}/goal", "goal/1", facts.Goal, BRIDGE,
    "Mode, target state of charge, departure, price cap, current limit, week.", is_retained=True,
)  # fmt: skip
PRICE = TopicSpec(
    "price", "price", "price/1", forecasts.PriceForecast, ("station-bridge", "price-feed"),
    "Known prices: start, duration, value.", is_retained=True,
)  # fmt: skip
BASE_LOAD = TopicSpec(
    "baseload", "baseload", "baseload/1", forecasts.BaseLoadForecast, BRIDGE,
    "Expected house load without chargers.", is_retained=True,
)  # fmt: skip
PLAN = TopicSpec(
    "plan", "plan", "plan/1", control.Plan, SCHEDULER,
    "Per station and slot: limit, reason, expected cost.", is_retained=True,
)  # fmt: skip
SHADOW_PLAN = TopicSpec(
    "shadow-plan", "shadow/{client}/plan", "plan/1", control.Plan, SCHEDULER,
    "What a scheduler without the lease would do.", is_retained=True, expiry_s=3600,
)  # fmt: skip
SET_LIMIT = TopicSpec(
    "set-limit", "station/{station}/limit/set", "limit/1", control.SetLimit, SCHEDULER,
    "One limit with epoch, sequence, validity and reason; never retained.",
    expiry_field="valid_for_s",
)  # fmt: skip
LIMIT_RESULT = TopicSpec(
    "limit-result", "station/{station}/limit/result", "limit-result/1", control.LimitResult, BRIDGE,
    "Applied, refused or failed, and why.", expiry_s=3600,
)  # fmt: skip
LEASE_REQUEST = TopicSpec(
    "lease-request", "lease/request", "lease-request/1", control.LeaseRequest, SCHEDULER,
    "Acquire, renew, hand over or release the right to command.", expiry_s=5,
)  # fmt: skip
LEASE_STATE = TopicSpec(
    "lease-state", "lease/state", "lease-state/1", control.LeaseState, BRIDGE,
    "Who may command, and in which epoch.", is_retained=True,
)  # fmt: skip
MODE_REQUEST = TopicSpec(
    "mode-request", "request/station/{station}/mode", "mode-request/1", requests.ModeRequest,
    PEOPLE, "A wish: smart, now or off.", expiry_s=30, needs_envelope=False,
)  # fmt: skip
GOAL_REQUEST = TopicSpec(
    "goal-request", "request/station/{station}/goal", "goal-request/1", requests.GoalRequest,
    PEOPLE, "A wish: target, departure, price cap, current limit, week.", expiry_s=30,
    needs_envelope=False,
)  # fmt: skip
RESPONSE = TopicSpec(
    "response", "response/station/{station}", "response/1", control.Response, BRIDGE,
    "What became of a wish.", expiry_s=30,
)  # fmt: skip
STRATEGY = TopicSpec(
    "strategy", "strategy", "strategy-wish/1", requests.StrategyWish, BRIDGE,
    "The strategy that people chose, if any.", is_retained=True,
)  # fmt: skip
STRATEGY_REQUEST = TopicSpec(
    "strategy-request", "request/strategy", "strategy-request/1", requests.StrategyRequest, PEOPLE,
    "A wish: another strategy of the scheduler.", expiry_s=30, needs_envelope=False,
)  # fmt: skip
SITE_RESPONSE = TopicSpec(
    "site-response", "response/site", "response/1", control.Response, BRIDGE,
    "What became of a wish that is of no station.", expiry_s=30,
)  # fmt: skip
REPORT = TopicSpec(
    "report", "report", "charging-report/1", accounts.ChargingReport, ("logger",),
    "What charging cost and saved: session, day, month, year.", is_retained=True,
)  # fmt: skip
LEAGUE = TopicSpec(
    "league", "league", "league/1", accounts.League, ("logger",),
    "Schedulers side by side: energy, cost, what was missing.", is_retained=True,
)  # fmt: skip
LOG_CONFIRMED = TopicSpec(
    "log-confirmed", "log/confirmed", "log-confirmed/1", service.LogConfirmed, ("logger",),
    "What is safe on disk.",
)  # fmt: skip
LOG_QUARANTINE = TopicSpec(
    "log-quarantine", "log/quarantine", "log-quarantine/1", service.Quarantined, ("logger",),
    "A message that could not be read, and why.",
)  # fmt: skip
SERVICE_STATUS = TopicSpec(
    "service-status", "service/{user}/{client}/status", "service-status/1", service.ServiceStatus,
    EVERY_SERVICE, "Up or down, version, health; also the will.", is_retained=True,
)  # fmt: skip

ALL = (
    SITE_INFO, STATION_INFO, STATION_STATE, METER, STATION_EVENT, HOUSEHOLD_METER, GOAL, PRICE,
    BASE_LOAD, PLAN, SHADOW_PLAN, SET_LIMIT, LIMIT_RESULT, LEASE_REQUEST, LEASE_STATE, MODE_REQUEST,
    GOAL_REQUEST, RESPONSE, STRATEGY, STRATEGY_REQUEST, SITE_RESPONSE, REPORT, LEAGUE,
    LOG_CONFIRMED, LOG_QUARANTINE, SERVICE_STATUS,
)  # fmt: skip
"""Every kind of topic that the contract knows."""


@dataclass(frozen=True)
class ParsedTopic:
    """A topic that the contract knows, with its ids."""

    spec: TopicSpec
    site: str
    ids: dict[str, str]

    @property
    def station(self) -> str:
        """The station's id; KeyError for topics that have none."""
        return self.ids["station"]


def everything(site: str) -> str:
    """Return the filter for all of a site's topics."""
    return f"{ROOT}/{site}/#"


def parse(topic: str) -> ParsedTopic | None:
    """Return what the contract knows of a topic, or None."""
    for spec in ALL:
        if match := spec.expression.fullmatch(topic):
            ids = match.groupdict()
            return ParsedTopic(spec, ids.pop("site"), ids)
    return None
