#!/usr/bin/env python3
"""Writes the corpus of linnet's built-in model: our own sentences from a grammar, one JSON record per line.

    python3 corpus.py --seed 1 --documents 1000 --split train --kind all --out train.jsonl

Records:
    {"kind": "story", "text": ...}                       a story, now and then with a title
    {"kind": "qa", "text": ...}                          a story with questions, or a question with its answer
    {"kind": "label", "prompt": ..., "text": ..., "label": ...}   the classification prompt; completion " " + label
    {"kind": "chat", "messages": [{"role", "content"}]}  a conversation

With --training, lines as `linnet train` reads them: {"text"}, {"prompt", "completion"} or {"messages"}.

The same arguments give the same file. The two splits never share a combination of template and fillers: a fixed
hash of the combination says to which split it belongs (grammar.check_split), and the seeds differ besides. Facts
and small talk are there to be learned by heart and are the same in both.
"""

import argparse
import json
import random
import sys

from chat import make_chat, make_raw_question
from grammar import draw
from labelled import make_labelled
from stories import make_story, story_questions

SHARES = (("story", 0.30), ("qa", 0.22), ("label", 0.20), ("chat", 0.28))
HELD_OUT_SEED = 1 << 40


def make_story_record(rng, split):
    story = make_story(rng, split)
    return {"kind": "story", "text": story.titled() if rng.random() < 0.1 else story.text}


def make_qa_record(rng, split):
    if rng.random() < 0.6:
        return {"kind": "qa", "text": make_raw_question(rng, split)}
    story = make_story(rng, split)
    text = story.titled() if rng.random() < 0.1 else story.text
    for question, answer in story_questions(rng, story, rng.choice((1, 2, 3, 4))):
        text += "\n\nQuestion: %s\nAnswer: %s" % (question, answer)
    return {"kind": "qa", "text": text}


def make_label_record(rng, split):
    return dict(make_labelled(rng, split), kind="label")


def make_chat_record(rng, split):
    return {"kind": "chat", "messages": make_chat(rng, split)}


MAKERS = {"story": make_story_record, "qa": make_qa_record, "label": make_label_record, "chat": make_chat_record}


def make_record(rng, split, kind):
    """One record; combinations of the other split are drawn again."""
    if kind == "all":
        kind = rng.choices([k for k, _ in SHARES], [share for _, share in SHARES])[0]
    return draw(MAKERS[kind], rng, split)


def records(seed, count, split="train", kind="all"):
    """`count` records. Every record has a generator of its own, so a part of a corpus equals that part of the whole."""
    base = seed * 1000003 + (HELD_OUT_SEED if split == "heldout" else 0)
    for index in range(count):
        yield make_record(random.Random(base * 4294967291 + index), split, kind)


def training_line(record):
    """A record as `linnet train` reads it."""
    if record["kind"] == "label":
        return {"prompt": record["prompt"], "completion": " " + record["label"]}
    if record["kind"] != "chat":
        return {"text": record["text"]}
    roles = {"model": "assistant"}
    return {"messages": [{"role": roles.get(m["role"], m["role"]), "content": m["content"]} for m in record["messages"]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--split", choices=("train", "heldout"), default="train")
    parser.add_argument("--kind", choices=("all",) + tuple(MAKERS), default="all")
    parser.add_argument("--out", default="-", help="a file, or - for the standard output")
    parser.add_argument("--training", action="store_true", help="lines that linnet train reads")
    options = parser.parse_args()
    out = sys.stdout if options.out == "-" else open(options.out, "w", encoding="utf-8")
    for record in records(options.seed, options.documents, options.split, options.kind):
        line = training_line(record) if options.training else record
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
    if out is not sys.stdout:
        out.close()


if __name__ == "__main__":
    main()
