"""Thousands of damaged messages, sent to a real broker by those who may publish on their topics."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from fixtures.broker_process import BrokerProcess
from fixtures.sessions import make_session, running, wait_until
from fuzz.identity import identity
from fuzz.mutations import Mutator
from wattbus_contract import topics
from wattbus_contract.session import MqttSession
from wattbus_contract.topics import TopicSpec

USERS = ("station-bridge", "scheduler", "logger", "console")
STATIONS = ("car1", "car1", "car1", "car9")
MAX_UNSENT = 2000
MAX_BYTES = 1_000_000
"""More than this no sender gets past the broker."""
RETAINED_SHARE = 0.05
HEALTH_EVERY_S = 10.0


@dataclass
class Barrage:
    """Fires at one site. `sent` are topics and payloads, no two with the same identity."""

    sessions: dict[str, MqttSession]
    site: str
    random: Random
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._mutator = Mutator(self.random)

    def fire(self, specs: Sequence[TopicSpec], count: int) -> None:
        """Send so many messages, and wait until the broker has them all."""
        target = len(self.sent) + count
        while len(self.sent) < target:
            spec = self.random.choice(specs)
            session = self.sessions[next(user for user in spec.publishers if user in USERS)]
            # Of its status everybody speaks on a topic of its own.
            is_status = spec is topics.SERVICE_STATUS
            random_topic = self._mutator.topic(spec, self.site, STATIONS)
            topic = session.status_topic if is_status else random_topic
            payload = self._mutator.payload(spec)
            known = identity(topic, payload)
            if known in self._known or len(payload) > MAX_BYTES:
                continue
            self._known.add(known)
            self.sent.append((topic, payload))
            # What is retained meets the service again when it starts anew.
            is_retained = self.random.random() < RETAINED_SHARE
            session.send(topic, payload, is_retained=is_retained)
            while session.unconfirmed > MAX_UNSENT:
                time.sleep(0.01)
        for session in self.sessions.values():
            wait_until(lambda s=session: s.unconfirmed == 0, "the broker has all", 60)  # type: ignore[misc]
            # Who never asks for messages counts as hanging, and would end this process.
            assert session.receive(0.0) is None


@contextmanager
def barrage_on(broker: BrokerProcess, site: str, seed: int) -> Iterator[Barrage]:
    """Give a barrage whose sessions are connected."""
    with ExitStack() as stack:
        sessions = {
            user: stack.enter_context(
                running(
                    make_session(
                        broker, user, site, client_id=f"fuzz-{user}"[:32], is_durable=False,
                        announces_itself=False,
                    )
                )
            )
            for user in USERS
        }  # fmt: skip
        yield Barrage(sessions, site, Random(seed))


def resident_bytes(pid: int) -> int:
    """The memory of a process and its children."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def gave_a_sign_of_life(health_file: Path) -> bool:
    """Tell whether the main loop has turned lately: it is what keeps this file fresh."""
    return time.time() - health_file.stat().st_mtime < HEALTH_EVERY_S
