#!/usr/bin/env bash
# Times linnet's tokenizers beside two npm packages on the same text, by turns: linnet, the packages, linnet again.
#
#   bench/peers/tokenizers.sh FOLDER...          folders with tokenizer.json
#   LINNET=PATH  the program (build/release/src/cli/linnet)
#   PEERS=DIR    where the packages are installed (build/peers; made if it is not there; needs npm)
#   REPEAT=N     runs of each (3)    TEXT=FILE    the text (without it, what `linnet bench tokenizer` makes)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
linnet=${LINNET:-$root/build/release/src/cli/linnet}
peers=${PEERS:-$root/build/peers}
repeat=${REPEAT:-3}
[[ $# -gt 0 ]] || { sed -n '2,8p' "$0"; exit 2; }

mkdir -p "$peers"
if [[ ! -d $peers/node_modules/tokenizers ]]; then
  (cd "$peers" && npm install --ignore-scripts --no-save @huggingface/tokenizers@0.2.0 tokenizers@0.23.2 >/dev/null)
fi
text=${TEXT:-$peers/text.txt}
options=()
if [[ -n ${TEXT:-} ]]; then options=(--text "$text"); else options=(--write-text "$text"); fi
cp "$here/tokenizers.mjs" "$peers/"

"$linnet" bench tokenizer --repeat "$repeat" "${options[@]}" -m "$@"
# One thread: the Rust library would share a batch out, and its pool of threads would be timed.
RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false node --max-old-space-size=8192 "$peers/tokenizers.mjs" "$text" "$repeat" "$@"
"$linnet" bench tokenizer --repeat "$repeat" --text "$text" -m "$@"
