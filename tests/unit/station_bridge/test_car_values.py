"""What the site file says of a car is what the station's info says."""

from pathlib import Path

from unit.station_bridge.test_site import TRAITS
from wattbus_contract.facts import CurveCorner
from wattbus_station_bridge import assembly, messages, settings

SITE = """
[site]
fuse_power_w = 11000
[[station]]
id = "car1"
url = "http://x"
[station.car]
"""


def info_of(tmp_path: Path, text: str) -> dict[str, object]:
    (tmp_path / "site.toml").write_text(SITE + text)
    file = settings.load_site_file(tmp_path / "site.toml", {})
    [desk] = assembly.make_desks(file, {}).values()
    return messages.station_info(desk, TRAITS).model_dump(exclude_none=True)


def test_curve_wear_and_losses_are_told(tmp_path: Path) -> None:
    text = """
    charging_curve = [[90, 7400], [100, 2000]]
    overhead_w = 150
    high_soc_percent = 80
    high_soc_price_per_kwh_h = 0.01
    high_power_w = 5000
    high_power_price_per_kwh = 0.05
    """

    info = info_of(tmp_path, text)

    assert info["charging_curve"] == tuple(
        CurveCorner(soc_percent=soc, max_power_w=power_w).model_dump()
        for soc, power_w in ((90, 7400), (100, 2000))
    )
    assert (info["high_soc_percent"], info["high_soc_price_per_kwh_h"]) == (80, 0.01)
    assert (info["high_power_w"], info["high_power_price_per_kwh"]) == (5000, 0.05)
    assert info["overhead_w"] == 150


def test_what_is_not_given_is_left_out(tmp_path: Path) -> None:
    told = info_of(tmp_path, "")

    assert not {"charging_curve", "overhead_w", "high_soc_percent", "high_power_w"} & told.keys()
