#!/usr/bin/env bash
# From nothing to text: installs what is missing, builds linnet, and lets the built-in model write.
#
#   scripts/demo.sh [PROMPT]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh
scripts/build.sh release src/cli/linnet
prompt=${1:-Once upon a time}
printf '\n%s' "$prompt"
exec build/release/src/cli/linnet generate -- "$prompt" </dev/null
