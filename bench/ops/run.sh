#!/usr/bin/env bash
# Builds and runs the benchmarks of ops; the results are also in build/bench/ops-ISA.json.
#
#   bench/ops/run.sh [OPTION...]     --threads=N, --benchmark_filter=REGEX and Google Benchmark's others;
#                                    LINNET_ISA chooses the instruction set
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${LINNET_BUILD:-build/release}
cmake --preset release -B "$build" -DLINNET_BENCHMARKS=ON >/dev/null
cmake --build "$build" --target linnet_ops_bench --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
mkdir -p build/bench
out=build/bench/ops-${LINNET_ISA:-best}.json
"$build/bench/linnet_ops_bench" --benchmark_out_format=json --benchmark_out="$out" "$@"
echo "$out"
