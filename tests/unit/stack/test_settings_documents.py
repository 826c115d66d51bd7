"""Compose file, .env.example and documentation tell of the same settings and defaults."""

import re

from fixtures.broker_process import ROOT

COMPOSE_FILES = sorted(ROOT.glob("docker-compose*.yml"))


def settings_of_compose() -> dict[str, str]:
    """Each ${NAME:-default} of the compose files that a person may set."""
    text = "\n".join(
        line
        for file in COMPOSE_FILES
        for line in file.read_text().splitlines()
        if not line.lstrip().startswith("#")
    )
    found: dict[str, str] = {}
    for name, default in re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^}]*)\}", text):
        assert found.setdefault(name, default) == default, f"{name} has two defaults"
    return found


def test_every_variable_of_the_compose_files_has_a_default() -> None:
    for file in COMPOSE_FILES:
        assert re.findall(r"(?<!\$)\$\{[A-Z_]+\}|(?<!\$)\$[A-Z_]+", file.read_text()) == []


def test_env_example_shows_every_setting_with_its_default() -> None:
    lines = re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert dict(lines) == settings_of_compose()


def test_operations_lists_every_setting_with_its_default() -> None:
    table = (ROOT / "docs" / "operations.md").read_text().split("## Settings")[1].split("##")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    listed = {
        name: default.strip().strip("`").replace("<service>", name.removesuffix("_IMAGE").lower())
        for names, default in rows
        for name in re.findall(r"`([A-Z_]+)`", names)
    }

    assert {name: value.replace("_", "-") for name, value in listed.items()} == {
        name: value.replace("_", "-") for name, value in settings_of_compose().items()
    }


def test_images_and_tools_are_the_same_everywhere() -> None:
    settings = settings_of_compose()
    dockerfile = (ROOT / "services" / "Dockerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()

    assert f"ARG PYTHON_IMAGE={settings['PYTHON_IMAGE']}\n" in dockerfile
    assert f"ARG UV_VERSION={settings['UV_VERSION']}\n" in dockerfile
    assert f"\nUV_VERSION := {settings['UV_VERSION']}\n" in makefile


def test_every_user_of_the_broker_has_a_volume_for_its_password() -> None:
    users = re.findall(r"^user +(\S+)", (ROOT / "broker" / "acl").read_text(), re.MULTILINE)
    compose = (ROOT / "docker-compose.yml").read_text()

    made = set(re.findall(r"- secret-([a-z-]+):/secrets/\1$", compose, re.MULTILINE))
    declared = set(re.findall(r"^  secret-([a-z-]+):$", compose, re.MULTILINE))

    assert made == declared == set(users)
