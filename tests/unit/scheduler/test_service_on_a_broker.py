"""The scheduler process on a real broker, with a scripted bridge as its partner."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from unit.scheduler.scripted_bridge import ScriptedBridge
from unit.scheduler.scripted_site import STATION
from wattbus_contract import facts, topics
from wattbus_contract.control import LeaseAction, LeaseState
from wattbus_contract.requests import StrategyWish
from wattbus_scheduler.replay import replay
from wattbus_scheduler.settings import SchedulerSettings

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def bridge(broker: BrokerProcess, site: str) -> Iterator[ScriptedBridge]:
    with ScriptedBridge(broker, site) as scripted:
        yield scripted


@pytest.fixture
def start(broker: BrokerProcess, site: str, tmp_path: Path) -> Iterator[Start]:
    """A function that starts `wattbus-scheduler`; what still runs at the end is killed."""
    with ExitStack() as running:

        def begin(client_id: str = "scheduler", **settings: str) -> subprocess.Popen[bytes]:
            name = f"{client_id}-{site}"[:32]
            log = running.enter_context((tmp_path / f"{client_id}.log").open("ab"))
            process = subprocess.Popen(
                [sys.executable, "-m", "wattbus_scheduler.main"],
                env={
                    **os.environ,
                    "WATTBUS_SITE": site,
                    "WATTBUS_MQTT_HOST": broker.host,
                    "WATTBUS_MQTT_PORT": str(broker.port),
                    "WATTBUS_MQTT_PASSWORD_FILE": str(broker.password_file("scheduler")),
                    "WATTBUS_MQTT_CLIENT_ID": name,
                    "WATTBUS_HEALTH_FILE": str(tmp_path / f"{client_id}.health"),
                    "WATTBUS_SCHEDULER_REFRESH_S": "0.5",
                    "WATTBUS_SCHEDULER_VALID_FOR_S": "5",
                    **settings,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            running.callback(end, process)
            return process

        yield begin


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


def decide_at_midnight(bridge: ScriptedBridge) -> None:
    """Let the first decision fall at the start of the day, however long the process took to start.

    From then on time stands still until a test lets it pass.
    """
    bridge.is_time_passing = False
    bridge.pump(lambda: bool(bridge.requests))
    bridge.session.publish(topics.METER, bridge.site.reading(), station=STATION)
    bridge.pump(lambda: bool(bridge.plans and bridge.limits))


def test_it_takes_the_lease_plans_commands_and_releases_when_it_is_told_to_end(
    bridge: ScriptedBridge, start: Start, tmp_path: Path, mqtt_recorder: Callable[..., MqttRecorder]
) -> None:
    everything: MqttRecorder = mqtt_recorder("logger", topics.everything(bridge.site_id))
    process = start()

    decide_at_midnight(bridge)
    _, _, limit = bridge.limits[0]
    assert limit.epoch == 2
    assert limit.limit_w == 0
    assert limit.reason.code == "waiting-cheaper"
    assert limit.valid_for_s == 5
    assert limit.caused_by is not None
    assert limit.caused_by.boot_id == bridge.session.boot_id
    assert bridge.plans[0].expected_cost == pytest.approx(13.73, rel=0.02)
    bridge.is_time_passing = True
    bridge.pump(lambda: bridge.limits[-1][2].limit_w == 7400)
    decided_at = bridge.limits[-1][2].decided_at
    assert decided_at is not None
    assert decided_at.hour in {1, 2}

    process.send_signal(signal.SIGTERM)
    bridge.pump(lambda: bridge.lease is not None and bridge.lease.holder is None)
    assert process.wait(30) == 0
    assert bridge.requests[-1].action is LeaseAction.RELEASE
    status, printed = _replayed(everything, tmp_path)
    assert status == 0, printed
    assert int(printed.split(": ")[1].split()[0]) >= 3


def _replayed(recorder: MqttRecorder, tmp_path: Path) -> tuple[int, str]:
    path = tmp_path / "events.jsonl"
    lines = [
        {"received_at": "", "topic": m.topic, "retain": m.retain, "payload": m.json}
        for m in recorder.settle().messages
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = StringIO()
    return replay(path, None, SchedulerSettings(), out), out.getvalue()


def test_limits_are_levels_and_repeated_without_a_new_decision(
    bridge: ScriptedBridge, start: Start
) -> None:
    start()
    bridge.pump(lambda: bool(bridge.limits))
    bridge.is_time_passing = False
    first = len(bridge.limits)

    bridge.pump(lambda: len(bridge.limits) >= first + 3)

    seqs = [message.message_id.seq for _, message, _ in bridge.limits[first:]]
    same = {limit.decided_at for _, _, limit in bridge.limits[first:]}
    assert seqs == sorted(set(seqs))
    assert len(same) == 1


def test_a_wish_is_acted_on_without_any_other_message(bridge: ScriptedBridge, start: Start) -> None:
    start()
    decide_at_midnight(bridge)
    assert bridge.limits[-1][2].limit_w == 0
    bridge.site.mode = facts.Mode.NOW

    bridge.session.publish(topics.GOAL, bridge.site.goal(), station=STATION)
    bridge.pump(lambda: bridge.limits[-1][2].limit_w == 7400)

    assert bridge.limits[-1][2].reason.code == "charging-now"


def test_another_strategy_is_followed_while_it_runs_and_an_unknown_one_is_told(
    bridge: ScriptedBridge, start: Start, tmp_path: Path, mqtt_recorder: Callable[..., MqttRecorder]
) -> None:
    everything: MqttRecorder = mqtt_recorder("logger", topics.everything(bridge.site_id))
    process = start()
    bridge.pump(lambda: bool(bridge.plans and bridge.limits))
    assert "load" in (bridge.plans[0].strategies or ())

    bridge.session.publish(topics.STRATEGY, StrategyWish(strategy="load"))
    bridge.pump(lambda: bridge.plans[-1].strategy == "load")
    bridge.pump(lambda: bridge.limits[-1][2].strategy == "load")
    bridge.session.publish(topics.STRATEGY, StrategyWish(strategy="my-own"))
    told = "knows no strategy my-own, goes on with load"
    everything.wait_for(lambda m: "/service/scheduler/" in m.topic and told in m.json["detail"])
    bridge.session.publish(topics.STRATEGY, StrategyWish(strategy=""))
    bridge.pump(lambda: bridge.plans[-1].strategy == "cheapest")

    process.send_signal(signal.SIGTERM)
    bridge.pump(lambda: bridge.lease is not None and bridge.lease.holder is None)
    assert process.wait(30) == 0
    status, printed = _replayed(everything, tmp_path)
    assert status == 0, printed


def test_without_the_lease_it_plans_in_the_shadow_and_commands_nothing(
    bridge: ScriptedBridge, start: Start
) -> None:
    boot = bridge.session.boot_id
    bridge.grant(LeaseState(epoch=7, ttl_s=6, bridge_boot_id=boot, holder="rival", nonce="r1"))
    start()

    bridge.pump(lambda: bool(bridge.shadow_plans) and bool(bridge.requests))
    assert not bridge.plans
    assert not bridge.limits
    bridge.grant(LeaseState(epoch=7, ttl_s=6, bridge_boot_id=boot))
    bridge.pump(lambda: bool(bridge.plans and bridge.limits))

    assert bridge.limits[0][2].epoch == 8


def test_a_scheduler_that_ends_hands_over_to_the_one_that_waits(
    bridge: ScriptedBridge, start: Start
) -> None:
    bridge.site.mode = facts.Mode.NOW
    bridge.announce()
    first = start("one")
    bridge.pump(lambda: bool(bridge.limits))
    start("two", WATTBUS_SCHEDULER_STRATEGY="load")
    bridge.pump(lambda: bool(bridge.shadow_plans))
    epoch = bridge.limits[-1][2].epoch

    first.send_signal(signal.SIGTERM)
    bridge.pump(lambda: bridge.limits[-1][2].epoch > epoch)

    assert bridge.limits[-1][2].instance.startswith("two")
    assert bridge.limits[-1][2].strategy == "load"
    given_away = {LeaseAction.HANDOVER, LeaseAction.RELEASE}
    assert given_away & {request.action for request in bridge.requests}
    assert first.wait(30) == 0


def test_messages_that_cannot_be_read_do_not_stop_it(
    bridge: ScriptedBridge, start: Start, tmp_path: Path
) -> None:
    process = start()
    bridge.pump(lambda: bool(bridge.limits))
    meter = topics.METER.topic(bridge.site_id, station=STATION)
    goal = topics.GOAL.topic(bridge.site_id, station=STATION)

    for topic, payload in [
        (meter, b"not json"),
        (meter, b"\xff\xfe"),
        (meter, b'{"schema":"meter/1"}'),
        (meter, b"[" * 10_000),
        (goal, b'{"schema":"goal/9","target_soc_percent":NaN}'),
        (goal, b""),
    ] * 20:
        bridge.session.send(topic, payload)
    seen = len(bridge.limits)
    bridge.pump(lambda: len(bridge.limits) > seen + 2)

    assert process.poll() is None
    logged = (tmp_path / "scheduler.log").read_text()
    assert 1 <= logged.count("ignored a message") <= 6
    assert "Traceback" not in logged


def test_a_bad_setting_ends_it_with_one_line(start: Start, tmp_path: Path) -> None:
    process = start(WATTBUS_SCHEDULER_STRATEGY="best")

    assert process.wait(30) != 0
    logged = (tmp_path / "scheduler.log").read_text()
    assert "WATTBUS_SCHEDULER_STRATEGY" in logged
    assert "Traceback" not in logged
