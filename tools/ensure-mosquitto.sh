#!/bin/sh
# Makes sure that the real Mosquitto is here; installs Debian's package where it may.
set -eu

# Debian puts it where a plain user's PATH does not look.
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin

if command -v mosquitto >/dev/null && command -v mosquitto_passwd >/dev/null; then exit 0; fi
. "$(dirname "$0")/install-package.sh"
if install_package mosquitto; then
    # Wattbus starts a broker of its own; the package's would hold port 1883 for nothing.
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        as_root systemctl disable --now mosquitto || true
    fi
    exit 0
fi
cat >&2 <<'MESSAGE'
Mosquitto, the MQTT broker that everything here meets on, is not installed. Please install it:
    Debian, Ubuntu:  sudo apt-get install mosquitto
    Fedora:          sudo dnf install mosquitto
    macOS:           brew install mosquitto
MESSAGE
exit 1
