"""The stack with `docker-compose.tls.yml`: every connection to the broker is encrypted."""

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.broker_process import ROOT, free_port
from fixtures.compose_stack import CommandFailed, ComposeStack
from fixtures.mqtt_recorder import MqttRecorder
from wattbus_contract import topics

SERVICES = ("station-bridge", "scheduler", "logger", "dashboard", "homeassistant")
PLAIN_ATTEMPT = "import socket; socket.create_connection(('broker', 1883), timeout=3)"
PEER = """
import socket, ssl
context = ssl.create_default_context(cafile='/run/certificates/ca.crt')
plain = socket.create_connection(('broker', 8883), timeout=5)
context.wrap_socket(plain, server_hostname='{name}')
"""


@pytest.fixture(scope="module")
def tls_stack(
    engine: None, docker_ip: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeStack]:
    """The whole stack under a project name of its own, removed in the end."""
    port, data = free_port(), tmp_path_factory.mktemp("tls-data")
    found = ComposeStack(
        f"wattbus-tls-{os.getpid()}",
        ROOT / "docker-compose.yml",
        data,
        docker_ip,
        lambda *_: port,
        overrides=[ROOT / "docker-compose.tls.yml"],
        settings={
            "DATA_DIR": str(data),
            "BROKER_TLS_PORT": f"127.0.0.1:{port}",
            "SIMULATOR_PORT": f"127.0.0.1:{free_port()}",
            "DASHBOARD_PORT": f"127.0.0.1:{free_port()}",
            "TLS_NAMES": "energy.example.org",
        },
    )
    try:
        found.compose("build", timeout_s=900)
        found.up()
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def ca_file(tls_stack: ComposeStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority, fetched as docs/operations.md says."""
    path = tmp_path_factory.mktemp("ca") / "wattbus-ca.crt"
    path.write_text(tls_stack.execute("broker", "cat", "/mosquitto/certificates/ca/ca.crt"))
    return path


def client_of(stack: ComposeStack, ca_file: Path | None, timeout_s: float = 10.0) -> MqttRecorder:
    return MqttRecorder(
        stack.host, stack.port("broker", 8883), "viewer", stack.password("viewer"),
        ca_file=ca_file, timeout_s=timeout_s,
    )  # fmt: skip


@pytest.mark.parametrize("service", ["broker", "simulator", *SERVICES])
def test_every_service_is_healthy_with_tls(tls_stack: ComposeStack, service: str) -> None:
    tls_stack.wait_healthy(service)


def test_every_service_is_up_on_the_bus_and_the_car_is_measured(
    tls_stack: ComposeStack, ca_file: Path
) -> None:
    with client_of(tls_stack, ca_file) as viewer:
        viewer.subscribe(topics.everything("home"))
        for user in SERVICES:
            viewer.wait_for(
                lambda m, u=user: f"/service/{u}/" in m.topic and m.json["status"] == "up"  # type: ignore[misc]
            )
        viewer.wait_for(lambda m: m.topic == topics.METER.topic("home", station="car1"))


def test_mosquitto_sub_in_the_container_is_used_as_without_tls(tls_stack: ComposeStack) -> None:
    seen = tls_stack.execute(
        "broker", "mosquitto_sub", "-t", "wattbus/#", "-v", "-C", "1", "-W", "10"
    )

    assert seen.startswith("wattbus/v1/home/")


def test_only_the_encrypted_port_is_published(tls_stack: ComposeStack) -> None:
    ports = tls_stack.inspect("broker")["NetworkSettings"]["Ports"]

    assert {port for port, bindings in ports.items() if bindings} == {"8883/tcp"}
    assert {binding["HostIp"] for binding in ports["8883/tcp"]} == {"127.0.0.1"}


def test_plain_text_is_refused_from_outside(tls_stack: ComposeStack) -> None:
    with pytest.raises(ConnectionError):
        client_of(tls_stack, None, timeout_s=2.0)


def test_plain_text_is_refused_from_inside(tls_stack: ComposeStack) -> None:
    with pytest.raises(CommandFailed, match="ConnectionRefusedError"):
        tls_stack.execute("scheduler", "python", "-c", PLAIN_ATTEMPT)


def test_a_client_without_the_authority_does_not_trust_it(
    tls_stack: ComposeStack, tmp_path: Path
) -> None:
    own_bundle = ssl.create_default_context()
    with (
        socket.create_connection((tls_stack.host, tls_stack.port("broker", 8883)), 5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        own_bundle.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("name", ["broker", "localhost", "energy.example.org"])
def test_its_names_are_trusted(tls_stack: ComposeStack, name: str) -> None:
    tls_stack.execute("logger", "python", "-c", PEER.format(name=name))


def test_another_name_is_not_trusted(tls_stack: ComposeStack) -> None:
    with pytest.raises(CommandFailed, match="Hostname mismatch"):
        tls_stack.execute("logger", "python", "-c", PEER.format(name="broker.example.org"))


def test_a_service_with_a_wrong_host_name_ends_and_says_why(tls_stack: ComposeStack) -> None:
    """The broker's address in the network is no name that its certificate has."""
    address = tls_stack.execute("scheduler", "getent", "hosts", "broker").split()[0]

    with pytest.raises(CommandFailed, match="WATTBUS_MQTT_CA_FILE and WATTBUS_MQTT_HOST"):
        tls_stack.compose(
            "run", "--rm", "--no-deps", "-T", "-e", f"WATTBUS_MQTT_HOST={address}",
            "-e", "WATTBUS_MQTT_CLIENT_ID=lost", "scheduler", timeout_s=60,
        )  # fmt: skip


def test_nobody_but_the_broker_sees_its_key_and_nobody_the_authority_s(
    tls_stack: ComposeStack,
) -> None:
    seen = {
        service: {
            mount["Name"].split("_", 1)[1]
            for mount in tls_stack.inspect(service)["Mounts"]
            if mount["Type"] == "volume" and "_tls-" in mount["Name"]
        }
        for service in ("broker", *SERVICES)
    }

    assert seen == {"broker": {"tls-ca", "tls-server"}} | {name: {"tls-ca"} for name in SERVICES}
    mode = tls_stack.execute(
        "broker", "stat", "-c", "%a %u", "/mosquitto/certificates/server/server.key"
    )
    assert mode.split() == ["400", "1883"]


def test_no_key_is_logged(tls_stack: ComposeStack) -> None:
    assert "PRIVATE KEY" not in tls_stack.compose("logs", "--no-color")


def test_the_certificate_is_kept_over_new_containers(tls_stack: ComposeStack) -> None:
    path = "/mosquitto/certificates/server/server.crt"
    before = tls_stack.execute("broker", "cat", path)

    tls_stack.compose("rm", "--force", "--stop", "broker", "certificates")
    tls_stack.up("broker")

    assert tls_stack.execute("broker", "cat", path) == before
