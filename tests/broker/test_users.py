"""Users and their passwords: made at the first start, kept, hashed, never shown."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from fixtures.availability import missing
from fixtures.broker_process import ROOT, SEARCH_PATH, BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder

USERS = re.findall(r"^user +(\S+)", (ROOT / "broker" / "acl").read_text(), re.MULTILINE)


def set_up(folder: Path, shell: tuple[str, ...] = ("sh",), **by_hand: str) -> str:
    """Run the set-up as the broker-setup container does; the output, or RuntimeError with it."""
    done = subprocess.run(
        [
            *shell,
            ROOT / "broker" / "setup-users.sh",
            ROOT / "broker" / "acl",
            folder / "auth",
            folder / "secrets",
        ],
        env={"PATH": os.environ["PATH"] + os.pathsep + SEARCH_PATH, **by_hand},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout + done.stderr


def passwords(folder: Path) -> dict[str, str]:
    return {user: (folder / "secrets" / user / "password").read_text() for user in USERS}


@pytest.fixture
def folder(mosquitto: str, tmp_path: Path) -> Path:
    return tmp_path


def test_every_user_gets_a_long_password_of_its_own(folder: Path) -> None:
    set_up(folder)

    made = passwords(folder)

    assert len(set(made.values())) == len(USERS)
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in made.values())


def test_a_second_run_keeps_the_passwords(folder: Path) -> None:
    set_up(folder)
    before = passwords(folder)

    set_up(folder)

    assert passwords(folder) == before


def test_the_set_up_runs_in_the_shell_of_the_container_image(folder: Path) -> None:
    busybox = shutil.which("busybox", path=SEARCH_PATH)
    if busybox is None:
        missing(
            "busybox, whose shell the container image has, is not installed",
            "sudo apt-get install busybox",
        )

    set_up(folder, shell=(busybox, "sh"))

    assert len(passwords(folder)) == len(USERS)


def test_a_password_set_by_hand_is_used_and_stays(folder: Path) -> None:
    set_up(folder, VIEWER_PASSWORD="read-only-please", STATION_BRIDGE_PASSWORD="another~one")

    set_up(folder)

    assert passwords(folder)["viewer"] == "read-only-please"
    assert passwords(folder)["station-bridge"] == "another~one"


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("short", "VIEWER_PASSWORD: at least 8 characters, not 5"),
        ("with:colon:inside", "VIEWER_PASSWORD: only letters, digits and"),
        ("with a blank", "VIEWER_PASSWORD: only letters, digits and"),
    ],
)
def test_a_password_that_the_tools_would_misread_is_refused(
    folder: Path, password: str, complaint: str
) -> None:
    with pytest.raises(RuntimeError, match=complaint) as refusal:
        set_up(folder, VIEWER_PASSWORD=password)

    assert password not in str(refusal.value)
    assert not (folder / "auth" / "passwd").exists()


def test_plain_passwords_are_in_files_of_their_owner_only(folder: Path) -> None:
    output = set_up(folder)

    hashes = (folder / "auth" / "passwd").read_text()
    for user, password in passwords(folder).items():
        file = folder / "secrets" / user / "password"
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert password not in hashes
        assert password not in output
        assert f"{user}:$7$" in hashes
    assert sorted(path.name for path in (folder / "auth").iterdir()) == ["acl", "passwd"]


def test_a_refused_set_up_leaves_no_plain_passwords_beside_the_hashes(folder: Path) -> None:
    set_up(folder)

    with pytest.raises(RuntimeError):
        set_up(folder, VIEWER_PASSWORD="no")

    assert sorted(path.name for path in (folder / "auth").iterdir()) == ["acl", "passwd"]


def test_nobody_connects_without_a_password(broker: BrokerProcess) -> None:
    with pytest.raises(PermissionError, match="Not authorized"):
        MqttRecorder(broker.host, broker.port)


@pytest.mark.parametrize("user", [*USERS, "nobody"])
def test_a_wrong_password_is_refused(broker: BrokerProcess, user: str) -> None:
    with pytest.raises(PermissionError, match="Not authorized"):
        MqttRecorder(broker.host, broker.port, user, "wrong-password")


def test_the_log_tells_of_the_start_but_no_password(broker: BrokerProcess) -> None:
    with pytest.raises(PermissionError):
        MqttRecorder(broker.host, broker.port, "viewer", "a-wrong-password")

    log = broker.log()

    assert " running" in log
    assert "a-wrong-password" not in log
    assert not [user for user in USERS if broker.password(user) in log]
