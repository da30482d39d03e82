#!/usr/bin/env python3
"""Trains the tokenizer of linnet's built-in model and writes tokenizer.json and tokenizer_config.json.

    python3 train_tokenizer.py --documents 60000 --out DIR

The file has the shape of Gemma 3's: a normalizer that turns spaces into U+2581, a pre-tokenizer that splits at spaces
(of which none are left), BPE with byte fallback, and a decoder that undoes it. While the merges are learned, a
stricter pre-tokenizer cuts the text into words, single digits, marks and line ends, so no token crosses a word.
Needs the `tokenizers` package.
"""

import argparse
import json
import os

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

import corpus

VOCABULARY = 3072
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
SPACE = "\u2581"
WORDS = SPACE + "?[A-Za-z\u00c0-\u00ff']+|" + SPACE + "?[0-9]|\\n|" + SPACE + "+|[^A-Za-z\u00c0-\u00ff'0-9\\n" + SPACE + "]"

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


def learn(seed, count):
    """The symbols and the merges, in order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), "isolated")
    alphabet = [chr(c) for c in range(33, 127)] + ["\n", SPACE]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(SPECIAL) - 256, initial_alphabet=alphabet,
                                  limit_alphabet=len(alphabet), show_progress=False, special_tokens=[])
    tokenizer.train_from_iterator(texts(seed, count), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
    return sorted(model["vocab"], key=model["vocab"].get), merges


def tokenizer_json(symbols, merges):
    """The whole file as a dictionary."""
    pieces = list(SPECIAL) + ["<0x%02X>" % b for b in range(256)] + symbols
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    assert len(vocabulary) == len(pieces) <= VOCABULARY
    bos = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": index, "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for index, piece in enumerate(SPECIAL)],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
                          "invert": False},
        "post_processor": {
            "type": "TemplateProcessing", "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<bos>", "type_id": 1}},
                     {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": vocabulary, "merges": merges},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--documents", type=int, default=60000)
    parser.add_argument("--out", default=".")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    symbols, merges = learn(options.seed, options.documents)
    with open(os.path.join(options.out, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer_json(symbols, merges), file, ensure_ascii=False, indent=1)
    config = {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>",
        "pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"],
        "clean_up_tokenization_spaces": False, "model_max_length": 2048, "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": CHAT_TEMPLATE}
    with open(os.path.join(options.out, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, ensure_ascii=False, indent=1)
        file.write("\n")

    # A look at the result: everything must come back, and no token may cross a word or a line.
    tokenizer = Tokenizer.from_file(os.path.join(options.out, "tokenizer.json"))
    for piece in symbols:
        assert SPACE not in piece[1:] or set(piece) == {SPACE}, piece
        assert "\n" not in piece or piece == "\n", piece
    for text in ("Once upon a time, there was a fox.\n\n\"Hello!\" it said.", "na\u00efve caf\u00e9 \u2603 \u4f60\u597d", "  two  spaces\t"):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids) == text, (text, tokenizer.decode(ids))
    sample = next(corpus.records(99, 1, kind="story"))["text"]
    encoded = tokenizer.encode(sample)
    print("vocabulary", tokenizer.get_vocab_size(), "merges", len(merges))
    print("characters per token", round(len(sample) / len(encoded.ids), 2), encoded.tokens[:60])


if __name__ == "__main__":
    main()
