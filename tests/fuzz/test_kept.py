"""What a service was told before a barrage still holds after it, where nobody has said otherwise.

The barrage is about other stations and, at the bridge, has no wishes. A service that goes deaf, or
that forgets, is found out: those are the negative controls.
"""

from pathlib import Path
from random import Random

import pytest

from fuzz.every_service import MAKERS
from fuzz.mutations import Mutator
from fuzz.test_in_process import STATIONS
from unit.scheduler.scripted_site import SITE
from wattbus_contract.topics import TopicSpec

MESSAGES = 400

each_service = pytest.mark.parametrize("name", MAKERS)


def barrage(specs: tuple[TopicSpec, ...], seed: int) -> list[tuple[str, bytes]]:
    """Return damaged messages, some of them with a NUL."""
    random = Random(seed)
    mutator = Mutator(random)
    chosen = [random.choice(specs) for _ in range(MESSAGES)]
    made = [(mutator.topic(spec, SITE, STATIONS), mutator.payload(spec)) for spec in chosen]
    assert any(b"\0" in payload for _, payload in made)
    return made


@each_service
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_told_before_still_holds(name: str, seed: int, tmp_path: Path) -> None:
    subject = MAKERS[name](tmp_path)
    subject.tell()
    assert subject.knows()

    for topic, payload in barrage(subject.about_others, seed):
        subject.take(topic, payload)

    assert subject.knows()


@each_service
def test_one_that_forgets_at_a_nul_is_found_out(name: str, tmp_path: Path) -> None:
    """The negative control."""
    subject = MAKERS[name](tmp_path)
    subject.tell()
    assert subject.knows()

    for topic, payload in barrage(subject.about_others, 1):
        if b"\0" in payload:
            subject.forget()
        subject.take(topic, payload)

    assert not subject.knows()


@each_service
def test_one_that_goes_deaf_is_found_out(name: str, tmp_path: Path) -> None:
    """The negative control of what each test in this folder ends with: that it does its work."""
    subject = MAKERS[name](tmp_path)
    assert subject.works()

    subject.go_deaf()

    assert not subject.works()
