#!/bin/sh
# Makes a password for every user of the access list and the broker's file of hashes.
#
# Run before the broker starts; safe to run again: an existing password is kept.
# A password can be set by hand as <USER>_PASSWORD (VIEWER_PASSWORD, STATION_BRIDGE_PASSWORD).
# Plain POSIX sh: the eclipse-mosquitto image has nothing more.
#
# usage: setup-users.sh ACL_FILE AUTH_DIR SECRETS_DIR
#   AUTH_DIR     gets passwd and acl, for the broker only
#   SECRETS_DIR  gets <user>/password and <user>/mosquitto_sub (options file), one folder a user
# environment:
#   MOSQUITTO_SUB_OPTIONS  more lines for the options files, such as those of TLS
# and when run as root:
#   BROKER_UID   owner of AUTH_DIR and of the secrets of viewer and healthcheck (default: no change)
#   SERVICE_UID  owner of all other secrets (default: no change)
set -eu
umask 077

acl_file=$1
auth_dir=$2
secrets_dir=$3

fail() {
    echo "setup-users: $*" >&2
    exit 1
}

# The name of the variable that may hold the user's password: station-bridge -> STATION_BRIDGE_PASSWORD
variable_of() {
    printf '%s_PASSWORD' "$1" | tr 'a-z-' 'A-Z_'
}

# 192 random bits in hexadecimal.
random_password() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# mosquitto_passwd splits at a colon, and the options file at white space.
check_password() {
    case $2 in
    *[!A-Za-z0-9._~@%+=^,/-]*)
        fail "$(variable_of "$1"): only letters, digits and . _ ~ @ % + = ^ , / - may be used" ;;
    esac
    [ ${#2} -ge 8 ] || fail "$(variable_of "$1"): at least 8 characters, not ${#2}"
}

# Readers never see half a file: written beside it, then renamed.
write_secret() {
    cat >"$1.new"
    chmod 400 "$1.new"
    mv -f "$1.new" "$1"
}

owner_of() {
    case $1 in
    viewer | healthcheck) printf '%s' "${BROKER_UID:-}" ;;
    *) printf '%s' "${SERVICE_UID:-}" ;;
    esac
}

own() {
    if [ -n "$1" ]; then chown -R "$1:$1" "$2"; fi
}

[ -r "$acl_file" ] || fail "cannot read the access list $acl_file"
mkdir -p "$auth_dir" "$secrets_dir"
chmod 700 "$auth_dir"
# passwd.new, and the copy that mosquitto_passwd makes of it, hold plain passwords for a moment.
trap 'rm -f "$auth_dir"/passwd.new*' EXIT
users=$(sed -n 's/^user  *//p' "$acl_file")
[ -n "$users" ] || fail "no user in $acl_file"

for user in $users; do
    folder=$secrets_dir/$user
    mkdir -p "$folder"
    chmod 700 "$folder"
    by_hand=$(printenv "$(variable_of "$user")" || true)
    if [ -n "$by_hand" ]; then
        check_password "$user" "$by_hand"
        password=$by_hand
    elif [ -s "$folder/password" ]; then
        password=$(cat "$folder/password")
    else
        password=$(random_password)
        [ ${#password} -eq 48 ] || fail "/dev/urandom gave no 24 bytes"
    fi
    printf '%s' "$password" | write_secret "$folder/password"
    printf -- '-u %s\n-P %s\n%s\n' "$user" "$password" "${MOSQUITTO_SUB_OPTIONS:-}" |
        write_secret "$folder/mosquitto_sub"
    own "$(owner_of "$user")" "$folder"
    printf '%s:%s\n' "$user" "$password"
done >"$auth_dir/passwd.new"

# -U hashes in place (PBKDF2-SHA512), so that no password is ever on a command line.
mosquitto_passwd -U "$auth_dir/passwd.new"
chmod 400 "$auth_dir/passwd.new"
mv -f "$auth_dir/passwd.new" "$auth_dir/passwd"
write_secret "$auth_dir/acl" <"$acl_file"
own "${BROKER_UID:-}" "$auth_dir"

echo "setup-users: $(echo "$users" | wc -w | tr -d ' ') users are ready"
