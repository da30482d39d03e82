#!/usr/bin/env bash
# Many requests at once: classification beside llama.cpp, 16 streams beside one, latency under load.
#
#   bench/serving/run.sh [--threads 2] [--rounds 3] [--work DIR]
#
# Prepare first with `bench/peers/run.sh --shapes gemma3-1b --prepare --work DIR` (it fetches llama.cpp and writes noise weights of
# Gemma-3-1B's shape). LINNET_SERVING names the benchmark's program; otherwise build/release is built with benchmarks.
# Each round times llama.cpp and then linnet, so that a change of the machine's speed meets both.
set -euo pipefail
cd "$(dirname "$0")/../.."

threads=2 rounds=3 work=build/peers
while (($#)); do
  case $1 in
    --threads|--rounds|--work) [[ $# -ge 2 ]] || { echo "$1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"; shift 2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; [[ $1 == --help ]] && exit 0; exit 2 ;;
  esac
done
node=$(command -v node || true)
[[ -x $work/bin/node ]] && node=$(realpath "$work/bin/node")
[[ -n $node && -d $work/node_modules/node-llama-cpp ]] || { echo "prepare first: see bench/serving/run.sh --help" >&2; exit 1; }
cp bench/serving/llama_cpp_classify.mjs "$work"
if [[ -z ${LINNET_SERVING:-} ]]; then
  cmake --preset release -DLINNET_BENCHMARKS=ON >/dev/null
  cmake --build build/release --target linnet_serving_bench --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
  LINNET_SERVING=build/release/bench/linnet_serving_bench
fi
results=$work/serving.jsonl
: >"$results"
for ((i = 0; i < rounds; ++i)); do
  "$node" "$work/llama_cpp_classify.mjs" "$work/gemma3-1b-q4_0.gguf" "$threads" >>"$results"
  "$LINNET_SERVING" "$work/gemma3-1b-4" --threads "$threads" >>"$results"
done
python3 - "$results" <<'PY'
import json, statistics, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
llama, linnet = rows[0::2], rows[1::2]


def line(what, values, unit=""):
    print(f"{what:<58}{statistics.median(values):9.2f} ({min(values):.2f} .. {max(values):.2f}) {unit}")


classify = [r["classify"]["prompts_per_second"]["median"] for r in linnet]
line("llama.cpp, prompts a second, each from scratch", [r["scratch_prompts_s"] for r in llama])
line("llama.cpp, the instruction kept", [r["kept_prompts_s"] for r in llama])
line("linnet classify", classify)
line("  over llama.cpp from scratch", [c / r["scratch_prompts_s"] for c, r in zip(classify, llama)], "x")
line("  over llama.cpp with the instruction kept", [c / r["kept_prompts_s"] for c, r in zip(classify, llama)], "x")
single = [r["decode"]["single_tokens_per_second"]["median"] for r in linnet]
many = [r["decode"]["together_tokens_per_second"]["median"] for r in linnet]
line("linnet decode, one stream, tokens a second", single)
line("linnet decode, 16 streams together", many)
line("  over one stream", [m / s for m, s in zip(many, single)], "x")
line("first token alone", [r["latency"]["alone_milliseconds"]["median"] for r in linnet], "ms")
line("first token while 4,000 tokens are read, median", [r["latency"]["during_a_long_prompt_milliseconds"]["median"] for r in linnet], "ms")
line("  the worst", [r["latency"]["during_a_long_prompt_milliseconds"]["most"] for r in linnet], "ms")
line("speculation where nothing is right, speed over without", [r["speculate"]["speed_with_over_without"]["median"] for r in linnet])
PY
