"""The command `wattbus-station-bridge`: its help, and a check of the settings."""

import argparse
import sys

from wattbus_station_bridge.settings import Settings

EXAMPLE = """\
example:
  WATTBUS_SITE_FILE=sites/demo.toml WATTBUS_MQTT_HOST=localhost \\
  WATTBUS_MQTT_PASSWORD_FILE=secrets/station-bridge/password \\
  WATTBUS_BRIDGE__STATION__CAR1__URL=http://127.0.0.1:5000 wattbus-station-bridge

settings:
  WATTBUS_SITE_FILE            the site file (TOML); see site.example.toml
  WATTBUS_STATE_DIR            folder for what outlives a restart (data/bridge-state)
  WATTBUS_SITE                 id of the site in topics, instead of site.id
  WATTBUS_LOG_LEVEL            DEBUG, INFO, WARNING or ERROR
  WATTBUS_MQTT_…               host, port, username, password_file, ca_file of the broker
  WATTBUS_BRIDGE__<TABLE>__<KEY>        any key of the site file: …__SITE__FUSE_POWER_W=9000
                                        …__SITE__SPOOL_MAX_MB=0 keeps nothing for a logger
  WATTBUS_BRIDGE__STATION__<ID>__<KEY>  any key of a station: …__STATION__CAR1__GOAL__MODE=off
"""


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments; `check` is whether only the settings are to be checked."""
    parser = argparse.ArgumentParser(
        prog="wattbus-station-bridge",
        description="Polls charging stations, publishes what they say and applies limits.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--check", action="store_true", help="check all settings, print those in effect, and end"
    )
    return parser.parse_args(argv)


def show(settings: Settings) -> None:
    """Print the settings in effect, without secrets."""
    sys.stdout.write(settings.file.model_dump_json(indent=2, exclude_none=True) + "\n")
