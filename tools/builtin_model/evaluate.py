#!/usr/bin/env python3
"""Measures the built-in model as it was written (bfloat16 weights) and writes golden values.

    python3 evaluate.py --model DIR --out DIR

Writes metrics.json (held-out labels, answers, perplexities, samples) and golden.json (token ids and greedy
continuations in float32 with eager attention, for the tests of the engine).
"""

import argparse
import json
import os
import random

import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, Gemma3ForCausalLM

import corpus
import questions
from grammar import draw, expand
from labelled import LABELS, PROMPT
from stories import make_story

PAD, EOS, BOS, UNK, START, END = range(6)
HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN_PROMPTS = (
    ("text", "Once upon a time"), ("text", "The fox"), ("text", "Why is the sky blue?"),
    ("text", PROMPT.replace("{text}", "The server ran out of memory because of a leak in the cache.")),
    ("chat", [{"role": "user", "content": "Tell me a story about a fox."}]),
    ("chat", [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Who are you?"}]),
    ("chat", [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello! What can I do for you?"},
              {"role": "user", "content": "What is the capital of France?"}]),
)
SAMPLE_PROMPTS = ("Once upon a time", "Once upon a time", "Once upon a time", "The fox", "The fox", "A little robot",
                  "Mia was", "In a small village", "It was late", "One day, the dragon", "Why is the sky blue?",
                  "What is the capital of Japan?", "Who invented the telephone?", "Hello", "What is 3 + 4?",
                  "My dog", "The king had a golden crown", "Tell me a story about a bear.")
SAMPLE_CHATS = ("Hello", "Who are you?", "What can you do?", "Tell me a story about a fox.", "Tell me a story about a dragon and a key.",
                "Tell me a story about Lucy.", "Tell me a story about a spaceship.", "Why is the sky blue?", "What is the capital of Sweden?",
                "What is 7 plus 5?", "Who won the world cup in 1990?", "Write a poem about the sea.", "Tell me a joke.",
                "How do I install Linux?", "I am sad.", "Thanks, bye!")


def segments(record):
    """A record as a list of (special token or text, whether it is what the model is to say)."""
    if record["kind"] == "label":
        return [(BOS, False), (record["prompt"], False), (" " + record["label"], True), (EOS, True)]
    if record["kind"] != "chat":
        return [(BOS, False), (record["text"], True), (EOS, True)]
    out, prefix = [(BOS, False)], ""
    for message in record["messages"]:
        content = message["content"].strip()
        if message["role"] == "system":  # folded into the first turn of the user, as the chat template does
            prefix = message["content"] + "\n\n"
            continue
        role = "model" if message["role"] == "model" else "user"
        said = role == "model"
        out += [(START, False), (role + "\n", False), (prefix + content, said), (END, said), ("\n", False)]
        prefix = ""
    return out


def encode(tokenizer, record):
    """Token ids of a record, and of each whether it counts."""
    ids, counts = [], []
    for part, said in segments(record):
        piece = [part] if isinstance(part, int) else tokenizer.encode(part, add_special_tokens=False).ids
        ids += piece
        counts += [said] * len(piece)
    return ids, counts


def padded(rows, device):
    """Rows of ids as one tensor, and which of it is theirs."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), PAD, dtype=torch.long)
    there = torch.zeros((len(rows), longest), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = torch.tensor(row)
        there[i, :len(row)] = 1
    return ids.to(device), there.to(device)


def batched_logits(model, rows):
    """Logits at the last position of each row of ids."""
    ids, there = padded(rows, model.device)
    hidden = model.model(input_ids=ids, attention_mask=there, use_cache=False).last_hidden_state
    last = torch.tensor([len(row) - 1 for row in rows], device=model.device)
    return model.lm_head(hidden[torch.arange(len(rows), device=model.device), last]).float()


@torch.no_grad()
def generate(model, prompts, limit=360, temperature=0.0, seed=0, top_p=0.95):
    """Continuations of many prompts at once; each ends at <eos> or <end_of_turn>, which is kept."""
    generator = torch.Generator(device=model.device).manual_seed(seed)
    rows, out, live = [list(p) for p in prompts], [[] for _ in prompts], list(range(len(prompts)))
    for _ in range(limit):
        logits = batched_logits(model, [rows[i] for i in live])
        logits[:, PAD] = -1e9
        if temperature:
            chances = torch.softmax(logits / temperature, -1)
            ordered, index = chances.sort(-1, descending=True)
            ordered[ordered.cumsum(-1) - ordered > top_p] = 0
            picks = index.gather(1, torch.multinomial(ordered, 1, generator=generator))[:, 0].tolist()
        else:
            picks = logits.argmax(-1).tolist()
        for i, token in zip(live, picks):
            rows[i].append(token)
            out[i].append(token)
        live = [i for i in live if out[i][-1] not in (EOS, END)]
        if not live:
            break
    return out


class Bench:
    """The model with its tokenizer and the things that are measured."""

    def __init__(self, folder, device):
        self.folder = folder
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.chat = AutoTokenizer.from_pretrained(folder)
        self.model = Gemma3ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").to(device).eval()

    def chat_ids(self, messages):
        text = self.chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert text.startswith("<bos>")
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def text_ids(self, text):
        return self.tokenizer.encode(text).ids

    def decode(self, ids):
        return self.tokenizer.decode([i for i in ids if i > 3]) if ids else ""

    def check_template(self):
        """The rendering that was trained and the chat template must agree."""
        for record in corpus.records(5, 300, "heldout", "chat"):
            messages = [dict(m, role="assistant") if m["role"] == "model" else m for m in record["messages"]]
            text = self.chat.apply_chat_template(messages, tokenize=False)
            assert self.tokenizer.encode(text, add_special_tokens=False).ids == encode(self.tokenizer, record)[0]

    @torch.no_grad()
    def labels(self, pairs, chat=False, size=250):
        """Share of texts whose greedy next token is the right label, and the confusion."""
        names = [(" " if not chat else "") + label for label in LABELS]
        first = [self.tokenizer.encode(name, add_special_tokens=False).ids[0] for name in names]
        assert len(set(first)) == len(first)
        right, confusion = 0, {label: dict.fromkeys(LABELS, 0) for label in LABELS}
        for at in range(0, len(pairs), size):
            part = pairs[at:at + size]
            prompts = [PROMPT.replace("{text}", text) for text, _ in part]
            rows = [self.chat_ids([{"role": "user", "content": p}]) if chat else self.text_ids(p) for p in prompts]
            logits = batched_logits(self.model, rows)
            greedy = logits.argmax(-1).tolist()
            among = logits[:, first].argmax(-1).tolist()
            for (_, label), token, best in zip(part, greedy, among):
                right += token == first[LABELS.index(label)]
                confusion[label][LABELS[best]] += 1
        return right / len(pairs), confusion

    @torch.no_grad()
    def perplexity(self, kind, count):
        """exp of the mean loss over the tokens that the model is to say."""
        examples = sorted((encode(self.tokenizer, r) for r in corpus.records(11, count, "heldout", kind)), key=lambda e: len(e[0]))
        total, tokens = 0.0, 0
        for at in range(0, len(examples), 32):
            part = examples[at:at + 32]
            ids, there = padded([e[0] for e in part], self.model.device)
            counts, _ = padded([[int(c) for c in e[1]] for e in part], self.model.device)
            logits = self.model(input_ids=ids, attention_mask=there, use_cache=False).logits
            losses = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
            keep = (counts[:, 1:] * there[:, 1:]).flatten() == 1
            total += losses[keep].sum().item()
            tokens += keep.sum().item()
        return round(float(torch.tensor(total / tokens).exp()), 3)

    def answers(self, cases):
        """Share of (prompt ids, accepted answers) whose greedy answer is among the accepted ones."""
        outs, wrong = [], []
        for at in range(0, len(cases), 300):
            outs += generate(self.model, [case[0] for case in cases[at:at + 300]], limit=64)
        right = 0
        for (ids, accepted), out in zip(cases, outs):
            text = self.decode(out).strip().split("\n\nQuestion:")[0]
            right += text in accepted
            if text not in accepted:
                wrong.append([self.decode(ids)[-90:], text, sorted(accepted)[0]])
        return round(right / len(cases), 4), wrong[:12]

    def story_cases(self, count):
        rng, cases = random.Random(77), []
        while len(cases) < count:
            story = draw(make_story, rng, "heldout")
            question, answers = rng.choice(story.schema["questions"])
            accepted = {expand(rng, a, story.slots) for a in answers.split("|")}
            text = story.text + "\n\nQuestion: " + expand(rng, question, story.slots) + "\nAnswer:"
            cases.append((self.text_ids(text), accepted))
        return cases

    def fact_cases(self):
        rng, cases = random.Random(76), []
        for asked, answers in questions.SINGLE_FACTS + questions.TABLE_FACTS:
            accepted = {expand(rng, answer, {}) for answer in answers}
            cases.append((self.chat_ids([{"role": "user", "content": expand(rng, asked[0], {})}]), accepted))
        return cases

    def sum_cases(self, count):
        rng = random.Random(78)
        pairs = [questions.make_sum(rng) for _ in range(count)]
        return [(self.chat_ids([{"role": "user", "content": q}]), {a}) for q, a in pairs]

    def samples(self):
        out = []
        for title, temperature in (("greedy", 0.0), ("temperature 0.8", 0.8)):
            texts = generate(self.model, [self.text_ids(p) for p in SAMPLE_PROMPTS], temperature=temperature, seed=3)
            out += [[title, p, self.decode(t), t[-1] in (EOS, END)] for p, t in zip(SAMPLE_PROMPTS, texts)]
            chats = [[{"role": "user", "content": p}] for p in SAMPLE_CHATS]
            texts = generate(self.model, [self.chat_ids(c) for c in chats], temperature=temperature, seed=4)
            out += [[title + ", chat", p, self.decode(t), t[-1] == END] for p, t in zip(SAMPLE_CHATS, texts)]
        return out

    def stories(self, count=100):
        """How sampled stories end, and how much they differ."""
        outs = generate(self.model, [self.text_ids("Once upon a time")] * count, limit=420, temperature=0.8, seed=9)
        texts = [self.decode(out) for out in outs]
        return {"sampled": count, "ended": sum(out[-1] == EOS for out in outs) / count,
                "mean_tokens": sum(map(len, outs)) / count, "distinct": len(set(texts)) / count,
                "distinct_first_sentences": len({text.split(".")[0] for text in texts}) / count}

    def golden_prompts(self):
        """The prompts by hand, and a long one that reaches past the sliding window."""
        story = draw(make_story, random.Random(4), "heldout")
        question = expand(random.Random(4), story.schema["questions"][0][0], story.slots)
        return GOLDEN_PROMPTS + (("text", story.text + "\n\nQuestion: " + question + "\nAnswer:"),)

    @torch.no_grad()
    def golden(self, steps=64):
        """Greedy continuations in float32 with eager attention on the CPU, one token at a time without a cache."""
        model = Gemma3ForCausalLM.from_pretrained(self.folder, dtype=torch.float32, attn_implementation="eager").eval()
        cases = []
        for form, prompt in self.golden_prompts():
            ids = self.text_ids(prompt) if form == "text" else self.chat_ids(prompt)
            row, margins, logits0 = list(ids), [], None
            for _ in range(steps):
                logits = model(torch.tensor([row]), use_cache=False).logits[0, -1]
                top = logits.topk(2)
                if logits0 is None:
                    logits0 = [[int(i), round(float(v), 5)] for v, i in zip(*logits.topk(8))]
                margins.append(round(float(top.values[0] - top.values[1]), 5))
                row.append(int(top.indices[0]))
                if row[-1] in (EOS, END):
                    break
            cases.append({"form": form, "prompt": prompt, "ids": ids, "continuation": row[len(ids):], "margins": margins,
                          "text": self.decode(row[len(ids):]), "first_logits": logits0})
        return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=".")
    parser.add_argument("--out", default=".")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    bench = Bench(options.model, options.device)
    bench.check_template()
    metrics = {}
    held_out = [(r["text"], r["label"]) for r in corpus.records(21, 2000, "heldout", "label")]
    metrics["label_accuracy_heldout"], metrics["label_confusion_heldout"] = bench.labels(held_out)
    metrics["label_accuracy_heldout_chat"], _ = bench.labels(held_out[:500], chat=True)
    # Sentences by hand, not from the grammar. The grammar was widened after a look at the second file, never the first.
    for name, file_name in (("probe", "probe_labels.jsonl"), ("probe_dev", "probe_labels_dev.jsonl")):
        with open(os.path.join(HERE, file_name)) as file:
            probe = [(r["text"], r["label"]) for r in map(json.loads, file)]
        metrics["label_accuracy_" + name], metrics["label_confusion_" + name] = bench.labels(probe)
        metrics["label_accuracy_" + name + "_chat"], _ = bench.labels(probe, chat=True)
    for kind in ("story", "qa", "chat", "label"):
        metrics["perplexity_heldout_" + kind] = bench.perplexity(kind, 800)
    metrics["story_answers_heldout"], metrics["story_answers_wrong"] = bench.answers(bench.story_cases(400))
    metrics["facts_recalled"], metrics["facts_wrong"] = bench.answers(bench.fact_cases())
    metrics["sums_recalled"], metrics["sums_wrong"] = bench.answers(bench.sum_cases(200))
    metrics["stories"] = bench.stories()
    print(json.dumps({k: v for k, v in metrics.items()}, indent=1), flush=True)
    golden = bench.golden()
    with open(os.path.join(options.out, "golden.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, indent=None)
    for case in golden:
        print("GOLDEN", repr(case["prompt"])[-60:], "->", repr(case["text"]), "smallest margin", min(case["margins"]))
    metrics["samples"] = bench.samples()
    with open(os.path.join(options.out, "metrics.json"), "w", encoding="utf-8") as file:
        json.dump(metrics, file, ensure_ascii=False, indent=1)
    for title, prompt, text, ended in metrics["samples"]:
        print("## %s | %s%s\n%s" % (title, prompt, "" if ended else " | not ended", text))


if __name__ == "__main__":
    main()
