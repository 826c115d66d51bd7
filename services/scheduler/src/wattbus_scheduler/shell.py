"""The scheduler on the bus: feeds the controller, keeps the lease and sends what was decided."""

import logging
import time
import uuid
from collections.abc import Callable, Iterable

from wattbus_contract import topics
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import LeaseRequest, LeaseState, LimitOutcome, LimitResult
from wattbus_contract.repetition import Repetition
from wattbus_contract.requests import StrategyWish
from wattbus_contract.service import Health
from wattbus_contract.session import Incoming, MessageTooLarge, MqttSession
from wattbus_scheduler import wire
from wattbus_scheduler.controller import Controller, LimitDecided, Output, PlanMade, Planner
from wattbus_scheduler.lease_client import LeaseClient
from wattbus_scheduler.plausible import implausible
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.strategies import STRATEGIES, Strategy

log = logging.getLogger(__name__)

WAIT_S = 0.2
FAREWELL_S = 1.0
LOG_EVERY_S = 60.0

FACTS = (
    topics.SITE_INFO,
    topics.STATION_INFO,
    topics.STATION_STATE,
    topics.METER,
    topics.STATION_EVENT,
    topics.HOUSEHOLD_METER,
    topics.GOAL,
    topics.PRICE,
    topics.BASE_LOAD,
    topics.STRATEGY,
)
CONTROL = (topics.LEASE_STATE, topics.LEASE_REQUEST, topics.LIMIT_RESULT)


def subscriptions(site: str, status_topic: str) -> tuple[str, ...]:
    """Return the filters of what the scheduler hears, its own status included."""
    return (*(spec.filter(site) for spec in (*FACTS, *CONTROL)), status_topic)


def controller_of(settings: SchedulerSettings) -> Controller:
    """Return a controller with the configured strategy, instead of which people may ask for any."""
    figures = settings.strategy_settings

    def planner_of(strategy: Strategy) -> Planner:
        return lambda situation, now: strategy(situation, now, figures)

    planners = {name: planner_of(strategy) for name, strategy in STRATEGIES.items()}
    return Controller(planners[settings.strategy], settings.control_settings, planners.get)


class Scheduler:
    """One scheduler process at work; call `step` until the process is to end, then `farewell`."""

    def __init__(
        self,
        session: MqttSession,
        settings: SchedulerSettings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._settings = settings
        self._monotonic = monotonic
        self._instance = session.client_id
        self._controller = controller_of(settings)
        self._lease = LeaseClient(self._instance, lambda: uuid.uuid4().hex[:16])
        self._repetition = Repetition(LOG_EVERY_S)
        self._commanding_epoch: int | None = None
        self._is_ready = False
        self._has_snapshot = False
        self._refresh_at_s = 0.0
        session.set_health(Health.DEGRADED, "waiting for the site's facts")

    def step(self) -> None:
        """Handle one message, or a moment without one."""
        incoming = self._session.receive(WAIT_S)
        if incoming is not None:
            self._take(incoming)
            self._session.ack(incoming)
        now_s = self._monotonic()
        self._keep_lease(now_s)
        if now_s >= self._refresh_at_s:
            self._refresh(now_s)

    def farewell(self) -> None:
        """Give the lease away, and wait a moment until the bridge has taken notice."""
        request = self._lease.farewell(self._monotonic())
        if request is None:
            return
        log.info("asks the bridge to %s the lease", request.action.value)
        self._session.publish(topics.LEASE_REQUEST, request)
        deadline_s = self._monotonic() + FAREWELL_S
        while self._monotonic() < deadline_s:
            incoming = self._session.receive(0.05)
            if incoming is None:
                continue
            self._session.ack(incoming)
            message = self._decode(incoming)
            state = message.body if message is not None else None
            if isinstance(state, LeaseState) and state.holder != self._instance:
                return

    def _take(self, incoming: Incoming) -> None:
        message = self._decode(incoming)
        if message is None:
            return
        match message.body:
            case LeaseState() as state:
                self._lease.take_state(state, self._monotonic())
                self._controller.handle(message)
            case LeaseRequest() as request:
                self._lease.take_request(request, self._monotonic())
            case LimitResult() as result:
                self._note_refusal(message, result)
            case _ if message.topic.spec is topics.SERVICE_STATUS:
                self._complete_snapshot(message)
            case StrategyWish():
                self._send(self._controller.handle(message))
                self._note_strategy()
            case _:
                self._send(self._controller.handle(message))

    def _decode(self, incoming: Incoming) -> Decoded | None:
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage as error:
            self._note_ignored(f"{error.topic} {error.field}", str(error))
            return None

        # The controller takes no notice of such a fact; people should.
        if (reason := implausible(message.body)) is not None:
            key = f"{incoming.topic} {reason.partition(':')[0]}"
            self._note_ignored(key, f"{incoming.topic}: {reason}")
        return message

    def _note_ignored(self, key: str, text: str) -> None:
        if self._repetition.is_worth_saying(key, self._monotonic()):
            log.warning("ignored a message: %s", text)

    def _complete_snapshot(self, message: Decoded) -> None:
        """Our own status has come back: all that the broker retains has arrived before it."""
        is_own = message.envelope is not None and message.envelope.boot_id == self._session.boot_id
        if is_own and not self._has_snapshot:
            self._has_snapshot = True
            self._controller.complete_snapshot()
            log.info("retained facts are complete")

    def _note_strategy(self) -> None:
        unknown = self._controller.unknown_strategy
        if unknown:
            log.warning("ignored the wish for strategy %s, which is unknown", unknown)
        elif self._is_ready:
            log.info("plans with strategy %s", self._strategy)
        self._say_health()

    def _say_health(self) -> None:
        """Say what this process does, once it can do anything."""
        if not self._is_ready:
            return
        epoch, unknown = self._commanding_epoch, self._controller.unknown_strategy
        detail = "plans in the shadow" if epoch is None else f"holds the lease, epoch {epoch}"
        if unknown:
            detail += f"; knows no strategy {unknown}, goes on with {self._strategy}"
        self._session.set_health(Health.OK, detail)

    def _keep_lease(self, now_s: float) -> None:
        if not self._is_ready:
            self._is_ready = self._has_snapshot and self._controller.dry_plan() is not None
            if not self._is_ready:
                return
            log.info("ready: plans with strategy %s", self._strategy)
            self._say_health()
        if self._session.is_connected:
            request = self._lease.due_request(now_s)
            if request is not None:
                self._session.publish(topics.LEASE_REQUEST, request)
        epoch = self._lease.epoch_at(now_s)
        if epoch == self._commanding_epoch:
            return
        self._commanding_epoch = epoch
        self._say_health()
        if epoch is None:
            log.info("no longer holds the lease; plans in the shadow")
        else:
            log.info("holds the lease, epoch %d", epoch)
            self._send_all()

    def _send_all(self) -> None:
        newest = self._controller.newest_plan
        self._send([newest] if newest is not None else [])
        self._refresh(self._monotonic())

    def _refresh(self, now_s: float) -> None:
        """Repeat all limits: they are levels, and the bridge lets them expire.

        The lowest first: at the first time they may follow those of another scheduler.
        """
        self._refresh_at_s = now_s + self._refresh_s
        limits = sorted(self._controller.limits.values(), key=lambda limit: limit.limit_w)
        self._send(limits)

    @property
    def _strategy(self) -> str:
        """The strategy of the plan that is followed; before the first, the one that will plan."""
        newest, wished = self._controller.newest_plan, self._controller.facts.strategy
        if newest is not None:
            return newest.plan.strategy
        is_known = wished and not self._controller.unknown_strategy
        return wished if is_known else self._settings.strategy

    @property
    def _refresh_s(self) -> float:
        site = self._controller.facts.site
        failsafe_after_s = site.failsafe_after_s if site is not None else float("inf")
        return min(self._settings.refresh_s, failsafe_after_s / 3)

    def _send(self, outputs: Iterable[Output]) -> None:
        # Limits first: a plan of many cars takes longer to write than they can wait.
        for output in sorted(outputs, key=lambda output: isinstance(output, PlanMade)):
            match output:
                case PlanMade():
                    self._send_plan(output)
                case LimitDecided():
                    self._send_limit(output)

    def _send_limit(self, limit: LimitDecided) -> None:
        epoch = self._lease.epoch_at(self._monotonic())
        if epoch is None or not self._session.is_connected:
            return
        valid_for_s = self._settings.valid_for_s
        message = wire.limit_message(limit, self._instance, epoch, valid_for_s, self._strategy)
        self._session.publish(
            topics.SET_LIMIT, message, station=limit.station_id, expiry_s=valid_for_s
        )

    def _send_plan(self, made: PlanMade) -> None:
        message = wire.plan_message(made, self._instance)
        try:
            if self._lease.epoch_at(self._monotonic()) is not None:
                self._session.publish(topics.PLAN, message)
            else:
                self._session.publish(topics.SHADOW_PLAN, message, client=self._instance)
        except MessageTooLarge as error:
            log.error("the plan was not published: %s", error)  # noqa: TRY400 - no trace needed

    def _note_refusal(self, message: Decoded, result: LimitResult) -> None:
        is_ours = result.command.boot_id == self._session.boot_id
        if not is_ours or result.outcome is LimitOutcome.APPLIED:
            return
        station = message.topic.station
        key = f"{station} {result.outcome} {result.reason.code}"
        if self._repetition.is_worth_saying(key, self._monotonic()):
            log.warning("%s: limit %s: %s", station, result.outcome.value, result.reason.text)
