#!/usr/bin/env bash
# Runs the official clients of OpenAI, Anthropic and Ollama, and hostile sockets, against linnet serve.
#
#   tests/clients/run.sh [FILE...]      all *.test.mjs, or some
#
# LINNET_CLI is the program; otherwise that of build/release. LINNET_SLACK=4 gives it four times the time. Needs Node 18 or newer and npm.
set -euo pipefail
cd "$(dirname "$0")"

# npm writes this file when it is done.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund
fi
files=("$@")
[[ $# -gt 0 ]] || files=(*.test.mjs)
# Each file has servers of its own: two at a time. Node 18 has no such option, and takes a core less than there are.
options=(--test --test-reporter=spec)
! node --help | grep -q -- --test-concurrency || options+=(--test-concurrency=2)
exec node "${options[@]}" "${files[@]}"
