"""Each user may write and read exactly what the contract gives it, on the real broker."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.mqtt_recorder import MqttRecorder
from wattbus_contract import topics
from wattbus_contract.topics import TopicSpec

Connect = Callable[..., MqttRecorder]

ACL = Path(__file__).resolve().parents[2] / "broker" / "acl"
USERS = re.findall(r"^user +(\S+)", ACL.read_text(), re.MULTILINE)
READ_ALL = (
    "station-bridge",
    "scheduler",
    "logger",
    "dashboard",
    "console",
    "homeassistant",
    "notifier",
    "viewer",
)
DROPPED = "$SYS/broker/publish/messages/dropped"
VERSION = "$SYS/broker/version"


def topic_of(spec: TopicSpec, site: str, user: str, client_id: str) -> str:
    ids = {"station": "car1", "client": client_id, "user": user}
    wanted = re.findall(r"\{(\w+)\}", spec.pattern)
    return spec.topic(site, **{name: ids[name] for name in wanted})


def is_authorized(client: MqttRecorder, topic: str) -> bool:
    answer = client.publish(topic, b"{}")
    if answer.is_failure:
        assert answer.getName() == "Not authorized"
    return not answer.is_failure


def test_the_access_list_names_every_user_once() -> None:
    assert len(USERS) == len(set(USERS))
    assert set(topics.EVERY_SERVICE) | set(topics.PEOPLE) | {"viewer", "healthcheck"} == set(USERS)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("spec", topics.ALL, ids=lambda spec: spec.name)
def test_only_the_publishers_of_the_contract_may_write(
    mqtt_recorder: Connect, site: str, user: str, spec: TopicSpec
) -> None:
    client = mqtt_recorder(user)

    answer = is_authorized(client, topic_of(spec, site, user, client.client_id))

    assert answer is (user in spec.publishers)


@pytest.mark.parametrize("user", USERS)
def test_nobody_may_write_outside_the_contract(
    mqtt_recorder: Connect, site: str, user: str
) -> None:
    client = mqtt_recorder(user)
    root = f"{topics.ROOT}/{site}"

    written = [
        topic
        for topic in (
            "wattbus/v2/home/plan",
            *(() if user == "homeassistant" else ("homeassistant/status",)),
            "anything",
            f"{root}/unknown",
            f"{root}/station/car1/limit/set/extra",
            f"{root}/service/{user}/{client.client_id}/status/extra",
            DROPPED,
        )
        if is_authorized(client, topic)
    ]

    assert written == []


@pytest.mark.parametrize("user", topics.EVERY_SERVICE)
def test_a_status_can_be_written_only_for_oneself(
    mqtt_recorder: Connect, site: str, user: str
) -> None:
    client = mqtt_recorder(user)
    other_user = next(name for name in topics.EVERY_SERVICE if name != user)

    foreign = [
        topics.SERVICE_STATUS.topic(site, user=other_user, client=client.client_id),
        topics.SERVICE_STATUS.topic(site, user=user, client="somebody-else"),
    ]

    assert [topic for topic in foreign if is_authorized(client, topic)] == []


@pytest.mark.parametrize("user", USERS)
def test_each_user_reads_what_it_needs_and_no_more(
    mqtt_recorder: Connect, site: str, user: str
) -> None:
    """A forbidden subscription is granted and stays silent: only delivery tells."""
    reader = mqtt_recorder(user, f"{topics.ROOT}/{site}/#")
    bridge, logger = mqtt_recorder("station-bridge"), mqtt_recorder("logger")
    info, price = topics.SITE_INFO.topic(site), topics.PRICE.topic(site)
    state, confirmed = (
        topics.STATION_STATE.topic(site, station="car1"),
        topics.LOG_CONFIRMED.topic(site),
    )
    allowed = {
        "price-feed": {info, price},
        "healthcheck": set(),
    }.get(user, {info, price, state, confirmed})

    for topic in (info, price, state):
        assert is_authorized(bridge, topic)
    assert is_authorized(logger, confirmed)

    assert {m.topic for m in reader.settle().messages} == allowed


@pytest.mark.parametrize("user", USERS)
def test_who_may_watch_the_broker_itself(mqtt_recorder: Connect, user: str) -> None:
    reader = mqtt_recorder(user, "$SYS/broker/#")

    seen = {m.topic for m in reader.settle().messages}

    assert seen == (
        {VERSION} if user == "healthcheck" else {DROPPED} if user in topics.EVERY_SERVICE else set()
    )


def test_read_all_lists_who_sees_every_message(mqtt_recorder: Connect, site: str) -> None:
    readers = {user: mqtt_recorder(user, "#") for user in READ_ALL}
    scheduler = mqtt_recorder("scheduler")
    command = topics.SET_LIMIT.topic(site, station="car1")

    scheduler.publish(command, b"{}")

    for reader in readers.values():
        reader.wait_for(lambda m: m.topic == command)
