#!/usr/bin/env bash
# clang-tidy with the repository's .clang-tidy; slow, so beside scripts/test.sh and not part of it.
#
#   scripts/tidy.sh              the .cpp files changed since main (a changed header counts as its .cpp)
#   scripts/tidy.sh --all        every .cpp below src and tests
#   scripts/tidy.sh FILE...      these
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -f build/release/compile_commands.json ]] || cmake --preset release >/dev/null

if [[ ${1:-} == --all ]]; then
  mapfile -t files < <(git ls-files -- 'src/*.cpp' 'tests/*.cpp')
elif [[ $# -gt 0 ]]; then
  files=("$@")
else
  base=$(git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
  mapfile -t files < <(
    { git diff --name-only --diff-filter=d "$base" -- src tests
      git ls-files --others --exclude-standard -- src tests; } |
      sed -n 's/\.[ch]pp$/.cpp/p' | sort -u | while read -r file; do
        if [[ -f $file ]]; then echo "$file"; fi
      done)
fi
if [[ ${#files[@]} -eq 0 ]]; then
  echo "No file to check."
  exit 0
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/release --quiet --warnings-as-errors='*' \
    --extra-arg=-Wno-unknown-warning-option \
    2> >(grep -vE '^[0-9]+ warnings? generated' >&2 || true)
echo "clang-tidy: ${#files[@]} files are clean"
