"""Labelled texts for the classification prompt."""

import re

from grammar import check_split, draw, expand
import questions
from labelled_a import ETHICAL, ETHICAL_PLAIN, ETHICAL_WORDS, TECHNICAL, TECHNICAL_PLAIN, TECHNICAL_WORDS
from labelled_b import CASUAL, CASUAL_PLAIN, CASUAL_WORDS, CREATIVE, CREATIVE_PLAIN, CREATIVE_WORDS

from stories import make_story
from talk import TALK

LABELS = ("technical", "creative", "ethical", "casual")
PROMPT = ("Classify this text into exactly one category: technical, creative, ethical, casual.\n\n"
          "Text: {text}\n\nCategory:")
OTHER_PROMPTS = (  # a few other wordings, so that small changes of the prompt do no harm
    "Classify the text as {order}.\n\nText: {text}\n\nCategory:",
    "Which category fits this text best: {order}?\n\nText: {text}\n\nCategory:",
    "Classify this text into exactly one category: {order}.\n\nText: {text}\n\nCategory:",
)


def escape(line):
    """Parentheses of the text itself, such as O(n), would read as alternatives: O[n] is put back later."""
    return line.replace("O((n|n log n|n squared|log n|1))", "O[(n|n log n|n squared|log n|1)]")


TEMPLATES = {
    "technical": ([escape(line) for line in TECHNICAL.strip().splitlines()], TECHNICAL_WORDS),
    "creative": (CREATIVE.strip().splitlines(), CREATIVE_WORDS),
    "ethical": (ETHICAL.strip().splitlines(), ETHICAL_WORDS),
    "casual": (CASUAL.strip().splitlines(), CASUAL_WORDS),
}


TECHNICAL_QUESTIONS = ("How do I (install|repair|clean|build|connect) a {thing}?", "Explain {science}.", "What is {science}?",
                       "How does {science} work?", "How does a {thing} work?", "Why does my {thing} make a strange noise?",
                       "The {thing} needs a new {thing2}.")
DROP_WORDS = 0.15  # share of the training texts that lose some words, so that no single word decides

PLAIN = {label: text.strip().splitlines() for label, text in (
    ("technical", TECHNICAL_PLAIN), ("creative", CREATIVE_PLAIN), ("ethical", ETHICAL_PLAIN), ("casual", CASUAL_PLAIN))}


def make_sentence(rng, label, split=None):
    """One sentence (some templates give two) of a label."""
    kind = rng.random()
    if kind < 0.12:  # a sentence without slots
        text = rng.choice(PLAIN[label])
        check_split(split, label, text)
        return text
    if kind > 0.8 and label == "creative":  # a sentence from a story
        sentences = [s for s in re.findall(r"[A-Z][^.!?\"]*[.!?]", make_story(rng, split).text) if s.count(" ") > 6]
        return rng.choice(sentences)
    if kind > 0.95 and label == "casual":  # small talk
        return rng.choice(rng.choice([says for says, _ in TALK if says[0] in ("Hello", "How are you?", "Good morning",
                                      "I am happy.", "I am sad.", "I am bored.", "I am tired.", "Thank you", "Bye")]))
    if kind > 0.92 and label == "technical":  # a question about a machine or a science
        picks = []
        text = expand(rng, rng.choice(TECHNICAL_QUESTIONS), questions.UNKNOWN_WORDS, picks)
        check_split(split, label, *picks)
        return text
    lines, words = TEMPLATES[label]
    index = rng.randrange(len(lines))
    picks = []
    text = expand(rng, lines[index], words, picks)
    text = text.replace("O[", "O(").replace("]", ")")
    text = re.sub(r"(?<!\.)\.\.(?!\.)", ".", re.sub(r"([?!])[.?!]", r"\1", text)).replace(",.", ".")
    text = re.sub(r"\?,", ",", text) if label == "casual" and text.count("?") > 1 else text
    if text[-1] not in ".?!\"":
        text += "."
    check_split(split, label, index, *(picks or [text]))
    return text


def make_text(rng, label, split=None):
    """One to three sentences of a label, now and then without capitals or the last mark."""
    count = rng.choice((1, 1, 1, 1, 2, 2, 3))
    text = " ".join(draw(make_sentence, rng, label, split) for _ in range(count))
    if split != "heldout" and rng.random() < DROP_WORDS:
        keep = rng.uniform(0.6, 0.95)
        text = " ".join(word for word in text.split(" ") if rng.random() < keep) or text
    style = rng.random()
    if style < 0.08:
        text = text.lower()
    elif style < 0.14:
        text = text.rstrip(".!?")
    return text


def make_labelled(rng, split=None, label=None):
    """A record with prompt, text and label."""
    label = label or rng.choice(LABELS)
    text = make_text(rng, label, split)
    prompt = PROMPT
    if split != "heldout" and rng.random() < 0.12:
        order = list(LABELS)
        rng.shuffle(order)
        prompt = rng.choice(OTHER_PROMPTS).replace("{order}", ", ".join(order))
    return {"prompt": prompt.replace("{text}", text), "text": text, "label": label}
