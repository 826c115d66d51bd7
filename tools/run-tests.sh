#!/bin/sh
# Runs all tests: two at a time, then one by one those that want the machine for themselves.
#
# usage: tools/run-tests.sh PYTEST_COMMAND... -- [PYTEST_ARGUMENT...]
set -u

pytest=
while [ "$1" != -- ]; do
    pytest="$pytest $1"
    shift
done
shift

# pytest ends with 5 when nothing was selected: as good as passed, once something else has run.
$pytest -n 2 --dist loadgroup --alone=without "$@"
together=$?
$pytest --alone=only "$@"
alone=$?
[ "$together" -eq 5 ] && [ "$alone" -eq 5 ] && exit 5
[ "$together" -eq 5 ] && together=0
[ "$alone" -eq 5 ] && alone=0
[ "$together" -ne 0 ] && exit "$together"
exit "$alone"
