"""The house under test: three cars behind 3 x 25 A, a load and prices that keep changing."""

from pathlib import Path

SITE = "chaos"
FUSE_A = 25.0
VOLTAGE_V = 230.0
SECONDS_PER_HOUR = 12.0
"""A quarter of an hour, in which prices and load hold, takes three seconds of the wall."""
STATIONS = ("car1", "car2", "car3")
FAILSAFE_W = {"car1": 0.0, "car2": 6 * VOLTAGE_V, "car3": 6 * VOLTAGE_V * 3}
"""What 6 A come to: too little for a station that only knows on and off with 16 A."""

POLL_INTERVAL_S = 0.2
FAILSAFE_AFTER_S = 4.0
LEASE_TTL_S = 3.0

_SCENARIO = f"""
name = "chaos"
[clock]
start_at = 2025-01-15T00:00:00
time_zone = "Europe/Stockholm"
seconds_per_hour = {SECONDS_PER_HOUR}
[household]
phases = 3
voltage_v = {VOLTAGE_V}
fuse_w = {3 * FUSE_A * VOLTAGE_V}
load_shares = [0.4, 0.35, 0.25]
[household.load]
file = "quarters.csv"
column = "load_w"
[prices]
file = "quarters.csv"
column = "price_per_kwh"
currency = "SEK"
includes_vat = true
source = "chaos"
[[stations]]
id = "car1"
control = "switch"
phases = [1]
power_w = 3680
[stations.car]
battery_capacity_kwh = 200
soc_percent = 20
[[stations]]
id = "car2"
control = "current"
phases = [2]
[stations.car]
battery_capacity_kwh = 200
soc_percent = 20
charging_efficiency = 0.9
[[stations]]
id = "car3"
control = "current"
phases = [1, 2, 3]
max_current_a = 16
[stations.car]
battery_capacity_kwh = 200
soc_percent = 20
phases = 3
"""

_SITE = f"""
[site]
id = "{SITE}"
phases = 3
voltage_v = {VOLTAGE_V}
fuse_current_a = {FUSE_A}
poll_interval_s = {POLL_INTERVAL_S}
failsafe_after_s = {FAILSAFE_AFTER_S}
lease_ttl_s = {LEASE_TTL_S}
[prices]
source = "station:car1"
[base_load]
source = "station:car1"
"""

_STATION = """
[[station]]
id = "{name}"
url = "{url}"
timeout_s = 2
[station.goal]
target_soc_percent = 95
departure_after_h = 20
"""


def write_scenario(folder: Path) -> Path:
    """Write the simulator's scenario and return its path.

    Two quarters of three are cheap, and in every other one the house takes 4 kW more, so that
    limits change every few seconds and the fuse cannot carry all three cars.
    """
    rows = ["start,load_w,price_per_kwh"]
    for quarter in range(96):
        load_w = 4600 if quarter % 2 else 600
        price = 0.9 if quarter % 3 == 2 else 0.2
        rows.append(f"{quarter // 4:02d}:{quarter % 4 * 15:02d},{load_w},{price}")
    (folder / "quarters.csv").write_text("\n".join(rows) + "\n")
    path = folder / "chaos.toml"
    path.write_text(_SCENARIO)
    return path


def write_site_file(path: Path, station_port: int) -> Path:
    """Write the bridge's site file, with the stations behind a port of this machine."""
    url = f"http://127.0.0.1:{station_port}"
    path.write_text(_SITE + "".join(_STATION.format(name=name, url=url) for name in STATIONS))
    return path
