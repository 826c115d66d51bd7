"""The three services without a broker: each takes messages as its process does."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

from fuzz.deaf_session import DeafSession, arrived
from unit.scheduler.scripted_site import SITE, STATION, ScriptedSite
from wattbus_contract import examples, topics
from wattbus_contract.base import Body, Envelope, Reason
from wattbus_contract.codec import decode, encode
from wattbus_contract.control import LeaseAction, LeaseRequest, LeaseState, SetLimit
from wattbus_contract.facts import ConnectorStatus, Control, Mode
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec
from wattbus_logger.recovery import recover
from wattbus_logger.writer import Writer, Written
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.shell import Scheduler
from wattbus_station_bridge import assembly
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.announcer import Announcer
from wattbus_station_bridge.control import lease
from wattbus_station_bridge.control.gate import Gate
from wattbus_station_bridge.control.journal import Journal
from wattbus_station_bridge.inbox import Inbox
from wattbus_station_bridge.lease_desk import LeaseDesk
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.reports import Reports
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.site_file import SiteFile
from wattbus_station_bridge.stations.reading import StationReading, StationTraits
from wattbus_station_bridge.stations.worker import Order, StationWorker
from wattbus_station_bridge.wish_desk import WishDesk

POWER_W = 7400.0
FUSE_W = 11_000.0
MOST_READINGS = 20
START_AT = datetime(2025, 1, 14, 23, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
RECEIVED_MS = 1_795_240_800_000
"""2026-11-21T06:00:00Z, a moment of TODAY."""


@dataclass
class SchedulerSubject:
    """The scheduler's shell on a session without a broker; `revive` gives it a healthy bridge."""

    boots: int = 0
    session: DeafSession = field(default_factory=lambda: DeafSession("scheduler", SITE))

    def __post_init__(self) -> None:
        settings = SchedulerSettings(refresh_s=600.0, valid_for_s=1200.0)
        self.scheduler = Scheduler(cast(MqttSession, self.session), settings)
        self.bridge = ScriptedSite()
        self.revive()

    def take(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        """Have it take one message."""
        self.session.waiting.append(arrived(topic, payload, is_retained=is_retained))
        self.scheduler.step()

    def hear(self, spec: TopicSpec, body: Body, **ids: str) -> None:
        """Have it take a message of the bridge."""
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=datetime.now(UTC), source="station-bridge",
            boot_id=self.bridge.boot_id, seq=next(self.bridge.seq),
        )  # fmt: skip
        self.take(spec.topic(SITE, **ids), encode(body, envelope))

    def revive(self) -> None:
        """Have a bridge start anew, as it does after each connection, and grant the lease."""
        self.boots += 1
        self.bridge = ScriptedSite(boot_id=f"bridge-{self.boots}")
        self.grant()
        bridge = self.bridge
        self.hear(topics.SITE_INFO, bridge.site_info())
        self.hear(topics.STATION_INFO, bridge.station_info(), station=STATION)
        self.hear(topics.GOAL, bridge.goal(), station=STATION)
        self.hear(topics.PRICE, bridge.price())
        self.hear(topics.BASE_LOAD, bridge.base_load())
        self.hear(topics.STATION_STATE, bridge.state(), station=STATION)
        self.take(
            topics.SERVICE_STATUS.topic(SITE, user="scheduler", client="scheduler"), self._up()
        )
        self.grant()

    def grant(self) -> None:
        """Grant the lease, as the bridge does when it is asked."""
        client = self.scheduler._lease
        client._next_request_s = float("-inf")
        request = client.due_request(self.scheduler._monotonic())
        granted = LeaseState(
            epoch=1000 * self.boots, ttl_s=3600.0, bridge_boot_id=self.bridge.boot_id,
            holder="scheduler", nonce=None if request is None else request.nonce,
        )  # fmt: skip
        self.hear(topics.LEASE_STATE, granted)

    def acts_on_a_wish(self) -> bool:
        """Tell whether a goal `now` makes it command full power, and `off` none.

        Not at once, perhaps: a house load that it was told of is reckoned with for a while.
        """
        self.revive()
        for mode, limit_w in ((Mode.NOW, POWER_W), (Mode.OFF, 0.0)):
            self.bridge.mode = mode
            self.hear(topics.GOAL, self.bridge.goal(), station=STATION)
            for _ in range(MOST_READINGS):
                self.hear(topics.METER, self.bridge.reading(), station=STATION)
                if self._last_limit_w() == limit_w:
                    break
                self.bridge.advance()
            else:
                return False
        return True

    def _last_limit_w(self) -> float | None:
        topic = topics.SET_LIMIT.topic(SITE, station=STATION)
        told = [payload for said, payload in self.session.said if said == topic]
        if not told:
            return None
        limit = decode(topic, told[-1]).body
        assert isinstance(limit, SetLimit)
        return limit.limit_w

    def _up(self) -> bytes:
        spec = topics.SERVICE_STATUS
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=datetime.now(UTC), source="scheduler",
            boot_id=self.session.boot_id, seq=1,
        )  # fmt: skip
        return encode(examples.EXAMPLES[spec], envelope)


class ObedientWorker:
    """Stands in for a station's thread: an order is carried out at once."""

    def __init__(self) -> None:
        self.level_w = 0.0

    def order(self, order: Order) -> None:
        """Take over a level."""
        self.level_w = order.level_w


class BridgeSubject:
    """The bridge's inbox, site and lease on a folder of their own, with one obedient station."""

    def __init__(self, folder: Path) -> None:
        self.session = DeafSession("station-bridge", SITE)
        self.file = SiteFile.model_validate(
            {
                "site": {"fuse_power_w": FUSE_W},
                "station": [{"id": STATION, "url": "http://127.0.0.1:9"}],
            }
        )
        memory = Memory(folder)
        self.alarms = Alarms()
        self.announcer = Announcer(self.session, self.alarms.crashed)
        desks = assembly.make_desks(self.file, memory.wishes())
        self.site = Site(
            self.file, desks, Reports(self.file, desks, self.announcer),
            Journal(folder / "journal"), self.alarms,
        )  # fmt: skip
        self.desk = desks[STATION]
        self.worker = ObedientWorker()
        self.desk.worker = cast(StationWorker, self.worker)
        self.lease_desk = LeaseDesk(
            lease.at_boot(memory.epoch(), 600.0), self.session.boot_id, memory, self.announcer
        )
        self.lease_desk.open()
        self.inbox = Inbox(
            session=cast(MqttSession, self.session), site=self.site, lease_desk=self.lease_desk,
            wish_desk=WishDesk(
                cast(MqttSession, self.session), self.site, memory, self.announcer
            ),
            gate=Gate(), failsafe_after_s=60.0,
        )  # fmt: skip
        self.polls = 0
        self.poll()
        self._publish()
        # Its own word is the first that it hears, as where no other bridge is at work: from one
        # that was there before it, it would give way, which is no crash.
        for topic, payload in list(self.session.said):
            if topic == topics.LEASE_STATE.topic(SITE):
                self.take(topic, payload)

    def take(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        """Have it take one message, and let a moment pass."""
        self.inbox.handle(arrived(topic, payload, is_retained=is_retained))
        self.lease_desk.tick(self.inbox._monotonic_s())
        self.poll()
        self.site.tick()
        self._publish()

    def poll(self) -> None:
        """Have the station answer."""
        self.polls += 1
        power_w = POWER_W / 230
        traits = self.desk.traits or StationTraits(
            STATION, Control.SWITCH, (1,), 230.0, power_w, power_w, power_w, POWER_W, 46_300.0, 1.0,
            None,
        )  # fmt: skip
        level_w = self.worker.level_w
        assert level_w in {0.0, POWER_W}, level_w
        reading = StationReading(
            START_AT + timedelta(seconds=self.polls), traits, ConnectorStatus.CHARGING, True,
            level_w, 0.0, level_w, soc_percent=50.0, house_load_w=1000.0,
        )  # fmt: skip
        if self.desk.is_ordered:
            self.site.on_applied(STATION, Order(level_w), None)
        self.site.on_reading(STATION, reading, 0.01)

    def acts_on_a_limit(self) -> bool:
        """Tell whether a scheduler that asks for the lease gets it, and its limits are applied."""
        self._say(topics.MODE_REQUEST, b'{"mode":"smart"}', station=STATION)
        goal = b'{"target_soc_percent":80,"clear":["max_current_a"]}'
        self._say(topics.GOAL_REQUEST, goal, station=STATION)
        holder = self.lease_desk.lease.holder
        if holder is not None:
            self._ask(LeaseAction.RELEASE, holder)
        self._ask(LeaseAction.ACQUIRE, "healthy")
        levels = []
        for seq, limit_w in enumerate((POWER_W, 0.0), start=2**52):
            limit = SetLimit(
                epoch=self.lease_desk.lease.epoch, instance="healthy", valid_for_s=60.0,
                reason=Reason(code="test", text=""), limit_w=limit_w,
            )  # fmt: skip
            self._say(
                topics.SET_LIMIT, self._stamped(topics.SET_LIMIT, limit, seq), station=STATION
            )
            levels.append(self.worker.level_w)
        return levels == [POWER_W, 0.0]

    def _ask(self, action: LeaseAction, instance: str) -> None:
        request = LeaseRequest(
            action=action, instance=instance, nonce="n", epoch=self.lease_desk.lease.epoch
        )
        self._say(topics.LEASE_REQUEST, self._stamped(topics.LEASE_REQUEST, request, 1))

    def _say(self, spec: TopicSpec, payload: bytes, **ids: str) -> None:
        self.take(spec.topic(SITE, **ids), payload)

    def _stamped(self, spec: TopicSpec, body: Body, seq: int) -> bytes:
        envelope = Envelope(
            schema_id=spec.schema_id, sent_at=datetime.now(UTC), source="healthy", boot_id="h",
            seq=seq,
        )  # fmt: skip
        return encode(body, envelope)

    def _publish(self) -> None:
        """Do what the announcer's thread does, here and now."""
        waiting = self.announcer._waiting
        while not waiting.empty():
            said = waiting.get()
            assert said is not None
            spec, body, expiry_s, ids = said
            self.session.publish(spec, body, expiry_s=expiry_s, **ids)


class LoggerSubject:
    """The logger's writer on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer = Writer(*recover(folder, TODAY))

    def take(self, *messages: tuple[str, bytes], is_retained: bool = False) -> Written:
        """Have it write a batch."""
        self.writer.take(
            [(RECEIVED_MS, topic, payload, is_retained) for topic, payload in messages]
        )
        written = self.writer.commit()
        assert written is not None
        return written

    def restart(self) -> None:
        """End it as a regular stop does, and begin anew on what it has written."""
        self.writer.store.save_checkpoint(self.writer.intake)
        self.writer.close()
        self.writer = Writer(*recover(self.folder, TODAY))
