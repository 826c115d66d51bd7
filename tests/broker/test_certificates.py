"""The script that makes authority and certificate: who may read what, what is kept, what is new."""

import os
import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from fixtures.availability import missing
from fixtures.broker_process import ROOT

SCRIPT = ROOT / "broker" / "make-certificates.sh"


@pytest.fixture(autouse=True)
def openssl() -> str:
    """The path of the openssl program."""
    path = shutil.which("openssl")
    if path is None:
        missing("openssl is not installed", "sudo apt-get install openssl")
    return path


def make(folder: Path, *arguments: str, **environment: str) -> str:
    """Run the script and return what it says; what it complains of goes into the error."""
    done = subprocess.run(
        ["sh", SCRIPT, *arguments, folder] if "--renew" in arguments else
        ["sh", SCRIPT, folder, *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def names_of(folder: Path) -> set[str]:
    """The names in the certificate, as Python's own TLS reads them."""
    decoded = ssl._ssl._test_decode_cert(folder / "server" / "server.crt")  # type: ignore[attr-defined] # no public function reads a file
    return {name for _, name in decoded["subjectAltName"]}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_keys_are_for_their_owner_only_and_nothing_is_left_lying_about(tmp_path: Path) -> None:
    make(tmp_path)

    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "authority": 0o700, "authority/ca.key": 0o400,
        "ca": 0o755, "ca/ca.crt": 0o444,
        "server": 0o700, "server/server.key": 0o400, "server/server.crt": 0o444,
        "server/names": 0o444,
    }  # fmt: skip


def test_the_certificate_names_the_broker_and_what_is_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "energy.example.org", "a1.b2.c3.d4", TLS_NAMES="192.168.1.5 fd00::5 localhost")

    assert names_of(tmp_path) == {
        "broker", "localhost", "127.0.0.1",
        "energy.example.org", "a1.b2.c3.d4", "192.168.1.5", "FD00:0:0:0:0:0:0:5",
    }  # fmt: skip


def test_running_it_again_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, "energy.example.org")
    before = contents(tmp_path)

    said = make(tmp_path, "energy.example.org")

    assert contents(tmp_path) == before
    assert "is valid" in said


def test_other_names_make_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)

    make(tmp_path, TLS_NAMES="energy.example.org")

    assert changed(before, contents(tmp_path)) == {
        "server/server.key", "server/server.crt", "server/names",
    }  # fmt: skip


def test_it_is_renewed_on_demand_with_a_new_key(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)

    make(tmp_path, "--renew")

    assert changed(before, contents(tmp_path)) == {"server/server.key", "server/server.crt"}


@pytest.mark.parametrize(("days", "is_renewed"), [(29, True), (31, False)])
def test_it_is_renewed_a_month_before_its_end(
    tmp_path: Path, openssl: str, days: int, is_renewed: bool
) -> None:
    make(tmp_path)
    certificate = tmp_path / "server" / "server.crt"
    key, request = tmp_path / "server" / "server.key", tmp_path / "request"
    again = tmp_path / "again"
    for command in (
        ["req", "-new", "-key", key, "-subj", "/CN=broker", "-out", request],
        [
            "x509",
            "-req",
            "-in",
            request,
            "-days",
            str(days),
            "-set_serial",
            "7",
            "-out",
            again,
            "-CA",
            tmp_path / "ca" / "ca.crt",
            "-CAkey",
            tmp_path / "authority" / "ca.key",
        ],
    ):
        subprocess.run([openssl, *command], check=True, capture_output=True)
    ends_soon = again.read_bytes()
    again.replace(certificate)

    make(tmp_path)

    assert (certificate.read_bytes() != ends_soon) == is_renewed


@pytest.mark.parametrize("lost", ["authority/ca.key", "ca/ca.crt"])
def test_a_lost_authority_is_made_anew_and_signs_anew(tmp_path: Path, lost: str) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    (tmp_path / lost).unlink()

    make(tmp_path)

    assert changed(before, contents(tmp_path)) == before.keys() - {"server/names"}


def test_key_and_certificate_that_do_not_belong_together_are_replaced(tmp_path: Path) -> None:
    make(tmp_path)
    key = tmp_path / "server" / "server.key"
    other = tmp_path / "other"
    make(other)
    shutil.copy2(other / "server" / "server.key", tmp_path / "spare")
    (tmp_path / "spare").replace(key)
    shutil.rmtree(other)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(tmp_path / "server" / "server.crt", key)

    make(tmp_path)

    context.load_cert_chain(tmp_path / "server" / "server.crt", key)


@pytest.mark.parametrize("name", ["a,DNS:b", "-x", "a b;c", "fd00::g", "$(id)", ".local", "a\nb"])
def test_what_is_no_name_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no host name or IP address"):
        make(tmp_path, name)

    assert contents(tmp_path) == {}


def test_keys_never_get_into_git_or_into_an_image() -> None:
    """What `make` writes lies in `.wattbus`, and images get nothing but sources."""
    ignored = subprocess.run(
        ["git", "check-ignore", ".wattbus/certificates/authority/ca.key"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    sent = (ROOT / ".dockerignore").read_text().splitlines()

    assert ignored.returncode == 0
    assert [line for line in sent if line.startswith("!")] == [
        "!pyproject.toml",
        "!uv.lock",
        "!services",
    ]
    assert "*" in sent
