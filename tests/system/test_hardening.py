"""What every container of the stack may do: as little as its work needs."""

import json

import pytest

from fixtures.compose_stack import CommandFailed, ComposeStack

BROKER_UID, SERVICE_UID = "1883", "10001"
SERVICES = ("simulator", "station-bridge", "scheduler", "logger", "dashboard", "homeassistant")
ON_THE_BUS = ("station-bridge", "scheduler", "logger", "dashboard", "homeassistant")
WRITE_ATTEMPT = "open('/opt/wattbus/new', 'w')"
CONNECT_ATTEMPT = "import socket; socket.create_connection(('broker', 1883), timeout=3)"


@pytest.mark.parametrize("service", ["broker", *SERVICES])
def test_containers_are_not_root_and_hold_no_capability(stack: ComposeStack, service: str) -> None:
    status = stack.execute(service, "cat", "/proc/self/status")

    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    expected = BROKER_UID if service == "broker" else SERVICE_UID
    assert set(fields["Uid"].split()) == {expected}
    assert set(fields["Gid"].split()) == {expected}
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", SERVICES)
def test_programs_cannot_be_changed_at_run_time(stack: ComposeStack, service: str) -> None:
    with pytest.raises(CommandFailed, match="Read-only file system"):
        stack.execute(service, "python", "-c", WRITE_ATTEMPT)


@pytest.mark.parametrize("service", ["broker", *SERVICES])
def test_containers_come_back_by_themselves_and_bound_their_logs(
    stack: ComposeStack, service: str
) -> None:
    host = stack.inspect(service)["HostConfig"]

    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize("service", ON_THE_BUS)
def test_a_service_sees_its_own_password_only(stack: ComposeStack, service: str) -> None:
    mounted = {
        mount["Destination"]: mount["Name"].split("_", 1)[1]
        for mount in stack.inspect(service)["Mounts"]
        if mount["Type"] == "volume" and "secret" in mount["Name"]
    }

    assert mounted == {"/run/secrets/wattbus": f"secret-{service}"}


def test_no_password_is_in_an_environment_or_a_command_line(stack: ComposeStack) -> None:
    secrets = {user: stack.password(user) for user in (*ON_THE_BUS, "viewer", "healthcheck")}

    seen = json.dumps([stack.inspect(service) for service in ("broker", *SERVICES)])

    assert [user for user, password in secrets.items() if password in seen] == []


def test_the_simulator_cannot_reach_the_broker(stack: ComposeStack) -> None:
    stack.execute("station-bridge", "python", "-c", CONNECT_ATTEMPT)

    with pytest.raises(CommandFailed, match=r"Name or service not known|name resolution"):
        stack.execute("simulator", "python", "-c", CONNECT_ATTEMPT)
