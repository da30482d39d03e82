#!/usr/bin/env bash
# The page, whole: types, the logic, then everything in a browser against linnet serve.
#
#   web/e2e/run.sh [FILE...]      all e2e/*.test.mjs, or some
#
# LINNET_CLI is the program; otherwise that of build/release. Screenshots go to LINNET_SCREENSHOTS, build/screenshots
# without it. Needs Node 18 or newer, npm and Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

# npm writes this file when it is done.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund
fi
npm run --silent check
npm test --silent
cli=$(realpath "${LINNET_CLI:-../build/release/src/cli/linnet}")
export LINNET_SERVER_COMMAND="[\"$cli\", \"serve\", \"--log-level\", \"warning\"]"
export LINNET_SCREENSHOTS=${LINNET_SCREENSHOTS:-$PWD/../build/screenshots}
mkdir -p "$LINNET_SCREENSHOTS"
files=("$@")
[[ $# -gt 0 ]] || files=(e2e/*.test.mjs)
# One browser at a time; Node 18 has no such option.
options=(--test --test-reporter=spec)
! node --help | grep -q -- --test-concurrency || options+=(--test-concurrency=1)
exec node "${options[@]}" "${files[@]}"
