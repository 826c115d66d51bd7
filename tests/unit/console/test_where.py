"""Which broker a command talks to: options, then environment, then a local run."""

from pathlib import Path

import pytest

from wattbus_console import run_folder, where
from wattbus_console.mistakes import Mistake
from wattbus_console.run_folder import FolderLock, RunFacts
from wattbus_console.where import Given


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "prepare-local.sh").write_text("")
    return tmp_path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "USERNAME", "PASSWORD", "PASSWORD_FILE"):
        monkeypatch.delenv(f"WATTBUS_MQTT_{name}", raising=False)
    # No compose stack is asked.
    monkeypatch.setenv("PATH", "/nonexistent")


def local_run(project: Path, port: int, site: str = "home") -> FolderLock:
    folder = project / ".wattbus" / f"run-{port}"
    secret = folder / "secrets" / "console"
    secret.mkdir(parents=True)
    (secret / "password").write_text("secret")
    run_folder.write_facts(
        folder,
        RunFacts(1, "127.0.0.1", port, site, str(folder / "secrets"), "/data", None),
    )
    return FolderLock(folder, "run")


def test_a_living_run_is_found_with_its_password(project: Path) -> None:
    lock = local_run(project, 1999, "villa")

    place = where.find(Given(), {"WATTBUS_HOME": str(project)})

    assert (place.broker.host, place.broker.port, place.site) == ("127.0.0.1", 1999, "villa")
    assert (place.broker.username, place.broker.read_password()) == ("console", "secret")
    lock.release()


def test_a_run_that_has_ended_is_not_found(project: Path) -> None:
    local_run(project, 1999).release()

    place = where.find(Given(), {"WATTBUS_HOME": str(project)})

    assert (place.broker.host, place.broker.port, place.site) == ("localhost", 1883, "home")


def test_a_host_on_the_command_line_goes_before_a_local_run(project: Path) -> None:
    lock = local_run(project, 1999)

    place = where.find(Given(host="broker.local"), {"WATTBUS_HOME": str(project)})

    assert (place.broker.host, place.broker.port) == ("broker.local", 1883)
    lock.release()


def test_the_environment_goes_before_a_local_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = local_run(project, 1999)
    environment = {"WATTBUS_HOME": str(project), "WATTBUS_MQTT_HOST": "broker"}
    monkeypatch.setenv("WATTBUS_MQTT_HOST", "broker")

    place = where.find(Given(site="villa"), environment)

    assert (place.broker.host, place.site) == ("broker", "villa")
    lock.release()


def test_the_port_chooses_among_runs(project: Path) -> None:
    locks = [local_run(project, 1998), local_run(project, 1999)]

    place = where.find(Given(port=1998), {"WATTBUS_HOME": str(project)})

    assert place.broker.port == 1998
    assert place.broker.read_password() == "secret"
    for lock in locks:
        lock.release()


def test_a_bad_setting_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBUS_MQTT_PORT", "99999")

    with pytest.raises(Mistake, match="WATTBUS_MQTT_PORT = '99999'"):
        where.find(Given(host="broker"), {"WATTBUS_HOME": str(project)})
