"""What people type with mosquitto_pub is kept, remembered and answered in words."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.station_bridge.course_station import serving
from unit.station_bridge.running_bridge import RunningBridge, ScriptedScheduler, bridge_on
from unit.station_bridge.station_park import POWER_W, StationPark
from wattbus_contract import topics
from wattbus_contract.control import LeaseAction, LeaseRequest
from wattbus_contract.topics import TopicSpec

EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture
def park() -> StationPark:
    return StationPark("car1")


@pytest.fixture
def bridge(
    broker: BrokerProcess, site: str, tmp_path: Path, park: StationPark
) -> Iterator[RunningBridge]:
    with serving(park.answer) as url, bridge_on(broker, site, tmp_path) as bridge:
        bridge.configure(url, "car1")
        bridge.start()
        bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
        yield bridge


@pytest.fixture
def person(broker: BrokerProcess) -> Iterator[MqttRecorder]:
    with MqttRecorder(broker.host, broker.port, "console", broker.password("console")) as person:
        yield person


def ask(bridge: RunningBridge, person: MqttRecorder, spec: TopicSpec, wish: object) -> str:
    """Send a wish; returns `outcome: text` of its answer."""
    mark = bridge.mark
    ids = {"station": "car1"} if spec.id_names else {}
    person.publish(spec.topic(bridge.site, **ids), wish)
    if ids:
        answer = bridge.wait(topics.RESPONSE, "car1", since=mark)
    else:
        answer = bridge.wait(topics.SITE_RESPONSE, since=mark)
    return f"{answer['outcome']}: {answer['reason']['text']}"


def restart(bridge: RunningBridge) -> int:
    bridge.end(is_kill=True)
    mark = bridge.mark
    bridge.start()
    return mark


def test_a_person_s_limit_of_the_current_is_kept_whatever_is_commanded(
    bridge: RunningBridge, broker: BrokerProcess, person: MqttRecorder, park: StationPark
) -> None:
    answer = ask(bridge, person, topics.GOAL_REQUEST, {"max_current_a": 16})
    assert answer.startswith("accepted: 80 % by Wed 2025-01-15 07:00, at most 16 A")
    assert "needs 32.2 A" in answer
    bridge.wait(topics.GOAL, "car1", max_current_a=16)
    ask(bridge, person, topics.MODE_REQUEST, {"mode": "now"})
    bridge.wait(topics.STATION_STATE, "car1", mode="now", reason__code="max-current")

    mark = restart(bridge)

    bridge.wait(topics.GOAL, "car1", since=mark, max_current_a=16, mode="now")
    bridge.wait(topics.STATION_STATE, "car1", since=mark, reason__code="max-current")
    ask(bridge, person, topics.MODE_REQUEST, {"mode": "smart"})
    scheduler = ScriptedScheduler(bridge, broker)
    try:
        scheduler.acquire()
        result = scheduler.command("car1", POWER_W)
        assert (result["outcome"], result["applied_limit_w"]) == ("applied", 0)
        assert result["reason"]["code"] == "max-current"
        assert park.stations["car1"].limits == []

        answer = ask(bridge, person, topics.GOAL_REQUEST, {"clear": ["max_current_a"]})
        assert answer == "accepted: 80 % by Wed 2025-01-15 07:00"
        wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "the command counts again")
    finally:
        scheduler.session.stop()


def test_a_weekly_plan_moves_on_after_a_departure_and_outlives_a_kill(
    bridge: RunningBridge, person: MqttRecorder, park: StationPark
) -> None:
    leaves_at = (park.at + timedelta(minutes=8)).replace(second=0, microsecond=0)
    local = leaves_at.astimezone(ZoneInfo("Europe/Stockholm"))
    week = {"days": EVERY_DAY, "departure_time": f"{local:%H:%M}", "target_soc_percent": 90}

    answer = ask(bridge, person, topics.GOAL_REQUEST, {"weekly": [week]})

    assert answer.startswith(f"accepted: 90 % by {local:%a %Y-%m-%d %H:%M}; weekly mon tue")
    mark = restart(bridge)
    tomorrow = f"{leaves_at + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    goal = bridge.wait(topics.GOAL, "car1", since=mark, departure_at=tomorrow)
    assert goal["target_soc_percent"] == 90
    assert goal["weekly"][0]["days"] == EVERY_DAY


def test_the_strategy_that_people_chose_is_retained_remembered_and_given_back(
    bridge: RunningBridge, person: MqttRecorder
) -> None:
    assert bridge.wait(topics.STRATEGY)["strategy"] == ""

    answer = ask(bridge, person, topics.STRATEGY_REQUEST, {"strategy": "optimal"})

    assert answer == "accepted: the scheduler is asked for optimal"
    mark = restart(bridge)
    assert bridge.wait(topics.STRATEGY, since=mark)["strategy"] == "optimal"
    mark = bridge.mark
    ask(bridge, person, topics.STRATEGY_REQUEST, {"strategy": ""})
    # A wish that a killed bridge had not acknowledged comes to the next one, and is answered again.
    own = "the scheduler's own setting holds"
    bridge.wait(topics.SITE_RESPONSE, since=mark, outcome="accepted", reason__text=own)
    bridge.wait(topics.STRATEGY, since=mark, strategy="")


@pytest.mark.parametrize(
    ("spec", "wish", "words"),
    [
        (topics.MODE_REQUEST, b"now", 'Such a wish looks like {"mode":"now"}'),
        (topics.MODE_REQUEST, {"mode": "fast"}, "mode: Input should be 'smart', 'now' or 'off'"),
        (topics.GOAL_REQUEST, {"target": 80}, "give at least one of target_soc_percent"),
        (topics.GOAL_REQUEST, {"departure_time": "7"}, "is no local time of day such as 07:00"),
        (topics.STRATEGY_REQUEST, {"strategy": "My Own"}, '{"strategy":"optimal"}'),
    ],
)
def test_a_wish_that_cannot_be_read_is_answered_with_what_is_wrong_and_one_that_can(
    bridge: RunningBridge, person: MqttRecorder, spec: TopicSpec, wish: object, words: str
) -> None:
    answer = ask(bridge, person, spec, wish)

    assert answer.startswith("refused: ")
    assert words in answer


def test_an_acquire_that_is_delivered_twice_is_answered_twice_with_one_epoch(
    bridge: RunningBridge, broker: BrokerProcess
) -> None:
    scheduler = ScriptedScheduler(bridge, broker)
    request = LeaseRequest(action=LeaseAction.ACQUIRE, instance="s1", nonce="the-same")
    try:
        for _ in range(2):
            scheduler.session.publish(topics.LEASE_REQUEST, request)
        topic = topics.LEASE_STATE.topic(bridge.site)

        def answers() -> list[int]:
            heard = [m.json for m in bridge.hears.messages if m.topic == topic]
            return [state["epoch"] for state in heard if state.get("nonce") == "the-same"]

        wait_until(lambda: len(answers()) == 2, "both are answered")
        assert len(set(answers())) == 1
    finally:
        scheduler.session.stop()


def test_a_flood_of_refused_messages_does_not_fill_the_log(
    bridge: RunningBridge, broker: BrokerProcess, person: MqttRecorder
) -> None:
    scheduler = ScriptedScheduler(bridge, broker)
    try:
        for _ in range(50):
            scheduler.session.publish(topics.SET_LIMIT, scheduler.limit(0.0), station="car1")
            person.publish(topics.MODE_REQUEST.topic(bridge.site, station="car1"), b"rubbish")
        assert scheduler.command("car1", 0.0)["outcome"] == "refused"
    finally:
        scheduler.session.stop()

    assert bridge.log().count("limit for car1 refused") == 1
    assert bridge.log().count("ignored: ") == 1
