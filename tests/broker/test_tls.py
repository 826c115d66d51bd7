"""The encrypted broker: services reach it, nobody reads along, and nobody can play it."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.broker_process import ROOT, BrokerProcess
from fixtures.mqtt_recorder import MqttRecorder
from fixtures.sessions import make_session, read_until_dead, running, settings_for, wait_until
from wattbus_contract import topics

SITE_FILE = """
[site]
fuse_power_w = 11000
[[station]]
id = "car1"
url = "http://127.0.0.1:9"
"""
SERVICES = {
    "station-bridge": "wattbus_station_bridge",
    "scheduler": "wattbus_scheduler",
    "logger": "wattbus_logger",
}


@pytest.fixture(scope="module")
def tls_broker(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path_factory.mktemp("tls"), mosquitto, has_tls=True)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def viewer(tls_broker: BrokerProcess) -> Iterator[MqttRecorder]:
    with client_of(tls_broker, ca_file=tls_broker.ca_file) as client:
        yield client


def client_of(
    broker: BrokerProcess, ca_file: Path | None, host: str = "127.0.0.1", timeout_s: float = 10.0
) -> MqttRecorder:
    return MqttRecorder(
        host, broker.port, "viewer", broker.password("viewer"), ca_file=ca_file, timeout_s=timeout_s
    )


@pytest.fixture
def other_ca(tmp_path: Path) -> Path:
    """An authority that did not sign the broker's certificate."""
    script = ROOT / "broker" / "make-certificates.sh"
    subprocess.run(["sh", script, tmp_path / "other"], check=True, capture_output=True)
    return tmp_path / "other" / "ca" / "ca.crt"


@pytest.fixture
def other_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host name that leads to the broker but does not stand in its certificate."""
    really = socket.getaddrinfo

    def lead(host: str, *rest: object, **options: object) -> object:
        return really("127.0.0.1" if host == "elsewhere.example" else host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lead)
    return "elsewhere.example"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_connects_with_the_authority_in_its_settings(
    tls_broker: BrokerProcess, viewer: MqttRecorder, site: str, tmp_path: Path, service: str
) -> None:
    (tmp_path / "site.toml").write_text(SITE_FILE)
    viewer.subscribe(topics.SERVICE_STATUS.filter(site))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{SERVICES[service]}.main"],
            env={
                **os.environ,
                "WATTBUS_SITE": site,
                "WATTBUS_SITE_FILE": str(tmp_path / "site.toml"),
                "WATTBUS_STATE_DIR": str(tmp_path / "state"),
                "WATTBUS_DATA_DIR": str(tmp_path / "data"),
                "WATTBUS_HEALTH_FILE": str(tmp_path / "health"),
                "WATTBUS_MQTT_HOST": "localhost",
                "WATTBUS_MQTT_PORT": str(tls_broker.port),
                "WATTBUS_MQTT_USERNAME": service,
                "WATTBUS_MQTT_PASSWORD_FILE": str(tls_broker.password_file(service)),
                "WATTBUS_MQTT_CA_FILE": str(tls_broker.ca_file),
            },
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    try:
        viewer.wait_for(lambda m: f"/{service}/" in m.topic and m.json["status"] == "up", 30)
    finally:
        process.terminate()
        process.wait(15)


def test_a_session_is_encrypted(tls_broker: BrokerProcess, site: str) -> None:
    with running(make_session(tls_broker, "scheduler", site)) as session:
        sock = session._connection._client.socket()

        assert isinstance(sock, ssl.SSLSocket)
        assert sock.version() in {"TLSv1.2", "TLSv1.3"}


def test_without_the_authority_the_broker_is_not_trusted(
    tls_broker: BrokerProcess, other_ca: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        client_of(tls_broker, other_ca)


def test_under_another_name_the_broker_is_not_trusted(
    tls_broker: BrokerProcess, other_name: str
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        client_of(tls_broker, tls_broker.ca_file, other_name)


def test_a_service_that_is_led_elsewhere_ends_and_names_the_settings(
    tls_broker: BrokerProcess, site: str, other_name: str
) -> None:
    settings = settings_for(tls_broker, "scheduler", host=other_name)

    fault = read_until_dead(make_session(tls_broker, "scheduler", site, settings=settings))

    assert "WATTBUS_MQTT_CA_FILE and WATTBUS_MQTT_HOST" in fault
    assert "Hostname mismatch" in fault


def test_plain_text_is_refused(tls_broker: BrokerProcess) -> None:
    with pytest.raises(ConnectionError):
        client_of(tls_broker, None, timeout_s=2.0)


def test_the_plain_broker_would_have_taken_it(broker: BrokerProcess) -> None:
    """The negative control: the same client, the same settings but for the listener."""
    with client_of(broker, None, timeout_s=2.0) as client:
        client.subscribe(topics.everything("anywhere"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_protocols_are_refused(tls_broker: BrokerProcess) -> None:
    context = ssl.create_default_context(cafile=tls_broker.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    # Else this client refuses by itself.
    context.set_ciphers("ALL:@SECLEVEL=0")

    with (
        socket.create_connection((tls_broker.host, tls_broker.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)alert (protocol version|internal error)"),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def shown_certificate(broker: BrokerProcess) -> bytes:
    """The certificate that the broker shows, after the strictest check that Python has."""
    context = ssl.create_default_context(cafile=broker.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((broker.host, broker.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="broker") as encrypted,
    ):
        shown = encrypted.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_a_renewed_certificate_is_shown_after_a_hang_up_and_nobody_is_cut_off(
    tls_broker: BrokerProcess, viewer: MqttRecorder, site: str
) -> None:
    before = shown_certificate(tls_broker)
    topic = topics.SITE_INFO.topic(site)
    viewer.subscribe(topic)
    with running(make_session(tls_broker, "station-bridge", site)) as session:
        script = ROOT / "broker" / "make-certificates.sh"
        folder = tls_broker.folder / "certificates"
        subprocess.run(["sh", script, "--renew", folder], check=True, capture_output=True)

        tls_broker.hang_up()
        wait_until(lambda: shown_certificate(tls_broker) != before, "it shows the new one")
        session.send(topic, b"still here")

        viewer.wait_for(lambda m: m.payload == b"still here")
        assert session.connection == 1


def test_neither_key_nor_password_is_logged(tls_broker: BrokerProcess) -> None:
    wait_until(lambda: "running" in tls_broker.log(), "it says that it is running")

    log = tls_broker.log()

    assert "PRIVATE KEY" not in log
    assert tls_broker.password("viewer") not in log
