"""Damaged and extreme messages, fed to dashboard, Home Assistant's announcer, notifier, console."""

from collections.abc import Callable
from random import Random
from typing import Any, Protocol

import pytest
from hypothesis import strategies as st

from fuzz.effort import explore
from fuzz.listeners import (
    ConsoleSubject,
    DashboardSubject,
    HomeAssistantSubject,
    NotifierSubject,
)
from fuzz.mutations import Mutator
from fuzz.test_in_process import (
    MESSAGES,
    STATIONS,
    randoms,
    refusal_of,
    stamped,
    timed,
    valid_messages,
)
from unit.scheduler.scripted_site import SITE
from wattbus_contract import topics
from wattbus_contract.base import Body
from wattbus_contract.examples import IDS
from wattbus_contract.topics import TopicSpec
from wattbus_homeassistant.discovery import BIRTH_TOPIC
from wattbus_notifier.shell import HEARD

OF_HOME_ASSISTANT = (topics.SITE_INFO, topics.STATION_INFO, topics.PLAN, topics.SERVICE_STATUS)
OF_NOTIFIER = (*HEARD, topics.SERVICE_STATUS)
OWN_TOPICS = (
    BIRTH_TOPIC, f"homeassistant/device/wattbus_{SITE}/config",
    f"homeassistant/device/wattbus_{SITE}_car1/config",
    f"homeassistant/device/wattbus_{SITE}_gone/config", "homeassistant/device/other/config",
)  # fmt: skip


class Listener(Protocol):
    def take(self, topic: str, payload: bytes) -> None: ...


class Kind:
    """How to make a listener, what it hears, and what tells that it still works."""

    def __init__(
        self, make: Callable[..., Any], specs: tuple[TopicSpec, ...], works: Callable[[Any], bool],
        *, needs_folder: bool = False, examples: int = 15,
    ) -> None:  # fmt: skip
        self._make = make
        self._needs_folder = needs_folder
        self.specs = specs
        self.works = works
        self.examples = examples

    def listener(self, factory: pytest.TempPathFactory) -> Any:
        return self._make(factory.mktemp("listener")) if self._needs_folder else self._make()


KINDS = {
    "dashboard": Kind(DashboardSubject, topics.ALL, DashboardSubject.shows_what_is_so),
    "homeassistant": Kind(
        HomeAssistantSubject, OF_HOME_ASSISTANT, HomeAssistantSubject.announces_what_is_so
    ),
    "notifier": Kind(
        NotifierSubject, OF_NOTIFIER, NotifierSubject.tells_what_is_so, needs_folder=True
    ),
    "console": Kind(
        # Every message is drawn twice.
        ConsoleSubject,
        topics.ALL,
        ConsoleSubject.shows_what_is_so,
        examples=7,
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@each_kind
def test_it_survives_damaged_messages_and_still_works(
    kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def check(random: Random) -> None:
        listener, mutator = kind.listener(tmp_path_factory), Mutator(random)
        assert kind.works(listener)
        for _ in range(MESSAGES):
            spec = random.choice(kind.specs)
            topic, payload = mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)
            timed(lambda t=topic, p=payload: listener.take(t, p))  # type: ignore[misc]

        assert kind.works(listener)

    explore(check, randoms(), examples=kind.examples)


@each_kind
def test_it_survives_absurd_messages_and_still_works(
    kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def check(messages: list[tuple[TopicSpec, Body]]) -> None:
        listener = kind.listener(tmp_path_factory)
        assert kind.works(listener)
        for number, (spec, body) in enumerate(messages):
            topic, payload = stamped(number, spec, body)
            timed(lambda t=topic, p=payload: listener.take(t, p))  # type: ignore[misc]

        assert kind.works(listener)

    explore(check, valid_messages(kind.specs), examples=2 * kind.examples)


@each_kind
def test_it_survives_any_bytes_and_still_works(
    kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def check(drawn: list[tuple[TopicSpec, bytes]]) -> None:
        listener = kind.listener(tmp_path_factory)
        for spec, payload in drawn:
            topic = spec.topic(SITE, **{name: IDS[name] for name in spec.id_names})
            timed(lambda t=topic, p=payload: listener.take(t, p))  # type: ignore[misc]

        assert kind.works(listener)

    messages = st.lists(st.tuples(st.sampled_from(kind.specs), st.binary(max_size=500)), max_size=5)
    explore(check, messages, examples=10)


def test_what_home_assistant_says_changes_no_announcement() -> None:
    """Neither words on its birth's topic nor others' messages where ours are; removals neither."""

    def check(said: list[tuple[str, bytes]], is_retained: bool) -> None:
        listener = HomeAssistantSubject()
        assert listener.announces_what_is_so()
        devices = listener.devices
        for topic, payload in said:
            timed(lambda t=topic, p=payload: listener.take(t, p, is_retained=is_retained))  # type: ignore[misc]

        assert listener.devices == devices
        assert listener.announces_what_is_so()

    words = st.one_of(
        st.binary(max_size=50), st.sampled_from((b"online", b"offline", b"", b"ONLINE", b"{}"))
    )
    explore(
        check,
        st.lists(st.tuples(st.sampled_from(OWN_TOPICS), words), max_size=6),
        st.booleans(),
        examples=30,
    )


def test_a_message_that_is_refused_announces_and_tells_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def check(random: Random) -> None:
        home, mutator = HomeAssistantSubject(), Mutator(random)
        notifier = NotifierSubject(tmp_path_factory.mktemp("notifier"))
        assert home.announces_what_is_so()
        assert notifier.tells_what_is_so()
        announced, told = len(home.session.said), len(notifier.letters.titles)
        for _ in range(MESSAGES):
            spec = random.choice(OF_NOTIFIER)
            topic, payload = mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)
            if refusal_of(topic, payload) is not None:
                home.take(topic, payload)
                notifier.take(topic, payload)
        notifier.rest()

        assert len(home.session.said) == announced
        assert len(notifier.letters.titles) == told

    explore(check, randoms(), examples=10)
