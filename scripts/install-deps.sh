#!/usr/bin/env bash
# Installs what linnet needs to build and to be tested, with apt, and only what is missing.
set -euo pipefail

packages=(
  cmake ninja-build g++ clang pkg-config ccache python3
  libhwy-dev libsimdjson-dev nlohmann-json3-dev libpcre2-dev libutf8proc-dev libxxhash-dev
  libcli11-dev libfmt-dev
  libboost1.81-dev libssl-dev libspdlog-dev prometheus-cpp-dev
  libedit-dev
  libgtest-dev libbenchmark-dev
  qemu-user clang-format clang-tidy
  chromium openssl
)
# The chat page is built and tested with Node: any from 18 on.
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "linnet installs its dependencies with apt (Debian 12), which is not here." >&2
  echo "Install what these Debian packages hold, then run scripts/build.sh release:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "All ${#packages[@]} packages that linnet needs are installed."
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing, and installing them needs root or sudo. As root:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -q </dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
