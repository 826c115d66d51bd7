"""Damaged and extreme messages, fed to the services' own handlers without broker or process."""

import csv
import json
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from fixtures.contract_messages import bodies
from fuzz.effort import explore
from fuzz.identity import identity, takes_away
from fuzz.mutations import FIRST_SENT_AT, FIRST_SEQ, Mutator
from fuzz.subjects import FUSE_W, BridgeSubject, LoggerSubject, SchedulerSubject
from unit.scheduler.scripted_site import SITE
from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import InvalidMessage, decode, encode
from wattbus_contract.examples import IDS
from wattbus_contract.topics import TopicSpec
from wattbus_logger.intake import NOT_RECORDED
from wattbus_logger.rows import COLUMNS
from wattbus_scheduler.shell import CONTROL, FACTS
from wattbus_station_bridge.inbox import HEARD

MESSAGES = 25
STATIONS = ("car1", "car1", "car9")
MAX_MESSAGE_S = 5.0
"""For one message: far above any hiccup of the machine, and a hang all the same."""
OF_THE_LOGGER = tuple(spec for spec in topics.ALL if spec.name not in NOT_RECORDED)

T = TypeVar("T")


def randoms() -> st.SearchStrategy[Random]:
    return st.randoms(use_true_random=False)


def valid_messages(specs: tuple[TopicSpec, ...]) -> st.SearchStrategy[list[tuple[TopicSpec, Body]]]:
    """Messages that the contract accepts, however absurd."""
    one = st.sampled_from(specs).flatmap(lambda spec: st.tuples(st.just(spec), bodies(spec.body)))
    return st.lists(one, min_size=1, max_size=8)


def stamped(number: int, spec: TopicSpec, body: Body) -> tuple[str, bytes]:
    """Topic and payload of a message that is newer than all before it."""
    envelope = Envelope(
        schema_id=spec.schema_id, sent_at=FIRST_SENT_AT, source=spec.publishers[0],
        boot_id="fuzz", seq=FIRST_SEQ + number,
    )  # fmt: skip
    return spec.topic(SITE, **{name: IDS[name] for name in spec.id_names}), encode(body, envelope)


def refusal_of(topic: str, payload: bytes) -> InvalidMessage | None:
    try:
        decode(topic, payload)
    except InvalidMessage as refused:
        return refused
    return None


def timed(action: Callable[[], T]) -> T:
    began_s = time.monotonic()
    result = action()
    assert time.monotonic() - began_s < MAX_MESSAGE_S
    return result


def test_whatever_bytes_come_they_are_a_message_or_refused_with_topic_field_and_reason() -> None:
    def check(spec: TopicSpec, payload: bytes) -> None:
        topic = spec.topic(SITE, **{name: IDS[name] for name in spec.id_names})
        refused = refusal_of(topic, payload)

        assert refused is None or (refused.topic == topic and refused.field and refused.reason)

    explore(check, st.sampled_from(topics.ALL), st.binary(max_size=2000), examples=300)


def test_the_damage_is_real_and_some_of_it_passes() -> None:
    """The negative control of all that follows: mostly refused for many reasons, some accepted."""
    mutator = Mutator(Random(7))

    refusals = [
        refusal_of(mutator.topic(spec, SITE, STATIONS), mutator.payload(spec))
        for spec in topics.ALL * 40
    ]

    assert 0.05 < refusals.count(None) / len(refusals) < 0.5
    assert len({refused.reason[:20] for refused in refusals if refused is not None}) > 20


def test_the_scheduler_survives_damaged_messages_and_still_commands() -> None:
    def check(random: Random) -> None:
        subject, mutator = SchedulerSubject(), Mutator(random)
        for _ in range(MESSAGES):
            spec = random.choice((*FACTS, *FACTS, *CONTROL))
            topic, payload = mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)
            timed(lambda t=topic, p=payload: subject.take(t, p))  # type: ignore[misc]

        assert subject.acts_on_a_wish()

    explore(check, randoms(), examples=40)


def test_the_scheduler_survives_absurd_messages_and_still_commands() -> None:
    def check(messages: list[tuple[TopicSpec, Body]]) -> None:
        subject = SchedulerSubject()
        for number, (spec, body) in enumerate(messages):
            topic, payload = stamped(number, spec, body)
            timed(lambda t=topic, p=payload: subject.take(t, p))  # type: ignore[misc]

        assert subject.acts_on_a_wish()

    explore(check, valid_messages((*FACTS, *CONTROL)), examples=40)


def test_the_bridge_survives_damaged_messages_and_still_obeys(tmp_path_factory: Any) -> None:
    def check(random: Random) -> None:
        subject, mutator = BridgeSubject(tmp_path_factory.mktemp("bridge")), Mutator(random)
        for _ in range(MESSAGES):
            spec = random.choice(HEARD)
            topic, payload = mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)
            is_retained = random.random() < 0.2
            timed(lambda t=topic, p=payload, r=is_retained: subject.take(t, p, is_retained=r))  # type: ignore[misc]
            assert subject.worker.level_w + 1000 <= FUSE_W
            assert subject.alarms.crash is None

        assert subject.acts_on_a_limit()

    explore(check, randoms(), examples=40)


def test_the_bridge_survives_absurd_messages_and_still_obeys(tmp_path_factory: Any) -> None:
    def check(messages: list[tuple[TopicSpec, Body]], is_retained: bool) -> None:
        subject = BridgeSubject(tmp_path_factory.mktemp("bridge"))
        for number, (spec, body) in enumerate(messages):
            topic, payload = stamped(number, spec, body)
            timed(lambda t=topic, p=payload: subject.take(t, p, is_retained=is_retained))  # type: ignore[misc]

        assert subject.acts_on_a_limit()

    explore(check, valid_messages(HEARD), st.booleans(), examples=60)


def written_files(folder: Path) -> dict[str, list[str]]:
    """The logger's files by name, as lines; each must be UTF-8 and end with a newline."""
    found = {}
    for name in ("events.jsonl", "battery_log.csv", "charging_log.txt", "quarantine.jsonl"):
        text = (folder / name).read_bytes().decode()
        assert not text or text.endswith("\n")
        found[name] = text.split("\n")[:-1]
    return found


def check_logger(subject: LoggerSubject, messages: list[tuple[str, bytes]]) -> None:
    """Each message is an event or in quarantine, and every line of every file can be read."""
    for message in messages:
        timed(lambda m=message: subject.take(m))  # type: ignore[misc]
    refusals = [refusal_of(topic, payload) for topic, payload in messages]

    files = written_files(subject.folder)
    events = [json.loads(line) for line in files["events.jsonl"]]
    quarantined = [json.loads(line) for line in files["quarantine.jsonl"]]
    told = [(line["topic"], line["field"], line["reason"]) for line in quarantined]
    assert len(events) + len(quarantined) == len(messages)
    assert {(no.topic, no.field, no.reason) for no in refusals if no is not None} <= set(told)
    assert all(topic and field and reason for topic, field, reason in told)
    rows = list(csv.reader(StringIO("\n".join(files["battery_log.csv"]))))
    assert {len(row) for row in rows} <= {len(COLUMNS)}
    meters = [
        event
        for event in events
        if event["topic"].endswith("/meter") and "station" in event["topic"]
    ]
    assert len(rows) - 1 == len(meters)
    subject.restart()
    assert written_files(subject.folder)["events.jsonl"] == files["events.jsonl"]


def test_the_logger_keeps_every_damaged_message_or_says_what_is_wrong(
    tmp_path_factory: Any,
) -> None:
    def check(random: Random) -> None:
        subject, mutator = LoggerSubject(tmp_path_factory.mktemp("logger")), Mutator(random)
        specs = [random.choice(OF_THE_LOGGER) for _ in range(MESSAGES)]
        made = [(mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)) for spec in specs]
        # One message is written once, whatever it holds; those that repeat another are left out.
        unlike = {identity(t, p): (t, p) for t, p in made if not takes_away(t, p)}
        check_logger(subject, list(unlike.values()))

    explore(check, randoms(), examples=25)


def test_the_logger_keeps_every_absurd_message(tmp_path_factory: Any) -> None:
    def check(messages: list[tuple[TopicSpec, Body]]) -> None:
        subject = LoggerSubject(tmp_path_factory.mktemp("logger"))
        check_logger(subject, [stamped(n, spec, body) for n, (spec, body) in enumerate(messages)])

    explore(check, valid_messages(OF_THE_LOGGER), examples=40)
