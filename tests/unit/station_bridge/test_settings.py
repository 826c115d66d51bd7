from pathlib import Path

import pytest

from wattbus_contract.broker_settings import BadSetting
from wattbus_station_bridge import settings
from wattbus_station_bridge.command_line import show
from wattbus_station_bridge.main import main

ROOT = Path(__file__).resolve().parents[3]
GOOD = """
[site]
fuse_power_w = 11000

[[station]]
id = "car1"
url = "http://127.0.0.1:5000"
"""


def mistake_in(tmp_path: Path, text: str, **environ: str) -> str:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(BadSetting) as raised:
        settings.load_site_file(path, environ)
    return str(raised.value)


@pytest.mark.parametrize(
    ("was", "becomes", "complaints"),
    [
        ("fuse_power_w = 11000", "fuse_power_w = -1", ["site.fuse_power_w = -1", "greater than 0"]),
        ("fuse_power_w = 11000", "fuse_power_w = nan", ["site.fuse_power_w", "finite"]),
        ("fuse_power_w = 11000", 'fuse_power_w = "big"', ["site.fuse_power_w = 'big'", "number"]),
        ("fuse_power_w = 11000", "", ["site", "fuse_power_w", "fuse_current_a"]),
        ("fuse_power_w", "fuse_powr_w", ["site.fuse_powr_w: unknown key", "mean fuse_power_w?"]),
        ("[site]", "[sight]\n[site]", ["sight: unknown key", "mean site?"]),
        ("[site]", '[site]\ntime_zone = "Europe"', ["site.time_zone = 'Europe'"]),
        ("[site]", '[site]\ntime_zone = "Mars"', ["site.time_zone = 'Mars'", "Europe/Stockholm"]),
        ("[site]", '[site]\ncurrency = "kr"', ["site.currency = 'kr'"]),
        ("[site]", "[site]\nphases = 4", ["site.phases = 4", "less than or equal to 3"]),
        ("[site]", '[site]\nid = "My House"', ["site.id = 'My House'"]),
        ('id = "car1"', 'id = "Car 1"', ["station.Car 1.id = 'Car 1'"]),
        ("http:", "ftp:", ["station.car1.url", "must be a URL such as"]),
        ('id = "car1"', 'id = "car1"\nkind = "ocpp"', ["station.car1.kind", "'course'"]),
        ('id = "car1"', 'id = "car1"\nphases = [3]', ["station.car1.phases = [3]", "1 phase"]),
        ('id = "car1"', 'id = "car1"\nphases = [1, 1]', ["station.car1.phases", "at most once"]),
        ("[[station]]", "[[stations]]", ["stations: unknown key", "mean station?"]),
        ('id = "car1"', "", ["station.number 1.id", "required"]),
        (
            "[[station]]",
            '[prices]\nsource = "station:car9"\n[[station]]',
            ["prices.source = 'station:car9'", "no such station"],
        ),
        (
            "[[station]]",
            '[prices]\nsource = "elsewhere"\n[[station]]',
            ["prices.source = 'elsewhere'"],
        ),
        (
            "[[station]]",
            '[solar]\nsource = "station:car1"\n[[station]]',
            ["solar.source = 'station:car1'", "needs [base_load]"],
        ),
        (
            "[[station]]",
            (
                '[base_load]\nsource = "station:car1"\n[solar]\nsource = "station:car1"\n'
                '[[station]]\nkind = "course"'
            ),
            ["solar.source = 'station:car1'", "a course station", "give a file"],
        ),
        (
            '5000"\n',
            '5000"\n[station.car]\ncharging_curve = [[90, 7400], [80, 2000]]\n',
            ["station.car1.car.charging_curve", "rising percent"],
        ),
        (
            '5000"\n',
            '5000"\n[station.car]\ncharging_curve = [[90, 7400], [100, 0]]\n',
            ["station.car1.car.charging_curve.1.1 = 0", "greater than 0"],
        ),
        (
            '5000"\n',
            '5000"\n[station.car]\nhigh_soc_price_per_kwh_h = 0.1\n',
            ["station.car1.car", "needs high_soc_percent"],
        ),
        (
            '5000"\n',
            '5000"\n[station.car]\nhigh_power_price_per_kwh = 0.1\n',
            ["station.car1.car", "needs high_power_w"],
        ),
        (
            '5000"\n',
            '5000"\n[station.car]\noverhead = 150\n',
            ["station.car1.car.overhead: unknown key", "mean overhead_w?"],
        ),
        (
            "[[station]]",
            "[tariff]\npeak_hours = 3\n[[station]]",
            ["tariff", "peak_hours needs peak_price_per_kw"],
        ),
        (
            "[[station]]",
            "[tariff]\npeak_price_per_kw = 80\npeak_hours = 0\n[[station]]",
            ["tariff.peak_hours = 0", "greater than or equal to 1"],
        ),
        (
            "[[station]]",
            '[co2]\nsource = "station:car1"\n[[station]]',
            ["co2.source = 'station:car1'", "takes a file"],
        ),
        (
            "[[station]]",
            '[co2]\nsource = "file:co2.csv"\n[[station]]',
            ["co2.source = 'file:co2.csv'", "needs [prices]"],
        ),
        (
            "[[station]]",
            "[co2]\nprice_per_kilo = 1\n[[station]]",
            ["co2.price_per_kilo: unknown key", "mean price_per_kg?"],
        ),
        (
            "[[station]]",
            '[solar]\nsource = "roof"\n[[station]]',
            ["solar.source = 'roof'"],
        ),
        (
            "[[station]]",
            "[tariff]\nfeed_in_price_per_kwh = 1\nfeed_in_spot_factor = 1\n[[station]]",
            ["tariff", "feed_in_price_per_kwh or feed_in_spot_factor, not both"],
        ),
        (
            "[[station]]",
            "[tariff]\nfeed_in_fee_per_kwh = -0.1\n[[station]]",
            ["tariff", "feed_in_fee_per_kwh needs feed_in_spot_factor"],
        ),
        (
            "[[station]]",
            "[tariff]\nfeed_in_spot_faktor = 1\n[[station]]",
            ["tariff.feed_in_spot_faktor: unknown key", "mean feed_in_spot_factor?"],
        ),
        (
            '5000"\n',
            '5000"\n[station.goal]\ntarget_soc = 80\n',
            ["station.car1.goal.target_soc: unknown key", "mean target_soc_percent?"],
        ),
        (
            '5000"\n',
            '5000"\n[station.goal]\ntarget_soc_percent = 101\n',
            ["station.car1.goal.target_soc_percent = 101"],
        ),
        (
            '5000"\n',
            '5000"\n[station.goal]\ndeparture_time = "7 o\'clock"\n',
            ["station.car1.goal.departure_time"],
        ),
        (
            '5000"\n',
            '5000"\n[station.goal]\nweekdays = ["friday"]\n',
            ["station.car1.goal.weekdays.0 = 'friday'", "'fri'"],
        ),
        (
            '5000"\n',
            '5000"\n[station.goal]\nmax_current_a = 0\n',
            ["station.car1.goal.max_current_a = 0", "greater than 0"],
        ),
        (
            '5000"\n',
            '5000"\n[[station.goal.weekly]]\ndays = ["mon"]\ndeparture = "07:00"\n',
            ["station.car1.goal.weekly.0.departure: unknown key", "mean departure_time?"],
        ),
        (
            '5000"\n',
            '5000"\n[[station.goal.weekly]]\ndays = []\ndeparture_time = "07:00"\n',
            ["station.car1.goal.weekly.0.days"],
        ),
        (
            '5000"\n',
            (
                '5000"\n[station.goal]\ndeparture_time = "07:00"\n'
                '[[station.goal.weekly]]\ndays = ["mon"]\ndeparture_time = "07:00"\n'
            ),
            ["station.car1.goal", "weekly, or departure_time"],
        ),
        ("[site]", "[site", ["is not TOML"]),
    ],
)
def test_a_mistake_names_the_key_its_value_and_what_is_allowed(
    tmp_path: Path, was: str, becomes: str, complaints: list[str]
) -> None:
    assert was in GOOD

    message = mistake_in(tmp_path, GOOD.replace(was, becomes, 1))

    assert all(complaint in message for complaint in complaints), message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = mistake_in(tmp_path, GOOD.replace("11000", "-1").replace("http:", "ftp:"))

    assert "site.fuse_power_w" in message
    assert "station.car1.url" in message


def test_two_stations_of_one_id_are_refused(tmp_path: Path) -> None:
    assert "each id may stand once" in mistake_in(
        tmp_path, GOOD + '[[station]]\nid = "car1"\nurl = "http://127.0.0.1:1"\n'
    )


def test_a_site_without_stations_is_refused(tmp_path: Path) -> None:
    assert "station" in mistake_in(tmp_path, "[site]\nfuse_power_w = 1\n")


def load(tmp_path: Path, **environ: str) -> settings.SiteFile:
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    return settings.load_site_file(path, environ)


def test_the_environment_overrides_any_key(tmp_path: Path) -> None:
    file = load(
        tmp_path,
        WATTBUS_BRIDGE__SITE__FUSE_POWER_W="9000",
        WATTBUS_BRIDGE__STATION__CAR1__URL="http://simulator:5000/",
        WATTBUS_BRIDGE__STATION__CAR1__GOAL__DEPARTURE_TIME="06:30",
        WATTBUS_BRIDGE__STATION__CAR1__PHASES="[1]",
        WATTBUS_BRIDGE__PRICES__SOURCE="station:car1",
        WATTBUS_MQTT_HOST="ignored",
    )

    assert file.site.fuse_power_w == 9000
    assert file.station[0].url == "http://simulator:5000"
    assert str(file.station[0].goal.departure_time) == "06:30:00"
    assert file.station[0].phases == (1,)
    assert file.prices.station == "car1"


def test_an_override_of_an_unknown_station_or_key_is_a_mistake_too(tmp_path: Path) -> None:
    assert "car9" in mistake_in(tmp_path, GOOD, WATTBUS_BRIDGE__STATION__CAR9__URL="http://x")
    assert "site.fuse_powr_w: unknown key" in mistake_in(
        tmp_path, GOOD, WATTBUS_BRIDGE__SITE__FUSE_POWR_W="1"
    )


@pytest.mark.parametrize(
    ("keys", "total_w", "phase_w"),
    [
        ("fuse_power_w = 11000", 11_000, 11_000),
        ("phases = 3\nfuse_current_a = 25", 17_250, 5750),
        ("phases = 3\nfuse_power_w = 12000", 12_000, 4000),
        ("phases = 3\nfuse_power_w = 11000\nfuse_current_a = 25", 11_000, 5750),
    ],
)
def test_a_fuse_is_given_in_watts_or_amperes(
    tmp_path: Path, keys: str, total_w: float, phase_w: float
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(GOOD.replace("fuse_power_w = 11000", keys))

    site = settings.load_site_file(path, {}).site

    assert site.max_power_w == total_w
    assert site.max_phase_power_w == phase_w


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "sites").glob("*.toml")), ROOT / "services/station-bridge/site.example.toml"],
    ids=lambda path: path.name,
)
def test_every_file_that_comes_with_the_project_is_good(path: Path) -> None:
    assert settings.load_site_file(path, {}).station


def test_the_example_shows_every_key() -> None:
    text = (ROOT / "services/station-bridge/site.example.toml").read_text()

    for tables in settings.TABLES.values():
        for key, field in tables.model_fields.items():
            is_table = f"[{key}]" in text or f".{key}]" in text or f"[[{key}]]" in text
            assert is_table or f"{key} = " in text, f"{key} of {field} is not shown"


def test_check_prints_the_settings_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text(GOOD)
    monkeypatch.setenv("WATTBUS_SITE_FILE", str(tmp_path / "site.toml"))
    monkeypatch.setenv("WATTBUS_SITE", "elsewhere")
    monkeypatch.setenv("WATTBUS_MQTT_PASSWORD", "very-secret")

    assert main(["--check"]) == 0

    printed = capsys.readouterr().out
    assert '"id": "elsewhere"' in printed
    assert "very-secret" not in printed
    assert show is not None


def test_without_a_site_file_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTBUS_SITE_FILE", raising=False)

    with pytest.raises(SystemExit, match="WATTBUS_SITE_FILE"):
        main(["--check"])
