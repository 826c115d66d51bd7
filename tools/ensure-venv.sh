#!/bin/sh
# Makes sure that the given Python is 3.11 or later and can make virtual environments.
#
# Debian ships venv apart from Python; as root (or with sudo that asks nothing) it is installed.
# usage: ensure-venv.sh PYTHON
set -eu

python=$1
fail() { echo "$*" >&2; exit 1; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or later is needed, and $python is $("$python" --version 2>&1 || true)"

if "$python" -c 'import ensurepip, venv' 2>/dev/null; then exit 0; fi
. "$(dirname "$0")/install-package.sh"
install_package python3-venv ||
    fail "this Python cannot make virtual environments; install what is missing: sudo apt-get install python3-venv"
