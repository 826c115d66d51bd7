# Sourced: install_package NAME installs a Debian package as root, or with sudo that asks nothing.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_package() {
    command -v apt-get >/dev/null || return 1
    as_root true 2>/dev/null || return 1
    echo "installing $1 (Debian package)" >&2
    # Only errors are shown: apt says them on stderr.
    as_root apt-get update -qq >/dev/null </dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$1" >/dev/null </dev/null
}
