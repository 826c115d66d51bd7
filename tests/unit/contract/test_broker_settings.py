"""A bad setting stops the start in one line that names it, and shows no password."""

from pathlib import Path

import pytest

from wattbus_contract.broker_settings import BadSetting, BrokerSettings, load


def test_defaults_are_for_a_broker_on_this_machine() -> None:
    settings = load(BrokerSettings)

    assert (settings.host, settings.port) == ("localhost", 1883)
    assert settings.read_password() is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "mqtt", "valid integer"),
        ("HOST", "", "at least 1 character"),
        ("HOST", "a..b", "is no host name"),
        ("USERNAME", "Wrong Name", "pattern"),
        ("KEEPALIVE_S", "1", "greater than or equal to 2"),
        ("PASSWORD_FILE", "/no/such/file", "not a readable file"),
        ("CA_FILE", "/no/such/file", "not a readable file"),
        ("MAX_BRIEF_CONNECTIONS", "0", "greater than or equal to 1"),
        ("BRIEF_CONNECTION_S", "nan", "less than or equal to 3600"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"WATTBUS_MQTT_{name}", value)

    with pytest.raises(BadSetting) as caught:
        load(BrokerSettings)

    line = str(caught.value)
    assert "\n" not in line
    assert said in line
    assert f"WATTBUS_MQTT_{name} = {value!r}: " in line


def test_a_password_is_read_from_its_file_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("from-the-file\n")
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD", "from-the-environment")
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD_FILE", str(tmp_path / "password"))

    settings = load(BrokerSettings)

    assert settings.read_password() == "from-the-file"
    assert "from-the" not in repr(settings)


def test_a_bad_setting_beside_a_password_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD", "secret-word")
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD_FILE", "/no/such/file")
    monkeypatch.setenv("WATTBUS_MQTT_PORT", "0")

    with pytest.raises(BadSetting) as caught:
        load(BrokerSettings)

    assert "secret-word" not in str(caught.value)
