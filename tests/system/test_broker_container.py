"""The broker as it runs in the stack: closed to strangers, hardened, keeping its secrets."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from fixtures.availability import missing
from fixtures.compose_stack import CommandFailed, ComposeStack
from fixtures.mqtt_recorder import MqttRecorder
from wattbus_contract import topics

INFO = topics.SITE_INFO.topic("probe")


@pytest.fixture
def bridge(broker_stack: ComposeStack) -> Iterator[MqttRecorder]:
    with broker_stack.client("station-bridge") as client:
        yield client


def test_the_broker_is_healthy(broker_stack: ComposeStack) -> None:
    assert broker_stack.inspect("broker")["State"]["Health"]["Status"] == "healthy"


def test_strangers_are_refused_at_the_published_port(broker_stack: ComposeStack) -> None:
    with pytest.raises(PermissionError, match="Not authorized"):
        MqttRecorder(broker_stack.host, broker_stack.port("broker", 1883))


def test_the_port_is_published_for_this_machine_only(broker_stack: ComposeStack) -> None:
    published = broker_stack.inspect("broker")["NetworkSettings"]["Ports"]["1883/tcp"]

    assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}


def test_only_the_bridge_says_what_the_site_is(
    broker_stack: ComposeStack, bridge: MqttRecorder
) -> None:
    with broker_stack.client("viewer", INFO) as viewer:
        assert viewer.publish(INFO, b"forged").getName() == "Not authorized"

        assert bridge.publish(INFO, b"true").getName() == "Success"

        assert viewer.wait_for(lambda m: m.topic == INFO).payload == b"true"


def test_mosquitto_sub_in_the_container_watches_without_a_password(
    broker_stack: ComposeStack, bridge: MqttRecorder
) -> None:
    bridge.publish(INFO, b"readable", retain=True)

    seen = broker_stack.execute(
        "broker", "mosquitto_sub", "-t", "wattbus/#", "-v", "-C", "1", "-W", "10"
    )
    bridge.publish(INFO, b"", retain=True)

    assert seen.strip() == f"{INFO} readable"


def test_mosquitto_sub_on_this_machine_watches_with_the_password_from_the_container(
    broker_stack: ComposeStack, bridge: MqttRecorder
) -> None:
    mosquitto_sub = shutil.which("mosquitto_sub")
    if mosquitto_sub is None:
        missing("mosquitto_sub is not installed", "sudo apt-get install mosquitto-clients")
    bridge.publish(INFO, b"readable", retain=True)

    password = broker_stack.execute("broker", "cat", "/run/secrets/viewer/password")
    port = str(broker_stack.port("broker", 1883))
    line = [mosquitto_sub, "-h", broker_stack.host, "-p", port, "-u", "viewer", "-P", password]
    seen = subprocess.run(
        [*line, "-t", "wattbus/#", "-v", "-C", "1", "-W", "10"],
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    bridge.publish(INFO, b"", retain=True)

    assert seen.stdout.strip() == f"{INFO} readable"


def test_passwords_and_retained_messages_survive_new_containers(
    broker_stack: ComposeStack, bridge: MqttRecorder
) -> None:
    before = {user: broker_stack.password(user) for user in ("viewer", "scheduler")}
    bridge.publish(INFO, b"kept", retain=True)

    broker_stack.compose("rm", "--force", "--stop", "broker", "broker-setup")
    broker_stack.up("broker")

    assert {user: broker_stack.password(user) for user in before} == before
    with broker_stack.client("viewer", INFO) as viewer:
        assert viewer.wait_for(lambda m: m.topic == INFO).payload == b"kept"


def test_the_container_cannot_be_written_to(broker_stack: ComposeStack) -> None:
    for path in ("/", "/mosquitto/config", "/mosquitto/auth", "/run/secrets/viewer"):
        with pytest.raises(CommandFailed, match="Read-only file system"):
            broker_stack.execute("broker", "touch", f"{path}/new")


def test_the_broker_sees_no_passwords_but_those_used_inside_it(broker_stack: ComposeStack) -> None:
    found = broker_stack.execute("broker", "ls", "/run/secrets").split()

    assert found == ["healthcheck", "viewer"]


def test_the_containers_log_holds_no_password(broker_stack: ComposeStack) -> None:
    log = broker_stack.compose("logs", "broker", "broker-setup")

    assert "running" in log
    for user in ("viewer", "healthcheck", "scheduler"):
        assert broker_stack.password(user) not in log
