#!/bin/sh
# Makes a certificate authority of our own and the broker's certificate for TLS.
#
# Safe to run again: what is valid is kept. The certificate is made anew when it ends within 30 days,
# when other names are asked for, or when key, certificate and authority do not belong together; the
# authority only when it would end before a certificate that it signs. Needs openssl 1.1.1 or later.
#
# usage: make-certificates.sh [--renew] FOLDER [NAME...]
#   FOLDER   gets authority/ca.key (signs; nobody else needs it), ca/ca.crt (every client needs it),
#            server/server.crt and server/server.key (the broker's)
#   NAME     host names and IP addresses of the broker beside `broker`, `localhost` and 127.0.0.1
#   --renew  make a new certificate in any case, from the same authority
# environment:
#   TLS_NAMES   more names, separated by spaces
#   BROKER_UID  owner of server/, when run as root (default: no change)
set -eu
umask 077

CA_DAYS=3650
SERVER_DAYS=397
RENEW_BEFORE_S=$((30 * 86400))
DAY_S=86400

fail() {
    echo "make-certificates: $*" >&2
    exit 1
}

must_renew=no
if [ "${1:-}" = --renew ]; then
    must_renew=yes
    shift
fi
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
command -v openssl >/dev/null || fail "openssl is not installed"

mkdir -p "$1/authority" "$1/ca" "$1/server"
folder=$(cd "$1" && pwd)
shift
ca_key=$folder/authority/ca.key
ca=$folder/ca/ca.crt
key=$folder/server/server.key
certificate=$folder/server/server.crt
work=$(mktemp -d "$folder/authority/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A name as it stands in subjectAltName; the names must not be able to say more than a name.
entry_of() {
    case $1 in
    *[!A-Za-z0-9.:*-]* | -* | .*) fail "'$1' is no host name or IP address" ;;
    *:*)
        case $1 in
        *[!0-9A-Fa-f.:]*) fail "'$1' is no host name or IP address" ;;
        esac
        printf 'IP:%s' "$1" ;;
    *[!0-9.]*) printf 'DNS:%s' "$1" ;;
    *) printf 'IP:%s' "$1" ;;
    esac
}

names=
# Word splitting is wanted: TLS_NAMES is a list.
# shellcheck disable=SC2086
for name in broker localhost 127.0.0.1 "$@" ${TLS_NAMES:-}; do
    entry=$(entry_of "$name")
    case ",$names," in
    *",$entry,"*) ;;
    *) names=${names:+$names,}$entry ;;
    esac
done

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
        fail "openssl cannot make a key"
}

public_of_key() { openssl pkey -in "$1" -pubout 2>/dev/null; }
public_of_certificate() { openssl x509 -in "$1" -noout -pubkey 2>/dev/null; }

# belong KEY CERTIFICATE
belong() {
    [ -s "$1" ] && [ -s "$2" ] && [ "$(public_of_key "$1")" = "$(public_of_certificate "$2")" ]
}

lasts() { openssl x509 -in "$1" -noout -checkend "$2" >/dev/null 2>&1; }

# put FILE PLACE MODE: readers never see half a file.
put() {
    chmod "$3" "$1"
    cp -p "$1" "$2.new"
    mv -f "$2.new" "$2"
}

# What openssl's own settings file says must not matter here.
cat >"$work/settings" <<END
[req]
distinguished_name = name
prompt = no
[name]
CN = to be replaced
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
END

if ! belong "$ca_key" "$ca" || ! lasts "$ca" $((SERVER_DAYS * DAY_S)); then
    new_key "$work/ca.key"
    # A name of its own for each, so that clients can tell an old authority from a new one.
    openssl req -x509 -new -sha256 -config "$work/settings" -extensions authority \
        -key "$work/ca.key" -subj "/O=Wattbus/CN=Wattbus authority $(openssl rand -hex 4)" \
        -days "$CA_DAYS" -out "$work/ca.crt" || fail "openssl cannot make the authority"
    put "$work/ca.key" "$ca_key" 400
    put "$work/ca.crt" "$ca" 444
    echo "make-certificates: made an authority for $CA_DAYS days"
fi

is_good() {
    [ "$must_renew" = no ] && belong "$key" "$certificate" &&
        lasts "$certificate" "$RENEW_BEFORE_S" &&
        openssl verify -CAfile "$ca" "$certificate" >/dev/null 2>&1 &&
        [ "$(cat "$folder/server/names" 2>/dev/null)" = "$names" ]
}

if is_good; then
    echo "make-certificates: the certificate is valid"
else
    new_key "$work/server.key"
    openssl req -new -sha256 -config "$work/settings" -key "$work/server.key" \
        -subj "/O=Wattbus/CN=broker" -out "$work/server.csr" || fail "openssl refuses the names"
    openssl x509 -req -sha256 -in "$work/server.csr" -CA "$ca" -CAkey "$ca_key" \
        -set_serial "0x1$(openssl rand -hex 15)" -days "$SERVER_DAYS" \
        -extfile "$work/settings" -extensions server -out "$work/server.crt" 2>"$work/said" ||
        fail "openssl cannot sign: $(cat "$work/said")"
    printf '%s\n' "$names" >"$work/names"
    put "$work/server.key" "$key" 400
    put "$work/server.crt" "$certificate" 444
    put "$work/names" "$folder/server/names" 444
    echo "make-certificates: made a certificate for $SERVER_DAYS days: $names"
fi

chmod 755 "$folder/ca"
chmod 700 "$folder/authority" "$folder/server"
if [ -n "${BROKER_UID:-}" ]; then chown -R "$BROKER_UID:$BROKER_UID" "$folder/server"; fi
