#!/usr/bin/env bash
# Load on linnet serve with the built-in model, by clients in a process of their own (load.mjs):
#
#   bench/serve/run.sh [SECONDS]
#
#   500 clients that stream, half of which leave at a random moment: every answer must be the one that was given alone,
#   byte for byte, without an error; twice, because what the first load took must be enough for the second (memory);
#   then the same without leaving; then requests that arrive at random, 20 a second.
#
# Needs a built program (scripts/build.sh release linnet_cli) and Node 18. Results: build/bench/serve-*.json.
# Beside llama.cpp: compare.mjs.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-120}
linnet=${LINNET_CLI:-build/release/src/cli/linnet}
out=build/bench
mkdir -p "$out"

with_server() {  # NAME-OF-RESULT... -- ARGUMENTS OF load.mjs
  local log url status=0 names=()
  while [[ $1 != -- ]]; do
    names+=("$1")
    shift
  done
  shift
  log=$(mktemp)
  "$linnet" serve --port 0 --log-level warning > "$log" &
  local server=$!
  trap 'kill "$server" 2> /dev/null || true' EXIT
  for _ in $(seq 100); do
    url=$(sed -n 's/^linnet serves at //p' "$log")
    [[ -n $url ]] && break
    sleep 0.1
  done
  for name in "${names[@]}"; do
    node bench/serve/load.mjs --url "$url" --json "$out/serve-$name.json" "$@" || status=$?
  done
  kill "$server"
  wait "$server"
  trap - EXIT
  rm "$log"
  return "$status"
}

status=0
with_server leave leave-again -- --clients 500 --seconds "$seconds" --check --leave 0.5 || status=1
with_server closed -- --clients 500 --seconds "$((seconds / 4))" --check || status=1
with_server open -- --rate 20 --seconds "$((seconds / 4))" --check || status=1
exit "$status"
