#!/bin/sh
# Makes sure that libfaketime is here, which sets the clocks of `make chaos`; else those are left out.
set -eu

for library in /usr/lib/*/faketime/libfaketime.so.1; do
    if [ -e "$library" ]; then exit 0; fi
done
. "$(dirname "$0")/install-package.sh"
if install_package libfaketime; then exit 0; fi
echo "libfaketime is not installed, so no clock is set: sudo apt-get install libfaketime" >&2
