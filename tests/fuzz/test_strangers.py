"""Ever new names of stations, clients, instances, boots: each service forgets the oldest."""

import gc
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Protocol

import pytest

from fuzz.deaf_session import DeafSession
from fuzz.listeners import (
    ConsoleSubject,
    DashboardSubject,
    HomeAssistantSubject,
    NotifierSubject,
)
from fuzz.mutations import FIRST_SENT_AT
from fuzz.subjects import RECEIVED_MS, BridgeSubject, LoggerSubject, SchedulerSubject
from fuzz.test_listeners import OF_HOME_ASSISTANT, OF_NOTIFIER
from unit.scheduler.scripted_site import SITE
from wattbus_contract import room, topics
from wattbus_contract.base import Envelope
from wattbus_contract.codec import encode
from wattbus_contract.control import StationPlan
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.topics import TopicSpec
from wattbus_logger import intake, league, text_log
from wattbus_scheduler import freshness, lease_client
from wattbus_scheduler.shell import CONTROL, FACTS
from wattbus_station_bridge import inbox

NAMES = 200
MOST = 20
BATCH = 100
LARGEST = 8 * MOST
"""Some are bounded by a multiple of `MOST`: so many topics to each name."""
HEARD_BY = {
    "scheduler": (*FACTS, *CONTROL), "station-bridge": inbox.HEARD, "notifier": OF_NOTIFIER,
    "homeassistant": OF_HOME_ASSISTANT,
}  # fmt: skip
NO_STATE = (ModuleType, FunctionType, type, DeafSession, Path)


class Subject(Protocol):
    """Takes messages, and tells whether it still works."""

    def take(self, topic: str, payload: bytes) -> object:
        """Take one message."""

    def works(self) -> bool:
        """Tell whether it works."""


class Dashboard(DashboardSubject):
    """Shown once, in the end."""

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message."""
        self.hear(topic, payload)

    works = DashboardSubject.shows_what_is_so


class ConsoleWatch(ConsoleSubject):
    """Shown once, in the end."""

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message."""
        self.hear(topic, payload)

    works = ConsoleSubject.shows_what_is_so


class HomeAssistant(HomeAssistantSubject):
    """The announcer."""

    works = HomeAssistantSubject.announces_what_is_so


class Notifier(NotifierSubject):
    """The notifier."""

    works = NotifierSubject.tells_what_is_so


class Scheduler(SchedulerSubject):
    """The scheduler."""

    works = SchedulerSubject.acts_on_a_wish


class Bridge(BridgeSubject):
    """The bridge, which knows the pace of its clock and says all that it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.site.reports.take_time_scale(1.0)

    works = BridgeSubject.acts_on_a_limit


class Logger(LoggerSubject):
    """The logger."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._taken = 0
        self._remember_few()

    def take(self, topic: str, payload: bytes) -> None:  # type: ignore[override]
        """Take one message; many get to the disk at once."""
        self.writer.take([(RECEIVED_MS, topic, payload, False)])
        self._taken += 1
        if self._taken % BATCH == 0:
            self.writer.commit()

    def works(self) -> bool:
        """Tell whether it knows after a restart what it knew before."""
        self.writer.commit()
        before = self.writer.intake.site.stations.keys()
        self.restart()
        self._remember_few()
        return self.writer.intake.site.stations.keys() == before

    def _remember_few(self) -> None:
        self.writer.intake.seen.max_senders = min(4096, 2 * room.MOST_NAMES)


MAKERS = {
    "dashboard": lambda _: Dashboard(),
    "console": lambda _: ConsoleWatch(),
    "homeassistant": lambda _: HomeAssistant(),
    "notifier": lambda folder: Notifier(folder / "told"),
    "scheduler": lambda _: Scheduler(),
    "station-bridge": Bridge,
    "logger": Logger,
}


def strangers(specs: tuple[TopicSpec, ...]) -> Iterator[tuple[str, bytes]]:
    """Each of these kinds of messages under `NAMES` names that nobody has."""
    for spec in specs:
        if spec is topics.SITE_INFO:
            continue
        example = EXAMPLES[spec]
        for number in range(NAMES):
            name = f"x{number}"
            body = example
            if "instance" in type(example).model_fields:
                body = example.model_copy(update={"instance": name, "holder": name})
            if spec in {topics.PLAN, topics.SHADOW_PLAN}:
                body = body.model_copy(update={"stations": (_station_plan(name),)})
            envelope = Envelope(
                schema_id=spec.schema_id, sent_at=FIRST_SENT_AT, source=name, boot_id=name, seq=7,
            )  # fmt: skip
            topic = spec.topic(SITE, **dict.fromkeys(spec.id_names, name))
            yield topic, encode(body, envelope)


def _station_plan(name: str) -> StationPlan:
    plan = EXAMPLES[topics.PLAN]
    return plan.stations[0].model_copy(update={"station": name})  # type: ignore[attr-defined, no-any-return]


def kept(root: object) -> Iterator[tuple[int, str]]:
    """The size of each container that something keeps, and a glance at it."""
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, NO_STATE):
            continue
        seen.add(id(one))
        is_bounded = isinstance(one, deque) and one.maxlen is not None
        if isinstance(one, dict | list | set | deque) and not is_bounded:
            yield len(one), repr([*islice(one, 3)])[:100]
        waiting.extend(gc.get_referents(one))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower all bounds, since it takes long to reach the real ones."""
    monkeypatch.setattr(room, "MOST_NAMES", MOST)
    monkeypatch.setattr(text_log, "MOST_NAMES", MOST)
    monkeypatch.setattr(intake, "MOST_REMEMBERED", 8 * MOST)
    monkeypatch.setattr(league, "MOST_SCHEDULERS", MOST)
    monkeypatch.setattr(freshness, "MOST_TOPICS", MOST)
    monkeypatch.setattr(freshness, "MOST_NAMES", MOST)
    monkeypatch.setattr(lease_client, "MOST_WAITING", MOST)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.usefixtures("few")
def test_of_strangers_the_oldest_are_forgotten(name: str, tmp_path: Path) -> None:
    subject: Subject = MAKERS[name](tmp_path)
    assert subject.works()

    for topic, payload in strangers(HEARD_BY.get(name, topics.ALL)):
        subject.take(topic, payload)

    assert max(kept(subject)) <= (LARGEST, "")
    assert subject.works()


@pytest.mark.parametrize("name", MAKERS)
def test_without_the_bounds_all_strangers_are_kept(name: str, tmp_path: Path) -> None:
    """The negative control: so many are far fewer than the real bounds."""
    subject: Subject = MAKERS[name](tmp_path)
    assert subject.works()

    for topic, payload in strangers(HEARD_BY.get(name, topics.ALL)):
        subject.take(topic, payload)

    assert max(kept(subject)) >= (NAMES, "")
