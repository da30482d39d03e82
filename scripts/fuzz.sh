#!/usr/bin/env bash
# Builds the fuzz targets (fuzz/*.cpp) with Clang and runs each for a while, starting from the committed corpus.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]     60 seconds each of all targets by default
#
# What is found is kept: inputs that reach new code in build/fuzz/corpus/TARGET, those that crash, hang or take too much
# memory in build/fuzz/found (the last lines of the log name the file; build/fuzz/fuzz/fuzz_TARGET FILE repeats it).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"
status=0
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target" build/fuzz/found
  options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
    -artifact_prefix="build/fuzz/found/$target-")
  [[ -f fuzz/$target.dict ]] && options+=(-dict="fuzz/$target.dict")
  echo "== $target, $seconds s"
  if ! "build/fuzz/fuzz/fuzz_$target" "${options[@]}" "build/fuzz/corpus/$target" "fuzz/corpus/$target" \
    >"build/fuzz/$target.log" 2>&1; then
    status=1
    echo "$target failed:"
    tail -n 40 "build/fuzz/$target.log"
  else
    grep -E 'stat::number_of_executed_units|stat::peak_rss_mb' "build/fuzz/$target.log"
  fi
done
exit "$status"
