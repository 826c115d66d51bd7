#!/bin/bash
# Makes sure that the base images of the stack are there: pulled, or else built as stand-ins.
#
# A stand-in has the name, programs, paths, users and start-up behaviour of the official image that
# the stack relies on, and is made with mmdebstrap from Debian's packages. The machine's own
# certificate authorities and package index settings go in, so that builds work behind a proxy.
#
# usage: tests/system/engine/base-images.sh            (an engine must answer)
# environment: PYTHON_IMAGE, BROKER_IMAGE: as in .env.example; HOMEASSISTANT_PYTHON_IMAGE: what the
#              tests with Home Assistant build on; PULL_TIMEOUT_S (default 60)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
PULL_TIMEOUT_S=${PULL_TIMEOUT_S:-60}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "base-images: $*" >&2; }

# The default of a variable in .env.example, where it stands as "# NAME=value".
default_of() { sed -n "s/^#* *$1=//p" "$root/.env.example" | head -n 1; }

PYTHON_IMAGE=${PYTHON_IMAGE:-$(default_of PYTHON_IMAGE)}
BROKER_IMAGE=${BROKER_IMAGE:-$(default_of BROKER_IMAGE)}
HOMEASSISTANT_PYTHON_IMAGE=${HOMEASSISTANT_PYTHON_IMAGE:-$(
    sed -n 's/^ARG PYTHON_IMAGE=//p' "$root/tests/homeassistant/container/Dockerfile"
)}

is_there() { docker image inspect "$1" >/dev/null 2>&1; }

pull() { timeout "$PULL_TIMEOUT_S" docker pull --quiet "$1" >/dev/null 2>&1; }

# Images are built side by side: only one of them installs it.
need_mmdebstrap() {
    (
        flock 9
        command -v mmdebstrap >/dev/null && exit 0
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap
    ) 9<"$here" >&2 </dev/null
}

# bootstrap SUITE TAR PACKAGES [mmdebstrap options]
bootstrap() {
    local suite=$1 tar=$2 packages=$3
    shift 3
    need_mmdebstrap
    mmdebstrap --quiet --variant=minbase --include="ca-certificates,$packages" \
        --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="tar -C / -cf - usr/local/share/ca-certificates | tar -C \"\$1\" -xf -" \
        --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
        "$@" "$suite" "$tar" "deb [signed-by=$KEYRING] http://deb.debian.org/debian $suite main" >&2
}

# Where builds in the container find packages: certificates, proxy and index as on this machine.
environment_changes() {
    local bundle=/etc/ssl/certs/ca-certificates.crt name
    for name in SSL_CERT_FILE PIP_CERT REQUESTS_CA_BUNDLE; do
        printf -- '--change=ENV %s=%s\n' "$name" "$bundle"
    done
    printf -- '--change=ENV PIP_DISABLE_PIP_VERSION_CHECK=1\n'
    for name in PIP_INDEX_URL UV_INDEX_URL UV_DEFAULT_INDEX http_proxy https_proxy no_proxy; do
        [ -z "${!name:-}" ] || printf -- '--change=ENV %s=%s\n' "$name" "${!name}"
    done
}

# stand_in_python TAR IMAGE SUITE VERSION [mmdebstrap options]
stand_in_python() {
    local tar=$1 image=$2 suite=$3 version=$4
    shift 4
    bootstrap "$suite" "$tar" python3,python3-venv,python3-pip,netbase,tzdata \
        --customize-hook="for name in python python3 python$version; do ln -s /usr/bin/python$version \"\$1/usr/local/bin/\$name\"; done" \
        "$@"
    local changes
    mapfile -t changes < <(environment_changes)
    docker import "${changes[@]}" --change 'CMD ["python3"]' \
        --change "LABEL org.opencontainers.image.description=\"stand-in built from Debian $suite\"" \
        "$tar" "$image" >/dev/null
}

stand_in_services_python() { stand_in_python "$1" "$2" trixie 3.13; }

# Debian's testing is the first with this Python; a mirror that stands still keeps an old index.
stand_in_homeassistant_python() {
    stand_in_python "$1" "$2" forky 3.14 --aptopt='Acquire::Check-Valid-Until "false"'
}

stand_in_mosquitto() {
    # The package's user gets the numbers that it has in the official image.
    bootstrap trixie "$1" mosquitto,mosquitto-clients \
        --customize-hook='chroot "$1" groupmod --gid 1883 mosquitto' \
        --customize-hook='chroot "$1" usermod --uid 1883 --gid 1883 mosquitto' \
        --customize-hook='mkdir -p "$1"/mosquitto/config "$1"/mosquitto/data "$1"/mosquitto/log' \
        --customize-hook='chroot "$1" chown -R mosquitto:mosquitto /mosquitto' \
        --customize-hook="copy-in $here/docker-entrypoint.sh /" \
        --customize-hook='chmod 755 "$1/docker-entrypoint.sh"'
    docker import \
        --change 'VOLUME ["/mosquitto/data", "/mosquitto/log"]' --change 'EXPOSE 1883' \
        --change 'ENTRYPOINT ["/docker-entrypoint.sh"]' \
        --change 'CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]' \
        --change 'LABEL org.opencontainers.image.description="stand-in built from Debian trixie"' \
        "$1" "$2" >/dev/null
}

# provide IMAGE FUNCTION
provide() {
    if is_there "$1"; then
        say "$1 is there"
        return 0
    fi
    if pull "$1"; then
        say "$1 pulled"
        return 0
    fi
    say "$1 cannot be pulled: building a stand-in from Debian packages"
    local work started=$SECONDS
    work=$(mktemp -d)
    "$2" "$work/root.tar" "$1"
    rm -rf "$work"
    say "$1 built in $((SECONDS - started)) s"
}

building=()
provide "$PYTHON_IMAGE" stand_in_services_python & building+=($!)
provide "$BROKER_IMAGE" stand_in_mosquitto & building+=($!)
provide "$HOMEASSISTANT_PYTHON_IMAGE" stand_in_homeassistant_python & building+=($!)
for one in "${building[@]}"; do wait "$one"; done
