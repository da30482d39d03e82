#!/usr/bin/env bash
# Times llama.cpp and linnet by turns in one run, on noise weights of the same shapes, and prints the ratios.
#
#   bench/peers/run.sh [--shapes gemma3-1b,qwen3-0.6b,qwen3-4b] [--threads 2] [--rounds 3]
#                      [--prompt 512] [--bits 4 | 16] [--work DIR] [--prepare]
#
#   --bits 4   4-bit weights in groups of 64 against Q4_0 (the default); 16: bf16 against F16
#   --work     where the engine, the checkpoints and the result lie (build/peers); for 4-bit shapes about
#              600 MB (gemma3-1b), 700 MB (qwen3-0.6b, both files together) and 4.6 GB (qwen3-4b)
#   --prepare  get and write what is needed, and time nothing
#
# LINNET_ISA chooses linnet's instruction set, LINNET its program (otherwise build/release is built).
# llama.cpp comes prebuilt through npm (node-llama-cpp, see package.json); Node 20 or later and npm are needed for that,
# and Python 3. A work folder prepared on one machine runs on another without network: copy it, with a node
# program as bin/node in it if the other has none.
set -euo pipefail
cd "$(dirname "$0")/../.."

shapes=gemma3-1b,qwen3-0.6b,qwen3-4b threads=2 rounds=3 prompt=512 bits=4 work=build/peers prepare=
while (($#)); do
  case $1 in
    --shapes|--threads|--rounds|--prompt|--bits|--work)
      [[ $# -ge 2 ]] || { echo "$1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"; shift 2 ;;
    --prepare) prepare=1; shift ;;
    *) sed -n '2,18s/^# \{0,1\}//p' "$0"; [[ $1 == --help ]] && exit 0; exit 2 ;;
  esac
done
case $bits in
  4) type=q4_0 ;;
  16) type=f16 ;;
  *) echo "--bits is 4 or 16, not $bits" >&2; exit 2 ;;
esac

missing() { echo "$1 is needed: on Debian, apt-get install $2" >&2; exit 1; }
command -v python3 >/dev/null || missing python3 python3
mkdir -p "$work"
node=$(command -v node || true)
[[ -x $work/bin/node ]] && node=$PWD/$work/bin/node
[[ $work == /* && -x $work/bin/node ]] && node=$work/bin/node
[[ -n $node ]] || missing node "nodejs npm (or a node program as $work/bin/node)"

if [[ ! -d $work/node_modules/node-llama-cpp ]]; then
  command -v npm >/dev/null || missing npm npm
  cp bench/peers/package.json "$work"
  case $(uname -m) in
    x86_64) engine=linux-x64 ;;
    aarch64) engine=linux-arm64 ;;
    *) echo "node-llama-cpp has no prebuilt engine for $(uname -m)" >&2; exit 1 ;;
  esac
  # Without the optional packages, which are engines for other processors and GPUs (700 MB), but this one.
  version=$(python3 -c 'import json; print(json.load(open("bench/peers/package.json"))["dependencies"]["node-llama-cpp"])')
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --no-save --omit=optional \
    "node-llama-cpp@$version" "@node-llama-cpp/$engine@$version")
fi
cp bench/peers/llama_cpp_bench.mjs "$work"  # beside node_modules, where its import looks

if [[ -z ${LINNET:-} ]]; then
  cmake --preset release >/dev/null
  cmake --build build/release --target linnet_cli --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
  LINNET=build/release/src/cli/linnet
fi

IFS=, read -ra names <<<"$shapes"
for shape in "${names[@]}"; do
  gguf=$work/$shape-$type.gguf checkpoint=$work/$shape-$bits
  if [[ ! -e $gguf ]]; then
    python3 bench/peers/make_gguf.py "$gguf.part" "$shape" "$type"
    mv "$gguf.part" "$gguf"
  fi
  if [[ ! -e $checkpoint/config.json ]]; then
    quantise=()
    [[ $bits == 4 ]] && quantise=(--bits 4 --group-size 64)
    "$LINNET" synth "$shape" "$checkpoint" "${quantise[@]}"
  fi
done
[[ -n $prepare ]] && exit 0

exec python3 bench/peers/compare.py --node "$node" --linnet "$LINNET" --work "$work" --shapes "$shapes" \
  --type "$type" --bits "$bits" --threads "$threads" --rounds "$rounds" --prompt "$prompt"
