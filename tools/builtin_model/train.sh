#!/bin/bash
# Makes the built-in model: its corpus, its tokenizer and its weights, on this machine's processors.
#
#   tools/builtin_model/train.sh OUT [THREADS]
#
# OUT gets corpus/, tokenizer/ and run/ with checkpoints, report.html and model/. The same bits on every machine. A run
# that was interrupted goes on when the script is started again. LINNET names another program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
assets=$here/../../assets/builtin
linnet=${LINNET:-$here/../../build/release/src/cli/linnet}
out=${1:?usage: train.sh OUT [THREADS]}
threads=${2:-0}
mkdir -p "$out/corpus"

# Eight parts of one corpus: 160 000 documents, 31 million tokens, each read once.
parts=()
for part in $(seq 0 7); do
  parts+=("$out/corpus/$part.jsonl")
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
exec "$linnet" train --model "$out/tokenizer" --init "$assets/config.json" --data "${parts[@]}" --out "$out/run" --resume \
  --compute bf16 --threads "$threads" --seed 1 --epochs 1 --max-length 768 --batch-tokens 16384 --pack-tokens 4096 \
  --optimizer adamw --lr 3e-3 --warmup 200 --schedule cosine --weight-decay 0.1 --beta1 0.9 --beta2 0.95 --clip 1 \
  --checkpoint-every 250
