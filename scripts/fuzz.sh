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
mkdir -p build/fuzz/found
fuzz() {
  local target=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$target"
  local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
    -artifact_prefix="build/fuzz/found/$target-")
  [[ -f fuzz/$target.dict ]] && options+=(-dict="fuzz/$target.dict")
  if "build/fuzz/fuzz/fuzz_$target" "${options[@]}" "build/fuzz/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
    echo "$target, $seconds s: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$log") inputs," \
      "peak $(sed -nE 's/^stat::peak_rss_mb: *//p' "$log") MB"
  else
    echo "$target failed:"
    tail -n 40 "$log"
    return 1
  fi
}

# As many at a time as there are cores: each uses one.
status=0
running=0
for target in "${targets[@]}"; do
  if [[ $running -ge $(nproc) ]]; then
    wait -n || status=1
    running=$((running - 1))
  fi
  fuzz "$target" &
  running=$((running + 1))
done
while [[ $running -gt 0 ]]; do
  wait -n || status=1
  running=$((running - 1))
done
exit "$status"
