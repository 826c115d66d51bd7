"""What a station can do: as it says itself, and as the site file has it instead."""

from dataclasses import replace

from wattbus_station_bridge.control.levels import Levels
from wattbus_station_bridge.site_file import StationTable
from wattbus_station_bridge.stations.reading import StationTraits


def with_table(traits: StationTraits, table: StationTable) -> StationTraits:
    """Return a station's traits with what the site file says instead."""
    capacity_kwh = table.car.battery_capacity_kwh
    instead: dict[str, object] = {
        "name": table.name,
        "control": table.control,
        "phases": table.phases,
        "voltage_v": table.voltage_v,
        "min_current_a": table.min_current_a,
        "max_current_a": table.max_current_a,
        "current_step_a": table.current_step_a,
        "max_power_w": table.max_power_w,
        "battery_capacity_wh": None if capacity_kwh is None else capacity_kwh * 1000,
        "charging_efficiency": table.car.charging_efficiency,
        "car_name": table.car.name,
    }
    given = {key: value for key, value in instead.items() if value is not None}
    return replace(traits, **given)  # type: ignore[arg-type]  # types were checked with the file


def levels_of(traits: StationTraits) -> Levels:
    """Return the levels that a station can hold."""
    return Levels(
        control=traits.control,
        phases=traits.phases,
        voltage_v=traits.voltage_v,
        min_current_a=traits.min_current_a,
        max_current_a=traits.max_current_a,
        current_step_a=traits.current_step_a,
        max_power_w=traits.max_power_w,
    )
