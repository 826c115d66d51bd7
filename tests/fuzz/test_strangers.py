"""Ever new names of stations, clients, instances, boots: each service forgets the oldest."""

import gc
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from fuzz.deaf_session import DeafSession
from fuzz.every_service import MAKERS, Logger
from fuzz.mutations import FIRST_SENT_AT
from unit.scheduler.scripted_site import SITE
from wattbus_console import picture as console_picture
from wattbus_contract import room, topics
from wattbus_contract.base import Envelope
from wattbus_contract.codec import encode
from wattbus_contract.control import StationPlan
from wattbus_contract.examples import EXAMPLES
from wattbus_contract.topics import TopicSpec
from wattbus_dashboard import picture as dashboard_picture
from wattbus_logger import intake, league, text_log
from wattbus_scheduler import freshness, lease_client

NAMES = 200
MOST = 20
LARGEST = 8 * MOST
"""Some are bounded by a multiple of `MOST`: so many topics to each name."""
NO_STATE = (ModuleType, FunctionType, type, DeafSession, Path)


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
    monkeypatch.setattr(intake, "MOST_REMEMBERED", 2 * MOST)
    monkeypatch.setattr(league, "MOST_SCHEDULERS", MOST)
    monkeypatch.setattr(console_picture, "MOST_SERVICES", MOST)
    monkeypatch.setattr(dashboard_picture, "MOST_SERVICES", MOST)
    monkeypatch.setattr(dashboard_picture, "MOST_SHADOWS", MOST)
    monkeypatch.setattr(freshness, "MOST_TOPICS", MOST)
    monkeypatch.setattr(freshness, "MOST_NAMES", MOST)
    monkeypatch.setattr(lease_client, "MOST_WAITING", MOST)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.usefixtures("few")
def test_of_strangers_the_oldest_are_forgotten(name: str, tmp_path: Path) -> None:
    subject = MAKERS[name](tmp_path)
    assert subject.works()
    if isinstance(subject, Logger):
        subject.writer.intake.seen.max_senders = MOST

    for topic, payload in strangers(subject.heard):
        subject.take(topic, payload)

    assert max(kept(subject)) <= (LARGEST, "")
    assert subject.works()


@pytest.mark.parametrize("name", MAKERS)
def test_without_the_bounds_all_strangers_are_kept(name: str, tmp_path: Path) -> None:
    """The negative control: so many are far fewer than the real bounds."""
    subject = MAKERS[name](tmp_path)
    assert subject.works()

    for topic, payload in strangers(subject.heard):
        subject.take(topic, payload)

    assert max(kept(subject)) >= (NAMES, "")
