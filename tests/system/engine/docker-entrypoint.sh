#!/bin/sh
# What the official eclipse-mosquitto 2.0 image does at start, for its stand-in.
set -e

if [ "$(id -u)" = 0 ]; then
    # Fails for parts that are mounted read-only, which is as it should be.
    chown -R mosquitto:mosquitto /mosquitto || true
fi

exec "$@"
