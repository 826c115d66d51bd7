"""The stage of a scene: plays the scripted bridge against real schedulers, on the wall's clock."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from wattbus_conformance.bus import Bus
from wattbus_conformance.lease import ScriptedLease
from wattbus_conformance.overload import OverloadWatch
from wattbus_conformance.process import Child
from wattbus_conformance.recording import Heard, HeardLimit, Recording
from wattbus_conformance.settings import StageSettings
from wattbus_conformance.site import Say, ScriptedSite
from wattbus_contract import topics
from wattbus_contract.base import Envelope
from wattbus_contract.codec import encode
from wattbus_contract.control import LeaseRequest, LimitOutcome, SetLimit

BRIDGE = "station-bridge"
SCHEDULER = "scheduler"
SPOOLED = frozenset(
    {topics.METER, topics.HOUSEHOLD_METER, topics.STATION_EVENT, topics.LIMIT_RESULT}
)
"""What a bridge says again, as it was, until a logger has it: late, twice, or after a restart."""
LONGEST_WAIT_S = 0.05
IN_FLIGHT_S = 0.5
"""What was sent before the news arrived may still be on its way for so long."""

Condition = Callable[[], bool]


class Cancelled(RuntimeError):  # noqa: N818 - says what happened
    """The run was ended from outside."""


class SceneEnded(RuntimeError):  # noqa: N818 - says what happened
    """The scene cannot go on; the message says why its other points stay untried."""


class Stage:
    """One scripted site on the broker with the schedulers under test. Use as a context manager.

    Time passes only in `run`, `until` and `stays`: there the site is polled, lease requests and
    limits are answered, and everything heard is recorded. `hasty` are limits that were raised
    before there was room for them. `grown` are fields that every message of
    the bridge carries besides those of the contract; `spooled` is what a bridge would keep on disk
    of what it said, and `late` what it says again after every poll.
    """

    def __init__(self, name: str, site: ScriptedSite, settings: StageSettings, site_id: str):
        self.name = name
        self.site = site
        self.site_id = site_id
        self.settings = settings
        self.recording = Recording()
        self.children: dict[str, Child] = {}
        self.overload = OverloadWatch()
        self.lost_lease: list[str] = []
        self.misled: list[HeardLimit] = []
        self.hasty: list[HeardLimit] = []
        self.grown: dict[str, object] = {}
        self.spooled: list[tuple[str, bytes]] = []
        self.late: list[tuple[str, bytes]] = []
        self._boot_id = site.lease.bridge_boot_id
        self._seq = 0
        self._next_poll_s = time.monotonic()
        self._connections = 0
        self._epoch_said = site.lease.epoch
        self._lease_said_s = time.monotonic()
        password = settings.access.password_file(BRIDGE).read_text().strip()
        where = settings.access
        self.bus = Bus(
            where.host,
            where.port,
            user=BRIDGE,
            password=password,
            client_id=f"conformance-{site_id[-12:]}",
            topic_filter=topics.everything(site_id),
        )

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children.values():
            child.kill()
        self._clear()
        self.bus.close()

    @property
    def subject(self) -> str:
        """What the scheduler under test is called; no other scene has one of this name."""
        return f"subject-{self.site_id[-6:]}"

    @property
    def second(self) -> str:
        """What a second scheduler is called."""
        return f"{self.subject}-b"

    @property
    def lease(self) -> ScriptedLease:
        """The site's lease."""
        return self.site.lease

    def start(self, instance: str) -> Child:
        """Start a scheduler that is to call itself `instance`."""
        access, site_id = self.settings.access, self.site_id
        password_file = access.password_file(SCHEDULER)
        settings = {
            "WATTBUS_MQTT_HOST": access.host,
            "WATTBUS_MQTT_PORT": str(access.port),
            "WATTBUS_MQTT_USERNAME": SCHEDULER,
            "WATTBUS_MQTT_PASSWORD_FILE": str(password_file),
            "WATTBUS_MQTT_PASSWORD": password_file.read_text().strip(),
            "WATTBUS_MQTT_CLIENT_ID": instance,
            "WATTBUS_SITE": site_id,
        }
        log = self.settings.folder / f"{self.name}-{instance}.log"
        self.children[instance] = child = self.settings.launcher(settings, log)
        return child

    def begin(self, instance: str) -> None:
        """Start a scheduler and wait until it has the lease and has told every station a limit."""
        self.start(instance)
        self.require(
            lambda: self.lease.is_held_by(instance, time.monotonic()),
            self.settings.start_s,
            f"{instance} did not take the lease",
        )
        self.require(
            lambda: all(s.limit_w is not None for s in self.site.stations.values()),
            self.settings.react_s,
            f"{instance} has the lease but did not tell every station a limit",
        )

    def say(self, *messages: Say) -> None:
        """Publish as the bridge."""
        for message in messages:
            self._seq += 1
            envelope = Envelope(
                schema_id=message.spec.schema_id,
                sent_at=datetime.now(UTC),
                source=BRIDGE,
                boot_id=self._boot_id,
                seq=self._seq,
            )
            payload = encode(message.body, envelope)
            if self.grown:
                payload = json.dumps({**json.loads(payload), **self.grown}).encode()
            topic = message.spec.topic(self.site_id, **message.ids)
            if message.spec in SPOOLED:
                self.spooled.append((topic, payload))
            self.bus.say(
                topic,
                payload,
                is_retained=message.spec.is_retained,
                expiry_s=message.spec.expiry_s,
            )

    def say_lease(self) -> None:
        """Announce the lease."""
        if self.lease.epoch != self._epoch_said:
            self._epoch_said, self._lease_said_s = self.lease.epoch, time.monotonic()
        self.say(Say(topics.LEASE_STATE, self.lease.state))

    def restart_bridge(self) -> None:
        """Do what a bridge does that starts anew."""
        self._boot_id, self._seq = uuid.uuid4().hex[:16], 0
        self.lease.restart(self._boot_id)
        self.say(*self.site.announcements())

    def set_clock(self, at: datetime) -> None:
        """Move the site's clock and tell the readings of that instant."""
        self.site.at = at
        self.say(*self.site.readings())

    def run(self, for_s: float) -> None:
        """Let the scene go on."""
        self._pump(for_s, lambda: False)

    def until(self, condition: Condition, within_s: float) -> bool:
        """Let the scene go on until the condition holds; False if it does not in time."""
        return condition() or self._pump(within_s * self.settings.patience, condition)

    def stays(self, condition: Condition, for_s: float) -> bool:
        """Let the scene go on; True if the condition held all the time."""
        return not self._pump(for_s, lambda: not condition())

    def reaches(self, condition: Condition, stays_s: float = 0.5) -> bool:
        """Tell whether the condition holds within `react_s`, and goes on to hold."""
        return self.until(condition, self.settings.react_s) and self.stays(condition, stays_s)

    def require(self, condition: Condition, within_s: float, why: str) -> None:
        """Go on until the condition holds; SceneEnded if it does not in time."""
        if not self.until(condition, within_s):
            raise SceneEnded(why + self.epitaph())

    def epitaph(self) -> str:
        """Return what is known of schedulers that have ended, with the end of their output."""
        ended = [(n, c) for n, c in self.children.items() if not c.is_running]
        return "".join(
            f"; {name} has ended with status {child.exit_status}: {child.last_words()}"
            for name, child in ended
        )

    def told(self, station: str) -> str:
        """Return the last limit that was heard for a station, for people."""
        limits = [h for h in self.recording.limits() if h.station == station]
        return (limits[-1].heard.excerpt if limits else "no limit at all") + self.epitaph()

    def limit_w(self, station: str) -> float | None:
        """Return the limit in force, in W; None where none was accepted or it has expired."""
        return self.site.stations[station].limit_w

    def is_charging(self, station: str) -> bool:
        """Whether the limit in force lets the car charge."""
        return self.site.stations[station].power_w > 0

    def is_told_to_pause(self, station: str) -> bool:
        """Whether the limit in force is 0."""
        return self.limit_w(station) == 0

    def _pump(self, for_s: float, condition: Condition) -> bool:
        deadline_s = time.monotonic() + for_s
        while True:
            if self.settings.cancelled.is_set():
                raise Cancelled("cancelled")
            self._keep_connection()
            now_s = time.monotonic()
            if self.lease.expire(now_s):
                self.lost_lease.append("the lease ran out")
                self.say_lease()
            if now_s >= self._next_poll_s and self.bus.is_connected:
                self._next_poll_s = now_s + self.settings.poll_s
                self.say(*self.site.poll(now_s))
                for topic, payload in self.late:
                    self.bus.say(topic, payload)
            self.overload.look(self.site, now_s)
            next_s = min(deadline_s, self._next_poll_s, now_s + LONGEST_WAIT_S)
            heard = self.bus.get(next_s - now_s)
            if heard is not None:
                self._take(heard)
            if condition():
                return True
            if heard is None and time.monotonic() >= deadline_s:
                return False

    def _take(self, heard: Heard) -> None:
        self.recording.add(heard)
        decoded, now_s = heard.decoded, time.monotonic()
        if decoded is None:
            return
        if isinstance(decoded.body, LeaseRequest):
            if self.lease.handle(decoded.body, now_s):
                self.say_lease()
        elif isinstance(decoded.body, SetLimit):
            station = decoded.topic.station
            before_w = self.site.allowed_w(station) if station in self.site.stations else 0.0
            result = self.site.command(
                station,
                decoded.body,
                decoded.message_id,
                now_s,
                is_retained=heard.is_retained,
                expires_in_s=heard.expires_in_s,
            )
            self.say(Say(topics.LIMIT_RESULT, result, {"station": station}))
            if result.reason.code == "wrong-epoch":
                self._note_stale(now_s)
            if result.outcome is LimitOutcome.APPLIED and self.site.overload_w() > 0:
                self._note_hasty(self.site.allowed_w(station) - before_w)
        self.overload.look(self.site, now_s)

    def _note_stale(self, now_s: float) -> None:
        """Note a wrong epoch of the one who holds the lease, unless the news is on its way."""
        limit = self.recording.limits(self.recording.mark() - 1)[0]
        is_news = now_s - self._lease_said_s < IN_FLIGHT_S
        if self.lease.is_held_by(limit.limit.instance, now_s) and not is_news:
            self.misled.append(limit)

    def _note_hasty(self, raised_w: float) -> None:
        """Note a limit that was raised while the others left too little under the fuse."""
        if raised_w > 0:
            self.hasty.append(self.recording.limits(self.recording.mark() - 1)[0])

    def _keep_connection(self) -> None:
        if self.bus.connections != self._connections:
            self._connections = self.bus.connections
            self.say(*self.site.announcements())

    def _clear(self) -> None:
        """Take back what the bridge has left retained on the broker."""
        for message in self.site.announcements():
            topic = message.spec.topic(self.site_id, **message.ids)
            self.bus.say(topic, b"", is_retained=True)
        self.bus.flush(1.0)
