"""No setting object shows a password, and nothing that git knows is a secret."""

import importlib
import logging
import os
import pkgutil
import pprint
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from fixtures.availability import missing
from fixtures.broker_process import ROOT, SEARCH_PATH
from wattbus_contract.broker_settings import BadSetting, BrokerSettings, load
from wattbus_station_bridge.settings import load as load_bridge

PACKAGES = sorted(path.name for path in ROOT.glob("services/*/src/wattbus_*"))
SECRET = "correct-horse-battery"
SECRETIVE = re.compile("password|secret|token|credential|private", re.IGNORECASE)


def settings_classes() -> Iterator[type[BaseSettings]]:
    """Every class of settings in every package of ours."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        ):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting = [BaseSettings]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.__module__.startswith("wattbus_"):
                yield kind


def ways_to_show(settings: object) -> dict[str, str]:
    """What a log line, a traceback, a debugger or a pretty printer makes of it."""
    record = logging.LogRecord("", 0, "", 0, "%s %r", (settings, settings), None)
    rich = getattr(settings, "__rich_repr__", tuple)
    return {
        "repr": repr(settings), "str": str(settings), "format": f"{settings}",
        "log": record.getMessage(), "pprint": pprint.pformat(settings), "rich": repr(list(rich())),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(settings_classes()), ids=lambda kind: kind.__qualname__)
def test_what_may_hold_a_secret_is_left_out_when_settings_are_shown(
    kind: type[BaseSettings],
) -> None:
    shown = {
        name
        for name, field in kind.model_fields.items()
        if SECRETIVE.search(name) and not name.endswith("_file") and field.repr
    }

    assert shown == set()


def test_the_classes_are_found() -> None:
    """The negative control: the one with the password is among them."""
    names = {kind.__name__ for kind in settings_classes()}

    assert {"BrokerSettings", "BridgeSettings", "SchedulerSettings", "LoggerSettings"} <= names
    assert BrokerSettings.model_fields["password"].repr is False


@pytest.mark.parametrize("source", ["WATTBUS_MQTT_PASSWORD", "WATTBUS_MQTT_PASSWORD_FILE"])
def test_no_way_of_showing_settings_shows_the_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    (tmp_path / "password").write_text(SECRET)
    (tmp_path / "site.toml").write_text(
        '[site]\nfuse_power_w = 11000\n[[station]]\nid = "car1"\nurl = "http://127.0.0.1:9"\n'
    )
    monkeypatch.setenv("WATTBUS_SITE_FILE", str(tmp_path / "site.toml"))
    monkeypatch.setenv(source, str(tmp_path / "password") if source.endswith("FILE") else SECRET)

    broker, bridge = load(BrokerSettings), load_bridge()

    assert broker.read_password() == bridge.broker.read_password() == SECRET
    for settings in (broker, bridge):
        assert [way for way, text in ways_to_show(settings).items() if SECRET in text] == []


@pytest.mark.parametrize("wrong", [{"PORT": "0"}, {"HOST": "a..b"}, {"CA_FILE": "/no/such"}])
def test_no_mistake_in_the_settings_shows_the_password(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD", SECRET)
    for name, value in wrong.items():
        monkeypatch.setenv(f"WATTBUS_MQTT_{name}", value)

    with pytest.raises(BadSetting) as caught:
        load(BrokerSettings)

    assert SECRET not in str(caught.value)
    # Pydantic's own text shows what it was given, so it must never be what people see.
    assert caught.value.code == str(caught.value)


def git(*arguments: str) -> list[str]:
    """What git answers, as lines; 1 means that it has found nothing."""
    if not (ROOT / ".git").exists():
        missing("this is no git checkout", "git clone the project")
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def test_git_knows_no_file_that_would_be_a_secret() -> None:
    secretive = re.compile(r"(^|/)(\.env|password|passwd|.*\.(key|pem|p12|crt|csr))$")

    assert [name for name in git("ls-files") if secretive.search(name)] == []


def test_git_knows_no_private_key() -> None:
    assert git("grep", "-lE", "-e", "-----BEGIN ([A-Z]+ )?PRIVATE KEY-----") == []


@pytest.fixture(scope="module")
def prepared(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A broker's folder as a local run has it, with accounts and certificates, but elsewhere."""
    folder = tmp_path_factory.mktemp("prepared")
    script = ROOT / "broker" / "prepare-local.sh"
    environment = {**os.environ, "PATH": SEARCH_PATH}
    subprocess.run(["sh", script, folder, "1883", "127.0.0.1", "tls"], env=environment, check=True)
    return folder


def test_git_knows_no_password_that_was_made_on_this_machine(prepared: Path) -> None:
    files = [*prepared.glob("secrets/*/password"), *ROOT.glob(".wattbus/**/secrets/*/password")]

    assert len(files) > 5
    # The control: what git does know is found in this way.
    assert git("grep", "-lF", "-e", prepared.joinpath("secrets").name) != []
    for file in files:
        assert git("grep", "-lF", "-e", file.read_text()) == [], file


def test_nothing_that_a_local_run_makes_would_be_added_to_git(prepared: Path) -> None:
    made = [f"{path.relative_to(prepared)}" for path in prepared.rglob("*") if path.is_file()]
    names = [".env", *(f".wattbus/{run}/{name}" for run in ("demo", "up") for name in made)]

    ignored = git("check-ignore", "--no-index", *names)

    assert "secrets/viewer/password" in made
    assert any(name.endswith(".key") for name in made)
    assert set(names) - set(ignored) == set()
    assert git("check-ignore", "--no-index", "README.md") == []
