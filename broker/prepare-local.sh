#!/bin/sh
# Prepares a folder from which `mosquitto -c FOLDER/mosquitto.conf` runs as a child process.
#
# The same settings, users and access list as in the container; only port, address and paths differ.
# Safe to run again: passwords, certificates and persisted messages are kept.
#
# usage: prepare-local.sh FOLDER PORT [ADDRESS [plain|tls]]        (default: 127.0.0.1 plain)
# gives: FOLDER/mosquitto.conf, FOLDER/auth/, FOLDER/data/, FOLDER/secrets/<user>/password and,
#        with tls, FOLDER/certificates/ca/ca.crt for clients
set -eu
umask 077

[ $# -ge 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
source_dir=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/data"
folder=$(cd "$1" && pwd)
port=$2
address=${3:-127.0.0.1}
kind=${4:-plain}

case $port in
'' | *[!0-9]*) echo "prepare-local: PORT must be a number, not '$port'" >&2; exit 2 ;;
esac
case $kind in
plain) ;;
tls)
    case $address in
    0.0.0.0 | ::) sh "$source_dir/make-certificates.sh" "$folder/certificates" ;;
    *) sh "$source_dir/make-certificates.sh" "$folder/certificates" "$address" ;;
    esac ;;
*) echo "prepare-local: 'plain' or 'tls', not '$kind'" >&2; exit 2 ;;
esac

sh "$source_dir/setup-users.sh" "$source_dir/acl" "$folder/auth" "$folder/secrets"

escaped=$(printf '%s' "$folder" | sed 's/[&|\\]/\\&/g')
sed -e "\\|^include_dir /mosquitto/listener\$|{" \
    -e "r $source_dir/listener/$kind/listener.conf" -e "d" -e "}" "$source_dir/mosquitto.conf" |
    sed -e "s|^listener [0-9]* 0\.0\.0\.0\$|listener $port $address|" \
        -e "s|^\([a-z_]* \)/mosquitto/|\1$escaped/|" >"$folder/mosquitto.conf.new"
if [ "$(id -u)" = 0 ]; then
    # Else Mosquitto gives up root for a user that cannot read this folder.
    echo "user root" >>"$folder/mosquitto.conf.new"
fi
grep -q "^listener $port $address\$" "$folder/mosquitto.conf.new" || {
    echo "prepare-local: mosquitto.conf has no line 'include_dir /mosquitto/listener'" >&2
    exit 1
}
mv -f "$folder/mosquitto.conf.new" "$folder/mosquitto.conf"
