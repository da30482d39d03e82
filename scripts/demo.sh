#!/usr/bin/env bash
# From nothing to text: installs what is missing, builds linnet, and lets the built-in model write.
#
#   scripts/demo.sh [PROMPT]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh
scripts/build.sh release src/cli/linnet
echo
exec build/release/src/cli/linnet generate "${1:-Once upon a time}" </dev/null
