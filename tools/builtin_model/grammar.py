"""The small template language in which the corpus is written.

A template is English with two marks:

    (a|b|c)     one of the alternatives (they nest; an empty one leaves the place empty)
    {H}         a slot: a character, a thing, or a list of words to draw from
    {H.he}      a form of a slot (the pronoun of the character H)
    ^           the next letter becomes a capital

After the marks are filled in, `tidy` repairs "a"/"an", spaces and capitals at the start of sentences.
Everything random comes from the `random.Random` that the caller hands in, so a seed gives the same text.
"""

import re
import zlib

CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!(?:one|once|uni|use|usu|eu|ewe|Uni|Use)\w*)")
HELD_OUT_SHARE = 8  # one key in this many belongs to the held-out split


def choose(rng, text):
    """Fill in the alternatives of a template, innermost first."""
    while "(" in text:
        text, count = CHOICE.subn(lambda m: rng.choice(m.group(1).split("|")), text)
        if not count:
            raise ValueError("a parenthesis without its partner: " + text)
    return text


def fill(rng, text, slots, picks=None):
    """Fill in the slots. `picks` collects what was drawn from lists; {x2} draws from x, but differently."""
    drawn = {}

    def one(match):
        name, form = match.group(1), match.group(2)
        value = slots.get(name)
        if value is None:
            value = slots[name.rstrip("0123456789")]
        if isinstance(value, (list, tuple)):
            if name in drawn:
                return drawn[name]
            base = name.rstrip("0123456789")
            taken = [v for k, v in drawn.items() if k.rstrip("0123456789") == base]
            word = rng.choice(value)
            while word in taken:
                word = rng.choice(value)
            drawn[name] = word
            if picks is not None:
                picks.append(word)
            return word
        if isinstance(value, str):
            return value
        return value.form(form or "", rng)

    for _ in range(3):  # a drawn word may hold slots of its own
        if "{" not in text:
            break
        text = SLOT.sub(one, text)
    return text


def tidy(text):
    """Repair articles, spaces and capitals."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" +([.,!?;:])", r"\1", text)
    text = re.sub(r" *\n *", "\n", text)
    text = re.sub(r"([?!]),\"", r'\1"', text)
    text = ARTICLE.sub(lambda m: m.group(1) + "n ", text)
    text = re.sub(r"(^|[.!?] |\n)([\"]?)([a-z])", lambda m: m.group(1) + m.group(2) + m.group(3).upper(), text)
    text = re.sub(r"(\.\" )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
    text = re.sub(r"\^(\"?)(\w)", lambda m: m.group(1) + m.group(2).upper(), text)
    return text.strip()


def expand(rng, text, slots, picks=None):
    """The whole way from a template to a sentence."""
    text = choose(rng, text)
    text = fill(rng, text, slots, picks)
    if "(" in text:  # alternatives inside a drawn word
        text = fill(rng, choose(rng, text), slots, picks)
    return tidy(text)


SMALL_WORDS = {"a", "an", "and", "the", "of", "in", "on", "at", "to", "by", "for", "who", "from"}


def title_case(text):
    """A title: capitals on all words but the small ones."""
    words = text.split()
    out = []
    for i, word in enumerate(words):
        out.append(word if i and word in SMALL_WORDS else word[:1].upper() + word[1:])
    return " ".join(out)


def is_held_out(*key):
    """Whether a combination of template and fillers belongs to the held-out split (a fixed hash decides)."""
    return zlib.crc32("/".join(str(part) for part in key).encode("utf-8")) % HELD_OUT_SHARE == 0


class Wrong(Exception):
    """The drawn combination belongs to the other split: draw again."""


def check_split(split, *key):
    """Raise Wrong where the combination is not of this split."""
    if split is not None and is_held_out(*key) != (split == "heldout"):
        raise Wrong()


def draw(maker, *arguments, **named):
    """Call a maker until what it makes belongs to the split."""
    while True:
        try:
            return maker(*arguments, **named)
        except Wrong:
            continue
