#!/usr/bin/env bash
# Formats every C++ file, those that git does not know yet too, with clang-format 14 (Debian 12; other versions
# disagree in places).
#
#   scripts/format.sh            rewrites the files
#   scripts/format.sh --check    names those that would change, and fails if there are any
set -euo pipefail
cd "$(dirname "$0")/.."

format=clang-format
command -v clang-format-14 >/dev/null && format=clang-format-14
version=$("$format" --version | grep -oE 'version [0-9]+' | cut -d' ' -f2)
if [[ $version != 14 ]]; then
  echo "Format left alone: linnet is formatted with clang-format 14, and this is $version."
  [[ ${1:-} == --check ]] && exit 0
  exit 1
fi

options=(-i)
[[ ${1:-} == --check ]] && options=(--dry-run -Werror)
patterns=('*.cpp' '*.hpp' '*.h' '*.cu' '*.cuh')
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard -- "${patterns[@]}")
else
  mapfile -d '' files < <(find include src tests examples bench tools -type f \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) \
    -print0 2>/dev/null)
fi
"$format" --style=file "${options[@]}" "${files[@]}"
echo "Format: ${#files[@]} files"
