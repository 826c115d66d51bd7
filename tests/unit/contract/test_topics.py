"""Topics name what they carry, and nothing else is taken for one."""

import re
from itertools import combinations

import pytest

from fixtures.contract_messages import SPECS
from wattbus_contract import examples, topics
from wattbus_contract.topics import TopicSpec


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
def test_a_topic_is_parsed_as_it_was_made(spec: TopicSpec) -> None:
    parsed = topics.parse(examples.example_topic(spec))

    assert parsed is not None
    assert parsed.spec is spec
    assert parsed.site == examples.SITE
    assert parsed.ids == {name: examples.IDS[name] for name in spec.id_names}


def test_no_topic_is_of_two_kinds() -> None:
    for one, other in combinations(topics.ALL, 2):
        assert not one.expression.fullmatch(examples.example_topic(other)), (one.name, other.name)
    assert len({spec.name for spec in topics.ALL}) == len(topics.ALL)


def test_every_kind_has_an_example() -> None:
    assert set(examples.EXAMPLES) == set(topics.ALL)


@pytest.mark.parametrize("bad", ["", "A", "a/b", "a.b", "+", "#", "a\n", "a" * 33, "ä", "a b"])
def test_an_id_that_is_none_makes_no_topic(bad: str) -> None:
    with pytest.raises(ValueError, match="station id"):
        topics.METER.topic("home", station=bad)
    with pytest.raises(ValueError, match="site id"):
        topics.METER.topic(bad, station="car1")


def test_a_missing_id_makes_no_topic() -> None:
    with pytest.raises(KeyError):
        topics.METER.topic("home")


@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
def test_a_filter_covers_the_topics_of_its_kind(spec: TopicSpec) -> None:
    expression = re.escape(spec.filter(examples.SITE)).replace(r"\+", "[^/]+")

    covered = {s.name for s in topics.ALL if re.fullmatch(expression, examples.example_topic(s))}

    assert covered == {spec.name}
    assert examples.example_topic(spec).startswith(topics.everything(examples.SITE)[:-1])


def test_commands_expire_and_are_never_retained() -> None:
    for name in ("set-limit", "lease-request", "mode-request", "goal-request", "strategy-request"):
        assert not SPECS[name].is_retained
        assert SPECS[name].expiry_of(examples.EXAMPLES[SPECS[name]]) is not None
    assert topics.SET_LIMIT.expiry_of(examples.EXAMPLES[topics.SET_LIMIT]) == 60.0


def test_rows_of_the_logger_never_expire() -> None:
    for spec in (topics.METER, topics.STATION_EVENT, topics.LOG_CONFIRMED):
        assert spec.expiry_of(examples.EXAMPLES[spec]) is None
