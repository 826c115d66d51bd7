"""Stations as tests need them."""

from wattbus_contract.facts import Control
from wattbus_station_bridge.control.levels import Levels

SWITCH = Levels(Control.SWITCH, (1,), 230.0, 32.17, 32.17, 32.17, 7400.0)
CURRENT_1 = Levels(Control.CURRENT, (1,), 230.0, 6.0, 32.0, 1.0, 7360.0)
CURRENT_3 = Levels(Control.CURRENT, (1, 2, 3), 230.0, 6.0, 16.0, 1.0, 11_040.0)
