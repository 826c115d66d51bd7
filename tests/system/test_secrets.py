"""Passwords stay in their volumes: no image, no log, no compose output and no file has one."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.compose_stack import ComposeStack, run_docker
from fixtures.image_scan import secrets_in_image

BUILT = ("simulator", "station-bridge", "scheduler", "logger")
PLANTED = """
FROM {image}
USER 0
RUN echo {secret} > /tmp/password
RUN rm /tmp/password
"""


@pytest.fixture(scope="module")
def secrets(stack: ComposeStack) -> dict[str, str]:
    """Every user's password."""
    script = 'cd /secrets; for user in *; do echo "$user $(cat "$user/password")"; done'
    lines = stack.compose(
        "run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "broker-setup", "-c", script
    )
    found = dict(line.split() for line in lines.splitlines())
    assert {"scheduler", "station-bridge", "logger", "viewer"} <= found.keys()
    assert min(map(len, found.values())) == 48
    return found


def image_of(stack: ComposeStack, service: str) -> str:
    image: str = stack.inspect(service)["Config"]["Image"]
    return image


@pytest.fixture
def planted_image(stack: ComposeStack, secrets: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """An image with a password in one layer that the next one removes."""
    tag = "wattbus-test-planted-secret"
    text = PLANTED.format(image=image_of(stack, "simulator"), secret=secrets["viewer"])
    (tmp_path / "Dockerfile").write_text(text)
    run_docker("build", "--quiet", "--network", "none", "--tag", tag, str(tmp_path))
    yield tag
    run_docker("image", "rm", "--force", tag)


def test_no_layer_of_any_image_holds_a_password(
    stack: ComposeStack, secrets: dict[str, str]
) -> None:
    seen: set[str] = set()

    found = {
        service: secrets_in_image(image_of(stack, service), secrets, seen) for service in BUILT
    }

    assert found == {service: set() for service in BUILT}
    assert len(seen) > len(BUILT)


def test_a_password_that_a_later_layer_removed_would_be_found(
    planted_image: str, secrets: dict[str, str]
) -> None:
    """The negative control. The history tells of it as well, so that is left out."""
    history = run_docker("history", "--no-trunc", "--format", "{{json .}}", planted_image)

    assert secrets["viewer"] in history
    assert secrets_in_image(planted_image, {"viewer": secrets["viewer"]}, set()) == {"viewer"}


def test_what_compose_prints_holds_no_password(
    stack: ComposeStack, secrets: dict[str, str]
) -> None:
    printed = stack.compose("config") + stack.compose("config", "--format", "json")

    assert [user for user, secret in secrets.items() if secret in printed] == []


def test_no_service_logs_a_password(stack: ComposeStack, secrets: dict[str, str]) -> None:
    logged = stack.compose("logs", "--no-color")

    for service in ("broker", *BUILT):
        assert f"{service}-1" in logged
    assert [user for user, secret in secrets.items() if secret in logged] == []


def test_no_file_of_the_logger_holds_a_password(
    stack: ComposeStack, secrets: dict[str, str]
) -> None:
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-", stack.data],
        input="\n".join(secrets.values()), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")


def test_no_process_shows_a_password_on_its_command_line(
    stack: ComposeStack, secrets: dict[str, str]
) -> None:
    shown = json.dumps([run_docker("top", stack.container(name)) for name in ("broker", *BUILT)])

    assert [user for user, secret in secrets.items() if secret in shown] == []
