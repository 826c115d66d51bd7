import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.station_bridge.course_station import serving
from unit.station_bridge.running_bridge import RunningBridge, ScriptedScheduler, bridge_on
from unit.station_bridge.station_park import POWER_W, StationPark
from wattbus_contract import topics
from wattbus_contract.base import Envelope
from wattbus_contract.codec import encode
from wattbus_contract.control import LeaseAction


@pytest.fixture
def park() -> StationPark:
    return StationPark("car1", "car2")


@pytest.fixture
def url(park: StationPark) -> Iterator[str]:
    with serving(park.answer) as url:
        yield url
        for station in park.stations.values():
            station.is_free.set()


@pytest.fixture
def bridge(broker: BrokerProcess, site: str, tmp_path: Path, url: str) -> Iterator[RunningBridge]:
    """A bridge for both stations, not yet started."""
    with bridge_on(broker, site, tmp_path) as bridge:
        bridge.configure(url, "car1", "car2")
        yield bridge


@pytest.fixture
def scheduler(bridge: RunningBridge, broker: BrokerProcess) -> Iterator[ScriptedScheduler]:
    scripted = ScriptedScheduler(bridge, broker)
    yield scripted
    scripted.session.stop()


def person(broker: BrokerProcess) -> MqttRecorder:
    return MqttRecorder(broker.host, broker.port, "console", broker.password("console"))


def test_all_facts_of_a_site_are_published(bridge: RunningBridge) -> None:
    bridge.start()

    info = bridge.wait(topics.SITE_INFO)
    assert (info["time_scale"], info["max_power_w"]) == (60.0, 11_000)
    assert bridge.wait(topics.STATION_INFO, "car1")["control"] == "switch"
    assert bridge.wait(topics.PRICE)["slots"][0]["price_per_kwh"] == 0.5
    assert bridge.wait(topics.BASE_LOAD)["slots"][0]["power_w"] == 1000
    assert bridge.wait(topics.GOAL, "car1")["departure_at"] == "2025-01-15T06:00:00Z"
    meter = bridge.wait(topics.METER, "car2", price_per_kwh=0.5)
    assert (meter["house_load_w"], meter["soc_percent"]) == (1000, 50)
    assert bridge.wait(topics.HOUSEHOLD_METER)["house_load_w"] == 1000
    first_state = bridge.wait(topics.STATION_STATE, "car1")
    assert (first_state["is_reachable"], first_state["is_failsafe"]) == (True, True)


def test_a_limit_of_the_holder_is_applied_and_answered(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)

    result = scheduler.command("car1", POWER_W)

    assert (result["outcome"], result["applied_limit_w"]) == ("applied", POWER_W)
    assert park.stations["car1"].limits == [POWER_W]
    bridge.wait(topics.STATION_EVENT, "car1", kind="failsafe-left")
    bridge.wait(topics.STATION_STATE, "car1", offered_limit_w=POWER_W, is_failsafe=False)
    bridge.wait(topics.METER, "car1", power_active_import_w=POWER_W)


def test_a_repeated_limit_is_answered_without_another_order(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)

    for _ in range(3):
        assert scheduler.command("car1", POWER_W)["outcome"] == "applied"

    assert park.stations["car1"].limits == [POWER_W]


def test_each_refused_limit_is_answered_with_the_reason(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    epoch = scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    assert scheduler.command("car1", 0.0)["outcome"] == "applied"

    def refusal(**others: object) -> str:
        result = scheduler.command(**{"station": "car1", "limit_w": POWER_W, **others})  # type: ignore[arg-type]
        assert result["outcome"] == "refused"
        return str(result["reason"]["code"])

    assert refusal(epoch=epoch - 1) == "wrong-epoch"
    assert refusal(epoch=epoch + 1) == "wrong-epoch"
    assert refusal(instance="s2") == "not-holder"
    assert refusal(station="car9") == "unknown-station"
    assert refusal(valid_for_s=1e-9) == "expired"

    old = Envelope.model_validate(
        {
            "schema": "limit/1", "sent_at": "2025-01-01T00:00:00Z", "source": "scheduler",
            "boot_id": scheduler.session.boot_id, "seq": 1,
        },
        strict=False,
    )  # fmt: skip
    topic = topics.SET_LIMIT.topic(bridge.site, station="car1")
    scheduler.session.send(topic, encode(scheduler.limit(POWER_W), old))
    assert scheduler.answer_to("car1", 1)["reason"]["code"] == "old-seq"

    scheduler.request(LeaseAction.RELEASE)
    bridge.wait(topics.LEASE_STATE, epoch=epoch, holder=None)
    assert refusal() == "not-holder"
    assert POWER_W not in park.stations["car1"].limits


def test_a_retained_limit_is_refused(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    _, payload = scheduler.session.stamp(topics.SET_LIMIT, scheduler.limit(POWER_W, epoch=1))
    topic = topics.SET_LIMIT.topic(bridge.site, station="car1")
    scheduler.session.send(topic, payload, is_retained=True)
    bridge.wait(topics.SET_LIMIT, "car1")

    bridge.start()

    assert bridge.wait(topics.LIMIT_RESULT, "car1")["reason"]["code"] == "retained"
    assert park.stations["car1"].limits == []
    scheduler.session.send(topic, b"", is_retained=True)


def test_without_a_new_limit_the_fail_safe_comes_and_a_limit_ends_it(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark, url: str
) -> None:
    bridge.configure(url, "car1", "car2", failsafe_after_s=0.6)
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    assert scheduler.command("car1", POWER_W)["outcome"] == "applied"
    applied_s, mark = time.monotonic(), bridge.mark

    bridge.wait(topics.STATION_EVENT, "car1", since=mark, kind="failsafe-entered")

    assert time.monotonic() - applied_s >= 0.4
    wait_until(lambda: park.stations["car1"].limit_w == 0, "the station goes to its fail-safe")
    assert scheduler.command("car1", POWER_W)["outcome"] == "applied"
    bridge.wait(topics.STATION_EVENT, "car1", since=mark, kind="failsafe-left")
    assert park.stations["car1"].limits[:3] == [POWER_W, 0, POWER_W]


def test_the_fuse_holds_whatever_is_commanded(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    for station in ("car1", "car2"):
        bridge.wait(topics.STATION_STATE, station, is_reachable=True)

    assert scheduler.command("car1", POWER_W)["applied_limit_w"] == POWER_W
    second = scheduler.command("car2", POWER_W)

    assert (second["outcome"], second["applied_limit_w"]) == ("applied", 0)
    assert second["reason"]["code"] == "guard"
    bridge.wait(topics.STATION_STATE, "car2", is_guarded=True)
    assert park.worst_w <= 11_000


def test_power_moves_from_one_station_to_the_other_without_exceeding_the_fuse(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    for station in ("car1", "car2"):
        bridge.wait(topics.STATION_STATE, station, is_reachable=True)
    scheduler.command("car1", POWER_W)

    for _ in range(5):
        assert scheduler.command("car1", 0.0)["outcome"] == "applied"
        assert scheduler.command("car2", POWER_W)["applied_limit_w"] == POWER_W
        assert scheduler.command("car2", 0.0)["outcome"] == "applied"
        assert scheduler.command("car1", POWER_W)["applied_limit_w"] == POWER_W

    assert park.worst_w <= 11_000


def test_a_rise_of_the_house_load_lowers_a_station_and_says_so(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    scheduler.command("car1", POWER_W)

    park.house_w = 9000.0
    polls = park.stations["car1"].polls
    wait_until(lambda: park.stations["car1"].limit_w == 0, "the guard lowers")

    # The poll that saw it, the one after the order, and some that were under way.
    assert park.stations["car1"].polls - polls <= 4
    bridge.wait(topics.STATION_EVENT, "car1", kind="guard-entered")
    bridge.wait(topics.STATION_STATE, "car1", is_guarded=True)
    park.house_w = 1000.0
    bridge.wait(topics.STATION_EVENT, "car1", kind="guard-left")
    wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "the guard lets it rise again")


def test_one_hanging_station_does_not_delay_another(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    for station in ("car1", "car2"):
        bridge.wait(topics.STATION_STATE, station, is_reachable=True)
    park.stations["car1"].is_free.clear()
    wait_until(_stands_still(park), "car1 hangs")

    polls, mark = park.stations["car2"].polls, bridge.mark
    result = scheduler.command("car2", POWER_W)
    wait_until(lambda: park.stations["car2"].polls >= polls + 15, "car2 is polled on")

    assert result["outcome"] == "applied"
    assert not bridge.all(topics.METER, "car1", since=mark)
    assert len(bridge.all(topics.METER, "car2", since=mark)) >= 10


def _stands_still(park: StationPark) -> object:
    seen = {"polls": -1, "since": time.monotonic()}

    def stands_still() -> bool:
        polls = park.stations["car1"].polls
        if polls != seen["polls"]:
            seen.update(polls=polls, since=time.monotonic())
        return time.monotonic() - seen["since"] > 0.3

    return stands_still


def test_a_lost_station_is_told_once_and_welcomed_back(
    bridge: RunningBridge, park: StationPark
) -> None:
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)

    park.stations["car1"].fault = (500, "text/html", b"<h1>Internal Server Error</h1>")
    bridge.wait(topics.STATION_EVENT, "car1", kind="station-lost")
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=False, connector_status="Unavailable")
    polls = park.stations["car1"].polls
    wait_until(lambda: park.stations["car1"].polls >= polls + 3, "it is asked again")
    park.stations["car1"].fault = None

    bridge.wait(topics.STATION_EVENT, "car1", kind="station-back")
    kinds = [event["kind"] for event in bridge.all(topics.STATION_EVENT, "car1")]
    assert kinds.count("station-lost") == 1
    assert bridge.log().count("station car1 is lost") == 1


def test_a_station_that_forgot_its_limit_is_told_again(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    # Else the first order might come later, and be taken for the second.
    assert scheduler.command("car1", POWER_W)["outcome"] == "applied"
    assert park.stations["car1"].limit_w == POWER_W

    park.stations["car1"].limit_w = 0.0

    wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "it is told again")


def test_a_station_with_a_will_of_its_own_is_not_hammered(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    park.stations["car1"].refuses_limits = True

    result = scheduler.command("car1", POWER_W)
    assert result["outcome"] == "failed"
    bridge.wait(topics.STATION_STATE, "car1", reason__code="not-applied")
    park.stations["car1"].refuses_limits = False

    wait_until(lambda: park.stations["car1"].limits == [POWER_W], "it is told when it listens")


def test_what_was_commanded_before_a_reset_of_the_clock_holds_no_longer(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    scheduler.command("car1", POWER_W)

    park.restart_clock()
    bridge.wait(topics.STATION_EVENT, "car1", kind="clock-reset")
    bridge.wait(topics.STATION_STATE, "car1", is_failsafe=True, offered_limit_w=0)

    assert park.stations["car1"].limits == [POWER_W]


def test_modes_and_goals_are_answered_and_outlive_a_kill(
    bridge: RunningBridge, broker: BrokerProcess, park: StationPark
) -> None:
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    with person(broker) as somebody:
        for kind, wish in (
            ("mode", {"mode": "now"}),
            ("goal", {"target_soc_percent": 95}),
            ("mode", {"mode": "x"}),
            ("goal", {"departure_at": "2020-01-01T00:00:00Z"}),
        ):
            spec = topics.MODE_REQUEST if kind == "mode" else topics.GOAL_REQUEST
            somebody.publish(spec.topic(bridge.site, station="car1"), wish)
        somebody.publish(topics.MODE_REQUEST.topic(bridge.site, station="car9"), {"mode": "off"})

    bridge.wait(topics.RESPONSE, "car1", request="mode", outcome="accepted")
    bridge.wait(topics.RESPONSE, "car1", request="goal", outcome="accepted")
    bridge.wait(topics.RESPONSE, "car1", request="goal", outcome="refused")
    bridge.wait(topics.RESPONSE, "car9", outcome="refused", reason__code="unknown-station")
    bridge.wait(topics.STATION_STATE, "car1", mode="now", is_failsafe=False)
    wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "mode now charges by itself")

    bridge.end(is_kill=True)
    park.stations["car1"].limit_w = 0.0
    mark = bridge.mark
    bridge.start()

    goal = bridge.wait(topics.GOAL, "car1", since=mark)
    assert (goal["mode"], goal["target_soc_percent"]) == ("now", 95)
    wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "mode now is remembered")


def test_mode_now_ends_at_the_target_and_mode_off_at_once(
    bridge: RunningBridge, broker: BrokerProcess, park: StationPark
) -> None:
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    topic = topics.MODE_REQUEST.topic(bridge.site, station="car1")
    with person(broker) as somebody:
        somebody.publish(topic, {"mode": "now"})
        wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "it charges")
        park.stations["car1"].soc_percent = 80.0
        wait_until(lambda: park.stations["car1"].limit_w == 0, "it stops at the target")
        bridge.wait(topics.STATION_EVENT, "car1", kind="target-reached")
        park.stations["car1"].soc_percent = 60.0
        wait_until(lambda: park.stations["car1"].limit_w == POWER_W, "it charges again")
        somebody.publish(topic, {"mode": "off"})
        wait_until(lambda: park.stations["car1"].limit_w == 0, "it is off")


def test_each_start_begins_a_new_epoch_and_fences_the_one_before(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    first = scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    scheduler.command("car1", 0.0)

    bridge.end(is_kill=True)
    mark = bridge.mark
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car1", since=mark, is_reachable=True)

    assert bridge.wait(topics.LEASE_STATE, since=mark, holder=None)["epoch"] == first + 1
    result = scheduler.command("car1", POWER_W)
    assert result["reason"]["code"] == "wrong-epoch"
    assert scheduler.acquire() == first + 2
    assert scheduler.command("car1", POWER_W)["outcome"] == "applied"


def test_a_lost_state_folder_does_not_bring_an_old_epoch_back(bridge: RunningBridge) -> None:
    bridge.start()
    first = bridge.wait(topics.LEASE_STATE)["epoch"]
    bridge.end(is_kill=True)
    shutil.rmtree(bridge.folder / "state")
    mark = bridge.mark

    bridge.start()

    bridge.wait(topics.LEASE_STATE, since=mark, epoch=first + 1)


def test_a_lease_is_handed_over_under_a_new_epoch(
    bridge: RunningBridge, broker: BrokerProcess, scheduler: ScriptedScheduler
) -> None:
    bridge.start()
    epoch = scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)

    scheduler.request(LeaseAction.HANDOVER, successor="s2")

    bridge.wait(topics.LEASE_STATE, epoch=epoch + 1, holder="s2")
    assert scheduler.command("car1", POWER_W)["reason"]["code"] == "wrong-epoch"


def test_a_second_bridge_for_the_same_state_refuses_to_start(bridge: RunningBridge) -> None:
    first = bridge.start()

    second = bridge.spawn()

    assert second.wait(60) == 1
    assert f"another station-bridge (process {first.pid})" in bridge.log()


def test_topics_of_stations_that_are_gone_are_cleared(
    bridge: RunningBridge, broker: BrokerProcess, url: str
) -> None:
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car2", is_reachable=True)
    bridge.wait(topics.GOAL, "car2")
    bridge.end()
    bridge.configure(url, "car1")
    mark = bridge.mark

    bridge.start()

    for spec in (topics.STATION_INFO, topics.STATION_STATE, topics.GOAL):
        topic = spec.topic(bridge.site, station="car2")
        bridge.hears.wait_for(lambda m, t=topic: m.topic == t and not m.payload, since=mark)
    with MqttRecorder(broker.host, broker.port, "viewer", broker.password("viewer")) as late:
        late.subscribe(topics.everything(bridge.site))
        kept = {m.topic for m in late.settle().messages if m.retain}
    assert not [topic for topic in kept if "/car2/" in topic]
    assert [topic for topic in kept if "/car1/" in topic]


def test_rubbish_on_its_topics_is_survived(
    bridge: RunningBridge, broker: BrokerProcess, scheduler: ScriptedScheduler
) -> None:
    bridge.start()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    bad = [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"mode": 7}', b"[" * 50_000, b"x" * 100_000]
    with person(broker) as somebody:
        for payload in bad:
            somebody.publish(topics.MODE_REQUEST.topic(bridge.site, station="car1"), payload)
            scheduler.session.send(topics.SET_LIMIT.topic(bridge.site, station="car1"), payload)
            scheduler.session.send(topics.LEASE_REQUEST.topic(bridge.site), payload)

    scheduler.acquire()

    assert scheduler.command("car1", POWER_W)["outcome"] == "applied"


def test_it_ends_on_sigterm_says_so_and_leaves_the_limit(
    bridge: RunningBridge, scheduler: ScriptedScheduler, park: StationPark
) -> None:
    bridge.start()
    scheduler.acquire()
    bridge.wait(topics.STATION_STATE, "car1", is_reachable=True)
    scheduler.command("car1", POWER_W)

    assert bridge.end() == 0

    assert park.stations["car1"].limit_w == POWER_W
    bridge.hears.wait_for(
        lambda m: "service/station-bridge" in m.topic and m.json["status"] == "down"
    )


def test_facts_are_published_again_after_the_broker_has_lost_them(
    own_broker: BrokerProcess, site: str, tmp_path: Path, url: str
) -> None:
    with bridge_on(own_broker, site, tmp_path) as bridge:
        bridge.configure(url, "car1", "car2")
        bridge.start()
        bridge.wait(topics.PRICE)
        own_broker.kill()
        for path in (own_broker.folder / "data").glob("*.db"):
            path.unlink()
        mark = bridge.mark

        own_broker.start()

        for spec in (topics.SITE_INFO, topics.PRICE, topics.BASE_LOAD, topics.LEASE_STATE):
            bridge.wait(spec, since=mark)
        for spec in (topics.STATION_INFO, topics.STATION_STATE, topics.GOAL):
            bridge.wait(spec, "car2", since=mark)
