#!/usr/bin/env bash
# Everything that must hold: installs what is missing, builds the release preset, checks the format and
# the floors, runs every test. The last line is ctest's count of passed and failed tests.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh
scripts/format.sh --check
python3 tools/check_floors.py
scripts/build.sh release
scripts/ctest.sh release
