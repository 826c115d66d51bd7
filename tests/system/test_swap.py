"""What may be pulled out of the running stack: a scheduler for a stranger's, a crash of anybody."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fixtures.broker_process import ROOT
from fixtures.compose_stack import CommandFailed, ComposeStack, run_docker
from fixtures.mqtt_recorder import MqttRecorder, RecordedMessage
from wattbus_contract import topics

SITE, STATION = "home", "car1"
METER = topics.METER.topic(SITE, station=STATION)
LIMIT = topics.SET_LIMIT.topic(SITE, station=STATION)
RESULT = topics.LIMIT_RESULT.topic(SITE, station=STATION)
LEASE = topics.LEASE_STATE.topic(SITE)
EXAMPLES = ROOT / "docs" / "examples"
FOREIGN_IMAGE = "wattbus-test-foreign-scheduler"


@pytest.fixture
def watcher(stack: ComposeStack) -> Iterator[MqttRecorder]:
    stack.up()
    with stack.client("viewer", f"{topics.ROOT}/{SITE}/#") as viewer:
        viewer.wait_for(lambda m: m.topic == METER, timeout_s=60)
        yield viewer


@pytest.fixture(scope="module")
def foreign_image(stack: ComposeStack) -> str:
    """The example in 60 lines, built as its page says."""
    config = json.loads(stack.compose("config", "--format", "json"))
    python = config["services"]["scheduler"]["build"]["args"]["PYTHON_IMAGE"]
    arguments = ("--build-arg", f"PYTHON_IMAGE={python}", "--tag", FOREIGN_IMAGE)
    dockerfile = str(EXAMPLES / "scheduler-minimal.Dockerfile")
    run_docker("build", *arguments, "--file", dockerfile, str(EXAMPLES))
    return FOREIGN_IMAGE


def lease(message: RecordedMessage) -> dict[str, Any]:
    return message.json if message.topic == LEASE else {}


def epoch_of(watcher: MqttRecorder) -> int:
    found = watcher.wait_for(lambda m: bool(lease(m).get("holder")), timeout_s=60)
    epochs = [lease(m)["epoch"] for m in watcher.messages if lease(m).get("holder")]
    return max(epochs, default=int(found.json["epoch"]))


def wait_for_holder_after(watcher: MqttRecorder, epoch: int, since: int) -> dict[str, Any]:
    return watcher.wait_for(
        lambda m: lease(m).get("epoch", 0) > epoch and bool(lease(m).get("holder")),
        timeout_s=90,
        since=since,
    ).json


def wait_for_an_applied_limit(watcher: MqttRecorder, epoch: int, since: int) -> None:
    watcher.wait_for(
        lambda m: m.topic == RESULT and m.json["epoch"] >= epoch and m.json["outcome"] == "applied",
        timeout_s=90,
        since=since,
    )


@pytest.mark.slow
def test_a_strangers_scheduler_takes_over_and_ours_takes_it_back(
    stack: ComposeStack, watcher: MqttRecorder, foreign_image: str
) -> None:
    others = {
        name: stack.container(name) for name in ("broker", "simulator", "station-bridge", "logger")
    }
    epoch, mark = epoch_of(watcher), len(watcher.messages)

    stack.compose("up", "--detach", "--no-build", "scheduler", SCHEDULER_IMAGE=foreign_image)

    theirs = wait_for_holder_after(watcher, epoch, mark)
    wait_for_an_applied_limit(watcher, theirs["epoch"], mark)
    mark = len(watcher.messages)
    stack.compose("up", "--detach", "--no-build", "scheduler")
    ours = wait_for_holder_after(watcher, theirs["epoch"], mark)
    wait_for_an_applied_limit(watcher, ours["epoch"], mark)
    assert {name: stack.container(name) for name in others} == others


@pytest.mark.slow
@pytest.mark.parametrize("service", ["scheduler", "station-bridge", "logger", "broker"])
def test_a_killed_container_comes_back_and_no_row_is_lost(
    stack: ComposeStack, watcher: MqttRecorder, service: str
) -> None:
    epoch, mark = epoch_of(watcher), len(watcher.messages)

    # As the kernel does when memory runs out: after `docker kill` the engine starts nothing again.
    with suppress(CommandFailed):  # The shell is among the killed.
        stack.execute(service, "sh", "-c", "kill -9 -1")

    stack.wait_healthy(service, timeout_s=90)
    # The lease outlives a logger and, for less than its time, a broker that is away.
    is_new = service in {"scheduler", "station-bridge"}
    holder = wait_for_holder_after(watcher, epoch if is_new else epoch - 1, mark)
    wait_for_an_applied_limit(watcher, holder["epoch"], mark)
    last = watcher.wait_for(lambda m: m.topic == METER, timeout_s=60, since=len(watcher.messages))
    stack.wait_recorded(last.json)
    keys = Counter((row["boot_id"], int(row["seq"])) for row in stack.rows())
    assert max(keys.values()) == 1
    seen = {
        (m.json["boot_id"], m.json["seq"])
        for m in watcher.messages
        if m.topic == METER and m.received_at_s <= last.received_at_s
    }
    assert seen <= set(keys)


def test_a_wish_is_asked_for_from_the_stack_itself(
    stack: ComposeStack, watcher: MqttRecorder
) -> None:
    answer = stack.compose("run", "--rm", "-T", "console", "mode", STATION, "smart")

    assert answer.splitlines()[-1].startswith("accepted")


@pytest.mark.slow
def test_a_strangers_image_is_held_against_the_suite(foreign_image: str, mosquitto: str) -> None:
    suite = Path(sys.executable).with_name("wattbus-conformance")
    points = [word for point in ("lease-release", "mode-off") for word in ("--only", point)]

    done = subprocess.run(
        [suite, "--image", foreign_image, *points, "--json", "--patience", "4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    held = [(point["id"], point["outcome"]) for point in json.loads(done.stdout)["points"]]
    assert held == [("lease-release", "holds"), ("mode-off", "holds")]
    assert "wattbus-conformance" not in run_docker("ps", "--all", "--format", "{{.Names}}")
