#!/bin/sh
# Writes requirements.txt anew, for another release of Home Assistant in requirements.in.
#
# Left out: what has no wheel (pyric), and what is large and not imported (grpcio, uv).
set -eu
cd "$(dirname "$0")"
{
    echo "# Written by tests/homeassistant/container/lock.sh."
    uv pip compile --quiet --no-config --no-header --no-annotate --python-version 3.14.3 \
        --python-platform x86_64-manylinux_2_28 requirements.in |
        grep -v -E '^(pyric|grpcio|uv)=='
} >requirements.txt.new
mv requirements.txt.new requirements.txt
