"""Puts stories together: an opening, some colour about the hero, the beats of a schema, and an ending."""

import schemas_b  # noqa: F401  (registers the second half)
from grammar import check_split, expand, title_case
from schemas_a import SCHEMAS
from world import HOBBIES, PLACES, Place, Relative, make_character, make_elder, make_thing

OPENINGS = (
    ("Once upon a time, there was {H.a} (who|that) lived {home}.", 30),
    ("Once upon a time, {H.a} lived {home}.", 14),
    ("Once upon a time, {home}, there lived {H.a}.", 9),
    ("Once upon a time, there was {H.a}. {H.he} lived {home}.", 10),
    ("(Long ago|A long time ago), there lived {H.a}. {H.his} home was {home}.", 6),
    ("There once was {H.a} (who|that) lived {home}.", 6),
    ("{home}, there lived {H.a}.", 7),
    ("{H.a} lived {home}.", 8),
    ("{H.the} lived {home}.", 14),
    ("{H.is} (who|that) lived {home}.", 7),
    ("{H.the} was {mood} (today|this morning). {H.he} lived {home}.", 4),
    ("Far away, {home}, there lived {H.a}.", 3),
    ("", 8),
)
HOBBY_LINES = (
    "{H.he} (liked|loved) to {hobby}.",
    "{H.he} (liked|loved) to {hobby} and to {hobby2}.",
    "Every day, {H.he} would {hobby}.",
    "There was nothing {H.he} liked more than to {hobby}.",
)
COLOR = (
    "Everybody (knew {H.him}|liked {H.him}), because {H.he} was so {virtue}.",
    "{H.he} was (very|always) {virtue}.",
    "{H.he} was {virtue}, but sometimes a little (shy|lazy|too loud|too quick|stubborn).",
    "{M.n} lived there too.",
    "{M.n} always said, \"(Be kind and brave|Keep your eyes open|Every day has a gift)!\"",
)
VIRTUES = "kind brave curious friendly clever helpful cheerful gentle honest polite".split()
MOODS = "happy sad tired hungry bored curious excited".split()
FRIEND_ENDINGS = (
    "From that day on, {H.n} and {F.n} were (good|best|true) friends.",
    "{H.n} and {F.n} are friends to this day.",
    "And {H.n} and {F.n} were friends for the rest of their lives.",
)
ENDINGS = (
    "{H.n} had learned that {moral}.", "That day, {H.n} learned that {moral}.",
    "And {H.n} knew that {moral}.", "So remember: {moral}.",
    "That night, {H.n} slept very well.", "It was the best day of {H.n}'s life.",
    "{H.n} was (very|so|truly) happy.", "And they all lived happily ever after.",
)
DAYS = ("one day,|one day,|one day,|one morning,|one sunny morning,|one afternoon,|one sunny day,|one fine day,|"
        "one windy day,|one autumn day,|one spring morning,|one summer day,|on a warm afternoon,|"
        "on a bright morning,|early one morning,").split("|")
NIGHTS = "one night,|one clear night,|one warm night,|late one evening,|one quiet night,".split("|")
SHIPS = "Silver Fish|Brave Duck|Morning Star|Happy Whale|Red Apple".split("|")


class Story:
    """A story with all that questions about it need."""

    def __init__(self, text, title, slots, schema):
        self.text, self.title, self.slots, self.schema = text, title, slots, schema
        self.hero = slots["H"]

    def titled(self):
        return self.title + "\n\n" + self.text


def make_slots(rng, schema, kind=None, named=None, place=None):
    """Draw everybody and everything that a schema needs."""
    hero = make_character(rng, kind=kind, groups=schema["hero"], named=named)
    kinds = schema["friend_kinds"]
    friend = make_character(rng, kind=rng.choice(kinds) if kinds else None, female=not hero.female, avoid=(hero,), groups=schema["friend"],
                            named=False if schema["name"] == "small_big" else None)
    if schema["name"] in ("small_big", "race"):
        friend.adjective = rng.choice(("proud", "mighty", "strong") if kinds else ("proud", "quick", "loud"))
    elder = make_elder(rng, (hero, friend))
    relative = Relative(hero, rng.choice(("mother", "father", "grandmother", "grandfather")))
    first, second = rng.sample(PLACES, 2)
    if place:
        first = next((p for p in PLACES if p[0] == place), first)
        if first == second:
            second = next(p for p in PLACES if p != first)
    groups = list(schema["things"]) + ["treasure", "treasure"]
    thing = make_thing(rng, groups[0])
    other = make_thing(rng, groups[1])
    while other.noun == thing.noun:
        other = make_thing(rng, groups[1])
    return {"H": hero, "F": friend, "E": elder, "M": relative, "L": Place(*first), "K": Place(*second),
            "O": thing, "Q": other, "Day": rng.choice(DAYS), "Night": rng.choice(NIGHTS), "home": hero.home,
            "hobby": HOBBIES, "virtue": VIRTUES, "mood": MOODS, "moral": schema["moral"], "ship": SHIPS}


def suitable(schema, kind):
    """Whether a kind of hero can play in a schema."""
    from world import GROUP_OF
    group = "child" if kind in ("girl", "boy") else GROUP_OF[kind]
    return schema["hero"] is None or group in schema["hero"]


def make_story(rng, split=None, kind=None, named=None, place=None, thing=None):
    """A story; `kind`, `place` and `thing` may be asked for. Raises Wrong if it belongs to the other split."""
    from world import THINGS, Thing
    while True:
        schema = rng.choice(SCHEMAS)
        if kind is not None and not suitable(schema, kind):
            continue
        if thing is not None and (not schema["things"] or thing not in THINGS[schema["things"][0]]):
            continue
        break
    slots = make_slots(rng, schema, kind, named, place)
    if thing is not None:
        slots["O"] = Thing(thing, slots["O"].look if slots["O"].look not in thing else "pretty")
    check_split(split, schema["name"], slots["H"].main(), slots["F"].main(), slots["O"].full, slots["L"].noun)
    opening = rng.choices([o[0] for o in OPENINGS], [o[1] for o in OPENINGS])[0]
    paragraphs, lines = [], []
    if opening:
        lines.append(expand(rng, opening, slots))
    if opening and rng.random() < 0.35:
        lines.append(expand(rng, rng.choice(HOBBY_LINES), slots))
    if opening and rng.random() < 0.35:
        lines.append(expand(rng, rng.choice(COLOR), slots))
    broken = rng.random() < 0.5
    if broken and opening and rng.random() < 0.6:
        paragraphs.append(lines)
        lines = []
    for index, beat in enumerate(schema["beats"]):
        if beat.startswith("?"):
            if rng.random() < 0.5:
                continue
            beat = beat[1:].strip()
        if beat.startswith("/"):
            beat = beat[1:].strip()
            if broken and lines and index:
                paragraphs.append(lines)
                lines = []
        if not opening and index == 0:  # the story starts in the middle
            beat = beat.replace("{H.n}", "{H.the}", 1) if "{H.n}" in beat else beat
        lines.append(expand(rng, beat, slots))
    with_friend = any("{F" in beat for beat in schema["beats"] if not beat.startswith("?"))
    if with_friend and rng.random() < 0.25 and not any("friend" in line for line in lines[-3:]):
        lines.append(expand(rng, rng.choice(FRIEND_ENDINGS), slots))
    if rng.random() < 0.6:
        lines.append(expand(rng, rng.choice(ENDINGS), slots))
    if rng.random() < 0.12:
        lines.append("The end.")
    paragraphs.append(lines)
    text = "\n\n".join(" ".join(lines) for lines in paragraphs)
    titles = ["{H.n} and the {L.noun}"] * (rng.random() < 0.1) + schema["titles"]
    return Story(text, title_case(expand(rng, rng.choice(titles), slots)), slots, schema)


GENERIC_QUESTIONS = (
    ("Who is the story about?|Who is this story about?", "The story is about {H.n}.|It is about {H.n}."),
    ("Who is the hero of the story?", "The hero is {H.n}."),
    ("What did {H.n} learn?", "{H.n} learned that {moral}."),
    ("What is the moral of the story?", "The moral is that {moral}."),
    ("What can we learn from the story?", "We can learn that {moral}."),
)


def story_questions(rng, story, count):
    """Questions about a story, with answers that the text holds."""
    pool = list(story.schema["questions"])
    rng.shuffle(pool)
    pool = pool[:count]
    if rng.random() < 0.5:
        pool.insert(rng.randrange(len(pool) + 1), rng.choice(GENERIC_QUESTIONS))
    return [(expand(rng, rng.choice(questions.split("|")), story.slots),
             expand(rng, rng.choice(answers.split("|")), story.slots)) for questions, answers in pool]
