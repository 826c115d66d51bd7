"""The logger keeps the league over restarts, publishes it, and its report prints it."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import wait_until
from unit.logger import course_day
from unit.logger.conftest import TODAY, record
from unit.logger.course_day import Bridge
from unit.logger.running_logger import RunningLogger
from unit.logger.test_league import NEED_WH, scripted, when
from wattbus_contract import topics
from wattbus_contract.facts import StationEvent, StationEventKind
from wattbus_logger import cli
from wattbus_logger.checkpoint import FILE_NAME
from wattbus_logger.league import LeagueState
from wattbus_logger.recovery import recover

Connect = Callable[..., MqttRecorder]
MESSAGES = scripted(Bridge(boot_id="c" * 16))


def state_in(folder: Path) -> LeagueState:
    store, intake = recover(folder, TODAY)
    store.close()
    return intake.league.state


def test_restarts_change_nothing(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    record(whole, MESSAGES)

    for end in (7, 20, len(MESSAGES)):
        record(parts, MESSAGES[:end])

    assert state_in(parts) == state_in(whole)
    assert state_in(whole).accounts["b"].cost == pytest.approx(NEED_WH / 1000 * 0.2, rel=1e-3)


def test_without_its_checkpoint_it_is_made_again_from_the_recording(tmp_path: Path) -> None:
    record(tmp_path, MESSAGES)
    before = state_in(tmp_path)
    (tmp_path / FILE_NAME).unlink()

    assert state_in(tmp_path) == before


def test_a_stale_checkpoint_counts_nothing_twice(tmp_path: Path) -> None:
    record(tmp_path, MESSAGES[:20])
    stale = (tmp_path / FILE_NAME).read_bytes()
    record(tmp_path, MESSAGES)
    before = state_in(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(stale)

    assert state_in(tmp_path) == before


def test_the_report_prints_the_league(tmp_path: Path) -> None:
    record(tmp_path, MESSAGES)
    printed = io.StringIO()

    status = cli.run(cli.parser().parse_args(["report", "--data", str(tmp_path)]), printed)

    assert status == 0
    told = printed.getvalue().split("Schedulers side by side since ")[1].splitlines()
    assert told[2].split()[:4] == ["b", "cheapest", "4.63", "kWh"]
    assert told[2].endswith("in the shadow")
    assert told[3].endswith("commands")


def test_the_file_has_the_last_word_when_the_logger_ends(tmp_path: Path) -> None:
    record(tmp_path, MESSAGES)

    told = json.loads((tmp_path / "league.json").read_text())

    state = state_in(tmp_path)
    costs = {entry["instance"]: entry["cost"] for entry in told["entries"]}
    assert costs == {name: round(one.cost, 4) for name, one in state.accounts.items()}


def test_one_scheduler_alone_is_not_compared(tmp_path: Path) -> None:
    record(tmp_path, [one for one in MESSAGES if "shadow" not in one[0]])
    printed = io.StringIO()

    cli.run(cli.parser().parse_args(["report", "--data", str(tmp_path)]), printed)

    assert "side by side" not in printed.getvalue()
    assert not (tmp_path / "league.json").exists()


def test_the_running_logger_publishes_it_and_retains_it(
    broker: BrokerProcess,
    tmp_path: Path,
    site: str,
    mqtt_recorder: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(course_day, "SITE", site)
    bridge = Bridge()
    with RunningLogger(broker, tmp_path / "data", site) as running:
        wait_until(lambda: running.is_connected, "the logger connects", 60)
        said = scripted(bridge)
        speaker = mqtt_recorder("station-bridge")
        scheduler = mqtt_recorder("scheduler")
        for topic, payload in said:
            is_plan = topic.endswith("/plan")
            (scheduler if is_plan else speaker).publish(topic, payload)
        running.wait_for_rows(sum(topic.endswith("/meter") for topic, _ in said), 60)
        event = StationEvent(at=when(5.6), kind=StationEventKind.UNPLUGGED, text="unplugged")
        speaker.publish(*bridge.say(topics.STATION_EVENT, event, station="car1"))

        late = mqtt_recorder("viewer", topics.LEAGUE.topic(site))

        def told() -> dict[str, float]:
            found = [json.loads(m.payload) for m in late.messages]
            return (
                {one["instance"]: one["energy_wh"] for one in found[-1]["entries"]} if found else {}
            )

        wait_until(lambda: told().get("b", 0) > NEED_WH - 50, "the league is told", 60)

    assert (tmp_path / "data" / "league.json").exists()
