#!/usr/bin/env bash
# Builds and runs the benchmark of token masks.
#
#   bench/grammar/run.sh [FOLDER...]     folders with a tokenizer.json, besides a made-up vocabulary
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${LINNET_BUILD:-build/release}
cmake --preset release -B "$build" -DLINNET_BENCHMARKS=ON >/dev/null
cmake --build "$build" --target linnet_grammar_bench --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
"$build/bench/linnet_grammar_bench" "$@"
