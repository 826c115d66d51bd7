#!/bin/bash
# Gives this machine a Docker engine with compose and buildx, for the system tests.
#
# An engine that already answers is used as it is. Else, as root on Debian: Debian's docker.io,
# the plugins from Debian's trixie packages (they need only libc and also run on bookworm; apt's
# own sources stay untouched), and a dockerd with a data root, socket and pid of its own.
#
# usage: eval "$(tests/system/engine/start.sh)"       stdout: export lines; stderr: what it does
# environment: ENGINE_DIR (default /var/lib/wattbus-engine) keeps images from run to run
set -euo pipefail

ENGINE_DIR=${ENGINE_DIR:-/var/lib/wattbus-engine}
PLUGIN_DIR=/usr/local/lib/docker/cli-plugins
OWN_HOST=unix://$ENGINE_DIR/docker.sock
WAIT_S=60

say() { echo "engine: $*" >&2; }
fail() { say "$*"; exit 1; }
answers() { DOCKER_HOST=$1 docker info >/dev/null 2>&1; }

install_packages() {
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >&2 </dev/null
}

# compose and buildx, unpacked from trixie's packages without installing anything from there.
install_plugins() {
    if docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; then
        return 0
    fi
    say "fetching the compose and buildx plugins from Debian trixie"
    local work
    work=$(mktemp -d)
    mkdir -p "$work"/{lists/partial,cache/archives/partial,deb} "$PLUGIN_DIR"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "http://deb.debian.org/debian trixie main" >"$work/sources.list"
    local apt=(apt-get -qq
        -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
        -o Acquire::Languages=none -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2
    (cd "$work/deb" && "${apt[@]}" download docker-compose docker-buildx >&2)
    local package
    for package in "$work"/deb/*.deb; do
        dpkg-deb -x "$package" "$work/unpacked"
    done
    install -m 755 "$work"/unpacked/usr/libexec/docker/cli-plugins/* "$PLUGIN_DIR/"
    rm -rf "$work"
    docker compose version >&2
    docker buildx version >&2
}

start_daemon() {
    mkdir -p "$ENGINE_DIR"
    # A daemon that was killed leaves its pid file, and would not start again beside it.
    if [ -f "$ENGINE_DIR/pid" ] && ! kill -0 "$(cat "$ENGINE_DIR/pid")" 2>/dev/null; then
        rm -f "$ENGINE_DIR/pid"
    fi
    say "starting dockerd in $ENGINE_DIR"
    setsid dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/exec" \
        --pidfile "$ENGINE_DIR/pid" --host "$OWN_HOST" \
        >"$ENGINE_DIR/dockerd.log" 2>&1 </dev/null &
    local deadline=$((SECONDS + WAIT_S))
    until answers "$OWN_HOST"; do
        if ! kill -0 $! 2>/dev/null || [ $SECONDS -ge $deadline ]; then
            tail -n 20 "$ENGINE_DIR/dockerd.log" >&2
            fail "dockerd did not come up in $WAIT_S s"
        fi
        sleep 0.5
    done
    say "dockerd answers ($(DOCKER_HOST=$OWN_HOST docker info --format '{{.ServerVersion}}, {{.Driver}}'))"
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

if [ -n "${DOCKER_HOST:-}" ]; then
    host=$DOCKER_HOST
elif answers "$OWN_HOST"; then
    host=$OWN_HOST
else
    host=unix:///var/run/docker.sock
fi
if ! answers "$host"; then
    may_install || fail "no Docker engine answers; install one (https://docs.docker.com/engine/install/)"
    install_packages
    start_daemon
    host=$OWN_HOST
    # For a caller that wants to end what was started for it.
    echo "export ENGINE_STARTED_PID=$(cat "$ENGINE_DIR/pid")"
fi
if may_install; then install_plugins; fi
docker compose version >/dev/null 2>&1 || fail "the compose plugin is missing (docker compose version)"

echo "export DOCKER_HOST=$host"
echo "export DOCKER_BUILDKIT=1"
