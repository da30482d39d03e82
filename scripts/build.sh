#!/usr/bin/env bash
# Configures and builds one preset into build/PRESET.
#
#   scripts/build.sh PRESET [TARGET...]      presets: release debug asan tsan clang
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ $# -lt 1 ]]; then
  sed -n '2,4s/^# \{0,1\}//p' scripts/build.sh >&2
  exit 2
fi
preset=$1
shift
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")

cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" "${targets[@]}"
