#!/usr/bin/env bash
# The commands of docs/guides/fine-tune-a-classifier.md, with the built-in model: messages to a shop are sorted by
# the prompt alone, an adapter learns from 400 labelled ones, and both are compared on 112 others. Fails unless the
# adapter is right more often.
#
#   examples/fine_tune_a_classifier.sh LINNET OUT [EPOCHS]      OUT: a folder for what is written
set -euo pipefail

linnet=${1:?usage: fine_tune_a_classifier.sh LINNET OUT [EPOCHS]}
out=${2:?usage: fine_tune_a_classifier.sh LINNET OUT [EPOCHS]}
epochs=${3:-2}
data=$(cd "$(dirname "$0")/data" && pwd)
mkdir -p "$out"
rm -rf "$out/run"

# Lines whose own label was found, in a file that classify wrote with --output-field found.
right() {
  grep -c '"label": *"\([^"]*\)".*"found": *"\1"' "$1" || true
}

labels=billing,delivery,repair,account

"$linnet" classify --labels $labels --output-field found \
  --input "$data/tickets_heldout.jsonl" --output "$out/before.jsonl" --force

"$linnet" train --data "$data/tickets_train.jsonl" --labels $labels \
  --targets '*_proj' --rank 16 --alpha 32 --lr 3e-3 \
  --max-length 128 --batch-tokens 512 --epochs "$epochs" --out "$out/run"

"$linnet" classify --adapter "$out/run/adapter" --labels $labels --output-field found \
  --input "$data/tickets_heldout.jsonl" --output "$out/after.jsonl" --force

"$linnet" calibrate builtin builtin --adapter-b "$out/run/adapter" \
  --labels $labels "$data/tickets_heldout.jsonl"

before=$(right "$out/before.jsonl")
after=$(right "$out/after.jsonl")
echo
echo "right before: $before, after: $after, of $(wc -l < "$data/tickets_heldout.jsonl")"
[[ $after -gt $before ]]
