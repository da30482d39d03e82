#!/usr/bin/env bash
# Runs the tests of one built preset; the last line printed is ctest's count of them.
#
#   scripts/ctest.sh PRESET [CTEST-OPTION...]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?usage: scripts/ctest.sh PRESET [CTEST-OPTION...]}
shift
log=build/$preset/ctest.log
status=0
ctest --preset "$preset" --parallel "$(nproc)" "$@" </dev/null 2>&1 | tee "$log" || status=$?
# After the count ctest prints times and the names of failed tests; a reader looks at the end first.
grep -E '^[0-9]+% tests passed' "$log" | tail -n 1 || { echo "ctest ran no tests"; exit 1; }
exit "$status"
