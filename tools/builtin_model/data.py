"""Turns records of the corpus into rows of token ids: rendering, weights, packing. Used by train.py."""

import multiprocessing
import os

import numpy
from tokenizers import Tokenizer

import corpus

PAD, EOS, BOS, UNK, START, END = range(6)
PROMPT_WEIGHT = 0.2  # what the model reads but need not say
LABEL_WEIGHT = 4.0  # the one token that counts in a labelled text
CONTEXT = 768  # tokens per packed row


def segments(record):
    """A record as a list of (special token or text, loss weight)."""
    if record["kind"] == "label":
        return [(BOS, 0), (record["prompt"], PROMPT_WEIGHT / 2), (" " + record["label"], LABEL_WEIGHT), (EOS, 1)]
    if record["kind"] != "chat":
        return [(BOS, 0), (record["text"], 1), (EOS, 1)]
    out, prefix = [(BOS, 0)], ""
    for message in record["messages"]:
        content = message["content"].strip()
        if message["role"] == "system":  # folded into the first turn of the user, as the chat template does
            prefix = message["content"] + "\n\n"
            continue
        weight = 1 if message["role"] == "model" else PROMPT_WEIGHT
        role = "model" if message["role"] == "model" else "user"
        label = weight == 1 and content in ("technical", "creative", "ethical", "casual")
        out += [(START, 0), (role + "\n", 0), (prefix + content, LABEL_WEIGHT if label else weight), (END, weight), ("\n", 0)]
        prefix = ""
    return out


def encode(tokenizer, record):
    """Token ids and loss weights of a record."""
    ids, weights = [], []
    for part, weight in segments(record):
        piece = [part] if isinstance(part, int) else tokenizer.encode(part, add_special_tokens=False).ids
        ids += piece
        weights += [weight] * len(piece)
    return ids, weights


def pack(documents, context=CONTEXT, open_rows=48):
    """Fill rows with whole documents: each goes where it leaves the least room. Returns ids, weights, document numbers."""
    done, rows = [], []
    for ids, weights in documents:
        ids, weights = ids[:context], weights[:context]
        fitting = [row for row in rows if len(row[0]) + len(ids) <= context]
        if fitting:
            row = max(fitting, key=lambda r: len(r[0]))
        else:
            if len(rows) >= open_rows:
                fullest = max(rows, key=lambda r: len(r[0]))
                rows.remove(fullest)
                done.append(fullest)
            row = ([], [], [])
            rows.append(row)
        number = row[2][-1] + 1 if row[2] else 1
        row[0].extend(ids)
        row[1].extend(weights)
        row[2].extend([number] * len(ids))
        if len(row[0]) > context - 8:
            rows.remove(row)
            done.append(row)
    done += rows
    ids = numpy.zeros((len(done), context), numpy.int16)
    weights = numpy.zeros((len(done), context), numpy.float16)
    numbers = numpy.zeros((len(done), context), numpy.uint8)
    for i, row in enumerate(done):
        ids[i, :len(row[0])], weights[i, :len(row[0])], numbers[i, :len(row[0])] = row
    return ids, weights, numbers


def make_shard(job):
    """One worker's part: write records, encode them, pack them."""
    path, seed, count, split, kind = job
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = Tokenizer.from_file(path)
    return pack(encode(tokenizer, record) for record in corpus.records(seed, count, split, kind))


def make_rows(path, seed, documents, split="train", kind="all", shards=64, workers=15):
    """The packed corpus. The number of shards is part of the recipe; the number of workers is not."""
    jobs = [(path, seed * 1000 + shard, documents // shards, split, kind) for shard in range(shards)]
    if workers > 1:
        with multiprocessing.Pool(workers) as pool:
            parts = pool.map(make_shard, jobs, chunksize=1)
    else:
        parts = [make_shard(job) for job in jobs]
    return tuple(numpy.concatenate([part[i] for part in parts]) for i in range(3))
