"""A recorded day, decided again."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from unit.scheduler.scripted_site import SITE, STATION, ScriptedSite
from unit.scheduler.test_controller import controller_of, feed
from wattbus_contract import topics
from wattbus_contract.base import Body, Envelope
from wattbus_contract.codec import Decoded, encode
from wattbus_contract.control import LeaseState
from wattbus_contract.service import Health, ServiceStatus, Status
from wattbus_contract.topics import TopicSpec
from wattbus_scheduler.controller import LimitDecided, PlanMade
from wattbus_scheduler.main import main
from wattbus_scheduler.recording import BadRecording
from wattbus_scheduler.replay import replay
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.wire import limit_message, plan_message

INSTANCE = "scheduler"


class Recorder:
    """Writes lines as the logger does."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self._seq = 0

    def add(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.lines.append(
            {
                "received_at": "2025-01-15T00:00:00Z",
                "topic": topic,
                "retain": retain,
                "payload": json.loads(payload),
            }
        )

    def add_decoded(self, message: Decoded) -> None:
        assert message.envelope is not None
        topic = message.topic.spec.topic(message.topic.site, **message.topic.ids)
        self.add(topic, encode(message.body, message.envelope), retain=False)

    def add_own(self, site: ScriptedSite, spec: TopicSpec, body: Body, **ids: str) -> None:
        self._seq += 1
        envelope = Envelope(
            schema_id=spec.schema_id,
            sent_at=site.now,
            source=INSTANCE,
            boot_id="scheduler-boot",
            seq=self._seq,
        )
        self.add(spec.topic(SITE, **ids), encode(body, envelope))

    def write(self, path: Path) -> Path:
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return path


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """Half a day in which the first limits were sent, and then repeated."""
    site, recorder = ScriptedSite(reading_s=300), Recorder()
    controller = controller_of("cheapest")
    for message in site.snapshot():
        recorder.add_decoded(message)
        controller.handle(message)
    controller.complete_snapshot()
    lease = LeaseState(epoch=1, ttl_s=15, bridge_boot_id="bridge-boot-1", holder=INSTANCE)
    recorder.add_decoded(site.message(topics.LEASE_STATE, lease))
    for number in range(160):
        message = site.meter()
        recorder.add_decoded(message)
        outputs = feed(controller, site, message)
        repeated = list(controller.limits.values()) if number % 10 == 9 else []
        for output in (*outputs, *repeated):
            if isinstance(output, PlanMade):
                recorder.add_own(site, topics.PLAN, plan_message(output, INSTANCE))
            elif isinstance(output, LimitDecided):
                sent = limit_message(output, INSTANCE, 1, 60, "cheapest")
                recorder.add_own(site, topics.SET_LIMIT, sent, station=STATION)
        site.advance()
    return recorder


def replayed(path: Path, strategy: str | None = None) -> tuple[int, str]:
    out = StringIO()
    status = replay(path, strategy, SchedulerSettings(), out)
    return status, out.getvalue()


def test_a_recorded_day_gives_the_very_same_decisions(recorder: Recorder, tmp_path: Path) -> None:
    status, printed = replayed(recorder.write(tmp_path / "events.jsonl"))

    assert status == 0
    assert " 0 different" in printed
    assert int(printed.split(": ")[1].split()[0]) > 15


def test_a_decision_that_was_changed_is_found(recorder: Recorder, tmp_path: Path) -> None:
    path = recorder.write(tmp_path / "events.jsonl")
    lines = path.read_text().splitlines()
    index = next(i for i, line in enumerate(lines) if "/limit/set" in line and "7400" in line)
    path.write_text(
        "\n".join([*lines[:index], lines[index].replace("7400", "3700"), *lines[index + 1 :]])
    )

    status, printed = replayed(path)

    assert status == 1
    assert "then but not now" in printed
    assert "3.7 kW" in printed


def test_a_reading_that_was_changed_changes_decisions(recorder: Recorder, tmp_path: Path) -> None:
    path = recorder.write(tmp_path / "events.jsonl")
    lines = []
    for line in path.read_text().splitlines():
        document = json.loads(line)
        if document["topic"].endswith("/meter"):
            document["payload"]["soc_percent"] = 50.0
        lines.append(json.dumps(document))
    path.write_text("\n".join(lines))

    assert replayed(path)[0] == 1


def test_a_limit_that_was_not_sent_is_found(recorder: Recorder, tmp_path: Path) -> None:
    path = recorder.write(tmp_path / "events.jsonl")
    lines = path.read_text().splitlines()
    charging = [i for i, line in enumerate(lines) if "/limit/set" in line and "7400" in line]
    path.write_text("\n".join(line for i, line in enumerate(lines) if i not in charging))

    status, printed = replayed(path)

    assert status == 1
    assert "now but not then" in printed


def test_another_strategy_prints_what_it_would_have_decided(
    recorder: Recorder, tmp_path: Path
) -> None:
    status, printed = replayed(recorder.write(tmp_path / "events.jsonl"), "now")

    assert status == 0
    assert "with strategy now" in printed
    assert "car1 7.4 kW (charging: at once" in printed


def test_unreadable_lines_are_counted_and_left_out(recorder: Recorder, tmp_path: Path) -> None:
    path = recorder.write(tmp_path / "events.jsonl")
    text = path.read_text()
    path.write_text('{"topic": "wattbus/v1/home/price"}\nnot json\n' + text + '{"torn')

    status, printed = replayed(path)

    assert status == 0
    assert "3 lines could not be read" in printed


def test_a_recording_without_a_plan_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("")

    with pytest.raises(BadRecording, match="no scheduler has published a plan"):
        replayed(path)
    assert main(["replay", str(path)]) == 2
    assert "no scheduler" in capsys.readouterr().err


@pytest.mark.parametrize(("alive_for_s", "status"), [(0.5, 0), (2.0, 1)])
def test_only_what_was_in_flight_at_the_end_may_lack_its_decision(
    recorder: Recorder, tmp_path: Path, alive_for_s: float, status: int
) -> None:
    topics_of = [line["topic"].split("/", 3)[3] for line in recorder.lines]
    last_plan = len(topics_of) - 1 - topics_of[::-1].index("plan")
    cause = recorder.lines[last_plan - 1]
    earlier = topics_of[:last_plan][::-1].index(f"station/{STATION}/limit/set")
    farewell = json.loads(json.dumps(recorder.lines[last_plan - 1 - earlier]))
    sent_at = datetime.fromisoformat(cause["payload"]["sent_at"]) + timedelta(seconds=alive_for_s)
    farewell["payload"]["sent_at"] = sent_at.isoformat()
    cut = Recorder()
    cut.lines = [*recorder.lines[:last_plan], farewell]

    assert replayed(cut.write(tmp_path / "events.jsonl"))[0] == status


@pytest.mark.parametrize(("alive_for_s", "status"), [(0.1, 0), (5.0, 1)])
def test_the_last_limit_may_have_gone_out_without_its_plan(
    recorder: Recorder, tmp_path: Path, alive_for_s: float, status: int
) -> None:
    plans = [number for number, line in enumerate(recorder.lines) if is_on(line, "plan")]
    last_plan = next(
        number for number in reversed(plans) if is_on(recorder.lines[number + 1], "limit/set")
    )
    cause = recorder.lines[last_plan - 1]
    limit = json.loads(json.dumps(recorder.lines[last_plan + 1]))
    assert limit["payload"]["caused_by"]["seq"] == cause["payload"]["seq"]
    sent_at = datetime.fromisoformat(cause["payload"]["sent_at"]) + timedelta(seconds=alive_for_s)
    limit["payload"]["sent_at"] = sent_at.isoformat()
    cut = Recorder()
    cut.lines = [*recorder.lines[:last_plan], limit]

    assert replayed(cut.write(tmp_path / "events.jsonl"))[0] == status


def is_on(line: dict[str, Any], end: str) -> bool:
    return bool(line["topic"].endswith(end))


def test_a_process_hears_live_from_its_announcement_on(tmp_path: Path) -> None:
    """The first reading comes before what makes planning possible, and is not retained."""
    site, recorder = ScriptedSite(reading_s=300), Recorder()
    controller = controller_of("cheapest")
    up = ServiceStatus(
        status=Status.UP, health=Health.OK, version="test", connection=1, started_at=site.now
    )
    recorder.add_own(site, topics.SERVICE_STATUS, up, user=INSTANCE, client=INSTANCE)
    controller.complete_snapshot()
    reading = site.meter()
    for message in (reading, *site.snapshot()):
        recorder.add_decoded(message)
        for output in controller.handle(message):
            if isinstance(output, PlanMade):
                recorder.add_own(site, topics.PLAN, plan_message(output, INSTANCE))

    status, printed = replayed(recorder.write(tmp_path / "events.jsonl"))

    assert " 0 equal" not in printed
    assert status == 0, printed
