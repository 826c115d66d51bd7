"""Answers what people wish: a mode, a goal, a strategy; what is granted is on disk first."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from wattbus_contract import examples, topics
from wattbus_contract.base import Reason
from wattbus_contract.codec import Decoded, InvalidMessage
from wattbus_contract.control import RequestOutcome, Response
from wattbus_contract.facts import Mode
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest, StrategyWish
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import ParsedTopic
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.desk import Desk
from wattbus_station_bridge.goals import Wishes, with_goal
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.site import Site

log = logging.getLogger(__name__)

MODES = {
    Mode.SMART: "charges as the scheduler plans",
    Mode.NOW: "charges at once",
    Mode.OFF: "does not charge",
}
WISHES = {
    topics.MODE_REQUEST: "mode",
    topics.GOAL_REQUEST: "goal",
    topics.STRATEGY_REQUEST: "strategy",
}
"""What each kind of wish is called in its answer."""


class WishDesk:
    """Takes wishes in the main thread. Every wish is answered, also one that nobody can read."""

    def __init__(
        self, session: MqttSession, site: Site, memory: Memory, announcer: Announcer
    ) -> None:
        self._session = session
        self._site = site
        self._memory = memory
        self._announcer = announcer

    def open(self) -> None:
        """Announce the strategy that people chose before."""
        self._announce(self._memory.strategy())

    def handle(self, message: Decoded) -> None:
        """Do what somebody wishes, and answer."""
        match message.body:
            case ModeRequest(mode=mode):
                self._take(
                    message,
                    lambda desk, _: replace(desk.wishes, mode=mode),
                    lambda _: MODES[mode],
                )
            case GoalRequest() as goal:
                zone = self._site.zone
                self._take(
                    message,
                    lambda desk, now: with_goal(desk.wishes, goal, now, zone, desk.recurring),
                    self._site.reports.goal_text,
                )
            case StrategyRequest(strategy=strategy):
                self._take_strategy(message, strategy)

    def refuse(self, topic: ParsedTopic, error: InvalidMessage) -> None:
        """Answer a wish that the contract refuses, with one that it would not."""
        example = examples.example_payload(topic.spec).decode()
        text = f"{error.field}: {error.reason}. Such a wish looks like {example}"
        self._respond(topic, None, RequestOutcome.REFUSED, "not-understood", text)

    def _take(
        self,
        message: Decoded,
        change: Callable[[Desk, datetime], Wishes],
        describe: Callable[[Desk], str],
    ) -> None:
        station = message.topic.station
        desk = self._site.desks.get(station)
        if desk is None:
            known = ", ".join(self._site.desks)
            text = f"this site has no station {station}; it has {known}"
            self._respond(message.topic, message, RequestOutcome.REFUSED, "unknown-station", text)
            return
        try:
            wishes = change(desk, self._site.reports.now)
        except ValueError as error:
            outcome, code, text = RequestOutcome.REFUSED, "not-possible", str(error)
        else:
            with self._site.lock:
                kept = {d.id: d.wishes for d in self._site.desks.values()}
                self._memory.keep_wishes(kept | {station: wishes})
                self._site.wish(desk, wishes, WISHES[message.topic.spec])
                outcome, code, text = RequestOutcome.ACCEPTED, "accepted", describe(desk)
        self._respond(message.topic, message, outcome, code, text)

    def _take_strategy(self, message: Decoded, strategy: str) -> None:
        self._memory.keep_strategy(strategy)
        with self._site.lock:
            self._announce(strategy)
        text = "the scheduler's own setting holds"
        if strategy:
            text = f"the scheduler is asked for {strategy}"
        log.info("strategy: %s", text)
        self._respond(message.topic, message, RequestOutcome.ACCEPTED, "accepted", text)

    def _announce(self, strategy: str) -> None:
        self._announcer.keep(topics.STRATEGY, StrategyWish(strategy=strategy))

    def _respond(
        self,
        topic: ParsedTopic,
        message: Decoded | None,
        outcome: RequestOutcome,
        code: str,
        text: str,
    ) -> None:
        is_signed = message is not None and message.envelope is not None
        sender = message.message_id if message is not None and is_signed else None
        station = topic.ids.get("station")
        response = Response.model_validate(
            {
                "request": WISHES[topic.spec],
                "station": station,
                "outcome": outcome,
                "reason": Reason(code=code, text=text[:2000]),
                "request_source": None if sender is None else sender.source,
                "request_seq": None if sender is None else sender.seq,
            }
        )
        if station is None:
            self._session.publish(topics.SITE_RESPONSE, response)
        else:
            self._session.publish(topics.RESPONSE, response, station=station)
