#!/bin/bash
# Makes the built-in model: its corpus, its tokenizer and its weights, on this machine's processors.
#
#   tools/builtin_model/train.sh OUT [THREADS]
#
# OUT gets corpus/, tokenizer/, and run/ and run-2/ with checkpoints, report.html and model/; run-2/model is the result.
# The same bits on every machine. A run that was interrupted goes on when the script is started again. LINNET names
# another program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
assets=$here/../../assets/builtin
linnet=${LINNET:-$here/../../build/release/src/cli/linnet}
out=${1:?usage: train.sh OUT [THREADS]}
threads=${2:-0}
mkdir -p "$out/corpus"

# Twelve parts of one corpus: 240 000 documents, 47 million tokens, each read once.
for part in $(seq 0 11); do
  if [ ! -f "$out/corpus/$part.jsonl" ]; then
    (python3 "$here/corpus.py" --training --seed $((1000 + part)) --documents 20000 --out "$out/corpus/$part.part"
     mv "$out/corpus/$part.part" "$out/corpus/$part.jsonl") &
    if (((part + 1) % $(nproc) == 0)); then wait; fi
  fi
done
wait
if [ ! -f "$out/tokenizer/tokenizer.json" ]; then
  python3 "$here/train_tokenizer.py" --linnet "$linnet" --seed 7 --documents 30000 --out "$out/tokenizer"
  cp "$assets/generation_config.json" "$out/tokenizer/"
fi

# train FROM OUT PARTS OPTION...: what has been done is not done again
train() {
  local from=$1 to=$2 parts=()
  for part in $3; do parts+=("$out/corpus/$part.jsonl"); done
  shift 3
  [ -d "$to/model" ] || "$linnet" train --model "$from" --data "${parts[@]}" --out "$to" --resume --compute bf16 --threads "$threads" \
    --seed 1 --epochs 1 --max-length 768 --batch-tokens 16384 --pack-tokens 4096 --optimizer adamw --schedule cosine \
    --weight-decay 0.1 --beta1 0.9 --beta2 0.95 --clip 1 --checkpoint-every 250 "$@"
}
# A new model, and then the same once more from where it came to, with new lines and smaller steps.
train "$out/tokenizer" "$out/run" "0 1 2 3 4 5 6 7" --init "$assets/config.json" --lr 3e-3 --warmup 200
train "$out/run/model" "$out/run-2" "8 9 10 11" --full --lr 1.5e-3 --warmup 50
