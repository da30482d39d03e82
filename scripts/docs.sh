#!/usr/bin/env bash
# The reference of the public headers as HTML, build/docs/html/index.html. Needs Debian's doxygen.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v doxygen >/dev/null; then
  echo "doxygen is not installed: apt-get install doxygen" >&2
  exit 1
fi
mkdir -p build/docs
doxygen docs/Doxyfile
echo "build/docs/html/index.html"
