#!/usr/bin/env python3
"""Trains the tokenizer of linnet's built-in model and writes tokenizer.json and tokenizer_config.json.

    python3 train_tokenizer.py --documents 30000 --linnet build/release/src/cli/linnet --out DIR

`linnet tokenizer train` learns the merges. The file has the shape of Gemma 3's: a normalizer that turns spaces into
U+2581, a pre-tokenizer that splits at spaces (of which none are left), BPE with byte fallback, and a decoder that undoes
it. While the merges are learned, a stricter pre-tokenizer cuts the text into words, single digits, marks and line ends,
so no token crosses a word.
"""

import argparse
import json
import os
import subprocess
import tempfile

import corpus

VOCABULARY = 3072
ALPHABET = 96  # printable ASCII without the space, the line end, and U+2581: other characters are bytes
SPACE = "\u2581"

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- set prefix = '' -%}
{%- set turns = messages -%}
{%- if messages and messages[0]['role'] == 'system' -%}
    {%- set prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- set turns = messages[1:] -%}
{%- endif -%}
{%- for turn in turns -%}
    {%- set from_user = turn['role'] == 'user' -%}
    {%- if from_user != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('After an optional system message, turns must alternate: user, assistant, user, ...') -}}
    {%- endif -%}
    {%- if from_user -%}
        {{- '<start_of_turn>user\\n' -}}
    {%- else -%}
        {{- '<start_of_turn>model\\n' -}}
    {%- endif -%}
    {%- if loop.first -%}
        {{- prefix -}}
    {%- endif -%}
    {{- turn['content'] | trim -}}
    {{- '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<start_of_turn>model\\n' -}}
{%- endif -%}
"""


def texts(seed, count):
    """The texts of the corpus, without special tokens."""
    for record in corpus.records(seed, count):
        if record["kind"] == "chat":
            for message in record["messages"]:
                yield ("model" if message["role"] == "model" else "user") + "\n" + message["content"] + "\n"
        elif record["kind"] == "label":
            # Short, and varied in words: counted more often, so that its words get tokens too.
            yield record["text"]
            yield record["text"]
            yield "\nCategory: " + record["label"]
        else:
            yield record["text"]


def write_lines(path, seed, count):
    """The texts as lines that `linnet tokenizer train` reads."""
    with open(path, "w", encoding="utf-8") as file:
        for text in texts(seed, count):
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--documents", type=int, default=60000)
    parser.add_argument("--linnet", default="linnet", help="the program")
    parser.add_argument("--out", default=".")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = os.path.join(folder, "texts.jsonl")
        write_lines(lines, options.seed, options.documents)
        subprocess.run([options.linnet, "tokenizer", "train", "--input", lines, "--style", "gemma", "--vocab-size",
                        str(VOCABULARY), "--limit-alphabet", str(ALPHABET), "--out", options.out], check=True)
    config = {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>",
        "pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"],
        "clean_up_tokenization_spaces": False, "model_max_length": 2048, "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": CHAT_TEMPLATE}
    with open(os.path.join(options.out, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, ensure_ascii=False, indent=1)
        file.write("\n")

    # No token may cross a word or a line.
    with open(os.path.join(options.out, "tokenizer.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["model"]["vocab"]
    for piece, index in vocabulary.items():
        assert SPACE not in piece[1:] or set(piece) == {SPACE}, piece
        assert "\n" not in piece or piece == "\n", piece


if __name__ == "__main__":
    main()
