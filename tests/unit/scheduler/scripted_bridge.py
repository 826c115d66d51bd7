"""A bridge on a real broker: publishes the scripted site, grants the lease, obeys limits."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fixtures.broker_process import BrokerProcess
from unit.scheduler.scripted_site import STATION, ScriptedSite
from wattbus_contract import topics
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.codec import Decoded, InvalidMessage, decode
from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState, Plan, SetLimit
from wattbus_contract.requests import StrategyWish
from wattbus_contract.session import Incoming, MqttSession

READING_EVERY_S = 0.02


@dataclass
class ScriptedBridge:
    """Call `pump` to let it work until something is so; time passes only in there.

    Where it `hears_garbage`, it passes over what the contract refuses, as the real one does.
    """

    broker: BrokerProcess
    site_id: str
    site: ScriptedSite = field(default_factory=lambda: ScriptedSite(reading_s=60))
    ttl_s: float = 6.0
    strategy: str = ""
    hears_garbage: bool = False
    lease: LeaseState | None = None
    grants: list[str] = field(default_factory=list)
    limits: list[tuple[float, Decoded, SetLimit]] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    shadow_plans: list[Plan] = field(default_factory=list)
    requests: list[LeaseRequest] = field(default_factory=list)
    is_time_passing: bool = True

    def __post_init__(self) -> None:
        settings = BrokerSettings(
            host=self.broker.host,
            port=self.broker.port,
            password_file=self.broker.password_file("station-bridge"),
        )
        heard = (topics.LEASE_REQUEST, topics.SET_LIMIT, topics.PLAN, topics.SHADOW_PLAN)
        self.session = MqttSession(
            settings,
            user="station-bridge",
            site=self.site_id,
            version="test",
            subscriptions=[spec.filter(self.site_id) for spec in heard],
            client_id=f"bridge-{self.site_id}",
            is_durable=False,
        )
        self.site.boot_id = self.session.boot_id

    def __enter__(self) -> "ScriptedBridge":
        self.session.start()
        deadline_s = time.monotonic() + 10
        while not self.session.is_connected:
            assert time.monotonic() < deadline_s
            self.session.receive(0.01)
        self.announce()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.stop()

    def announce(self) -> None:
        publish, site = self.session.publish, self.site
        publish(topics.SITE_INFO, site.site_info())
        publish(topics.STATION_INFO, site.station_info(), station=STATION)
        publish(topics.GOAL, site.goal(), station=STATION)
        publish(topics.PRICE, site.price())
        publish(topics.BASE_LOAD, site.base_load())
        publish(topics.STATION_STATE, site.state(), station=STATION)
        publish(topics.STRATEGY, StrategyWish(strategy=self.strategy))
        self.grant(LeaseState(epoch=1, ttl_s=self.ttl_s, bridge_boot_id=self.session.boot_id))

    def grant(self, lease: LeaseState) -> None:
        self.lease = lease
        self.session.publish(topics.LEASE_STATE, lease)

    def pump(self, is_so: Callable[[], bool], timeout_s: float = 60.0) -> float:
        """Work until `is_so`, and return for how many seconds; TimeoutError if it never is."""
        began_s = time.monotonic()
        next_reading_s = began_s
        while not is_so():
            now_s = time.monotonic()
            if now_s - began_s > timeout_s:
                raise TimeoutError(f"not so after {timeout_s} s; grants {self.grants}")
            if self.is_time_passing and now_s >= next_reading_s:
                next_reading_s = now_s + READING_EVERY_S
                self.site.advance()
                self.session.publish(topics.METER, self.site.reading(), station=STATION)
            incoming = self.session.receive(0.005)
            if incoming is not None:
                self.session.ack(incoming)
                if not incoming.is_retained:
                    self._hear(incoming)
        return time.monotonic() - began_s

    def _hear(self, incoming: Incoming) -> None:
        try:
            message = decode(incoming.topic, incoming.payload)
        except InvalidMessage:
            if not self.hears_garbage:
                raise
        else:
            self._take(message)

    def _take(self, message: Decoded) -> None:
        match message.body:
            case SetLimit() as limit:
                self.limits.append((time.monotonic(), message, limit))
                if self.lease is not None and limit.epoch == self.lease.epoch:
                    self.site.limit_w = limit.limit_w or 0.0
            case LeaseRequest() as request:
                self.requests.append(request)
                self._decide(request)
            case Plan() as plan:
                is_shadow = message.topic.spec is topics.SHADOW_PLAN
                (self.shadow_plans if is_shadow else self.plans).append(plan)

    def _decide(self, request: LeaseRequest) -> None:
        lease = self.lease
        assert lease is not None
        holder, epoch = lease.holder, lease.epoch
        if request.action is LeaseAction.ACQUIRE:
            if holder not in {None, request.instance}:
                return
            holder, epoch = request.instance, epoch + 1
            self.grants.append(request.instance)
        elif (request.instance, request.epoch) != (holder, epoch):
            return
        elif request.action is LeaseAction.RELEASE:
            holder = None
        elif request.action is LeaseAction.HANDOVER:
            holder, epoch = request.successor, epoch + 1
            self.grants.append(holder or "")
        self.grant(
            LeaseState(
                epoch=epoch,
                ttl_s=self.ttl_s,
                bridge_boot_id=self.session.boot_id,
                holder=holder,
                nonce=request.nonce,
            )
        )
