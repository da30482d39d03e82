"""The little world of the stories: who lives in it, where, and with what things."""

from grammar import choose, tidy

GIRLS = ("Mia Lily Anna Rosa Clara Nora Ella Ruby Ivy Lena Maya Tess Hazel Emma Zoe Alice Greta Stella Sara "
         "Dora Olive Poppy Wren June Luna Nina Pearl Freya Ada Flora Amy Lucy Daisy Sophie Kate Holly").split()
BOYS = ("Tom Max Leo Finn Oscar Ben Sam Jack Hugo Theo Noah Eli Felix Otto Milo Jonas Peter Luke Adam Arlo "
        "Toby Henry Will Emil Dan Ravi Omar Kai Rufus Simon Tim Alex David Paul Erik Nico").split()
PET_NAMES = ("Pip Dot Bramble Clover Nutmeg Pepper Biscuit Fern Moss Willow Button Ginger Rusty Sunny Pebble "
             "Acorn Maple Teasel Thistle Cricket Marble Dusty Juniper Snowdrop Muffin Hopper Tansy Echo Barley "
             "Figgy Copper Misty Sparky Bubbles Honey Coco Tinker Bracken Puddle Whisper").split()

FOREST = "fox rabbit mouse bear hedgehog squirrel badger deer mole wolf raccoon".split()
WATER = "frog duck turtle otter beaver goose swan".split()
FARM = "cat dog puppy kitten pony lamb pig goat hen donkey cow sheep horse".split()
BIRDS = "owl sparrow robin crow swallow".split()
FAR = "lion tiger elephant monkey giraffe zebra camel panda kangaroo".split()
SEA = "penguin seal crab".split()
SMALL = "snail ant bee butterfly beetle ladybug caterpillar spider".split()
FANTASY = "dragon robot unicorn giant fairy wizard witch ghost elf troll".split()
ROYAL_F, ROYAL_M = "princess queen".split(), "prince king knight".split()
TRADE = "farmer baker gardener sailor painter shepherd fisherman teacher pirate tailor clockmaker".split()

ADJECTIVES = ("little small young tiny curious brave gentle cheerful shy clever friendly quiet kind playful "
              "hungry lonely happy funny").split()
SIZES = "little small young".split()

HOMES = {
    "child": ("in a (small|little|tall|white|yellow|stone) house (near the forest|by the sea|on a hill|by the river|"
              "at the edge of the village|with a red roof|with a big garden)",
              "in a (small|quiet|sunny) village (by the sea|near the mountains|by a lake|in a green valley)",
              "on a (small|little|big) farm (near the river|on a hill|far from the town)",
              "in a (big|busy|old) (city|town) (by the sea|near the mountains|by a wide river)"),
    "forest": ("in a (hollow tree|cozy burrow|warm den|small cave) (in the forest|under an old oak tree|near a "
               "quiet stream|on a green hill|at the edge of the woods)",
               "in a (deep|quiet|green|dark|big) forest (near the mountains|by a lake|)"),
    "water": ("(by|near) a (quiet|blue|clear|small|wide) (pond|lake|river|stream) (in the forest|at the foot of a hill|)",),
    "farm": ("on a (small|quiet|sunny|busy|big) farm (near the river|on a hill|by the forest|)",
             "in a (red|warm|big|old) barn (on a hill|near the village|behind a farmhouse|)"),
    "bird": ("in a (tall|old|big) (tree|oak|pine tree) (in the forest|by the river|on a hill|near the village)",
             "in a nest (high in an old tree|under the roof of a barn|above the river)"),
    "far": ("in a (warm|green|wide|far) (land|valley) (beyond the mountains|far away|across the sea)",
            "on a (wide|sunny|warm|green) plain (near a river|far away|by a lake)",
            "in a (small|big|quiet) zoo (near the city|by the river|)"),
    "sea": ("on a (small|rocky|cold|quiet|windy) (beach|island) (far in the north|in the blue sea|)",),
    "small": ("in a (green|sunny|big|quiet|wild) (garden|meadow) (behind an old house|near the river|on a hill|)",
              "under a (big leaf|round stone|red flower) in (the|a sunny|a quiet) garden"),
    "fantasy": ("in a (tall|stone|dark|quiet|old) (tower|castle|cave) (on a hill|in the mountains|far away|by the sea)",
                "in a (small|strange|crooked) house (deep in the forest|on top of a mountain|at the end of a long road)"),
    "robot": ("in a (small|dusty|busy|quiet) workshop (in the city|at the end of a street|near the sea)",
              "in a (big|bright|quiet) house (in the city|near the sea|with many rooms)"),
    "royal": ("in a (big|white|stone|golden|tall) (castle|palace) (on a hill|by the sea|in the mountains|near a lake)",),
    "trade": ("in a (small|quiet|busy|sunny) (village|town) (by the sea|near the forest|in the mountains|by a river)",),
}

# Where a story happens: the bare name, "in it" and "to it".
PLACES = [("forest", "in"), ("woods", "in"), ("meadow", "in"), ("garden", "in"), ("park", "in"), ("valley", "in"),
          ("river", "by"), ("lake", "by"), ("pond", "by"), ("stream", "by"), ("sea", "by"), ("old bridge", "near"),
          ("old mill", "near"), ("hill", "on"), ("beach", "on"), ("market", "at"), ("big field", "in"),
          ("old tower", "near"), ("waterfall", "near"), ("orchard", "in")]

COLORS = "red blue green yellow white purple orange brown pink gray".split()
LOOKS = "little shiny old bright pretty tiny".split() + COLORS * 2
THINGS = {
    "toy": ("kite ball doll|wooden boat|toy train|drum|teddy bear|spinning top|marble|paper boat|whistle|toy car|"
            "wooden horse|puppet|rubber duck").replace(" ball ", "|ball|").split("|"),
    "treasure": ("key|lantern|ring|coin|shell|feather|bell|book|map|compass|watch|box|stone|necklace|mirror|crown|"
                 "button|bottle|flute|letter").split("|"),
    "food": ("apple pie|honey cake|pot of soup|loaf of bread|basket of berries|bowl of porridge|jar of jam|"
             "bag of nuts|basket of plums|cheese sandwich|bag of cherries|chocolate cake|pumpkin pie|plate of "
             "pancakes|pear|bunch of carrots").split("|"),
    "wear": "hat|scarf|coat|cap|sweater|cloak|raincoat|blanket".split("|"),
    "tool": "rope|ladder|net|spade|hammer|bucket|basket|stick|wheelbarrow|broom".split("|"),
    "music": "flute|drum|violin|guitar|trumpet|piano|harp|horn".split("|"),
    "plant": "sunflower|pumpkin|rose|apple tree|bean plant|tulip|strawberry plant|cherry tree|pear tree".split("|"),
}
METALS = "silver golden wooden copper".split()

HOBBIES = ("climb trees|count the clouds|sing in the morning|collect smooth stones|draw pictures|look at the stars|"
           "run in the rain|listen to the birds|pick flowers|tell stories|play hide and seek|watch the boats|"
           "dance in the kitchen|read old books|build small towers|chase the wind|help other people|bake bread|"
           "swim on hot days|jump in puddles|sleep in the sun|ask questions").split("|")


class Character:
    """Somebody in a story, with the forms in which templates can name them."""

    def __init__(self, kind, name, female, adjective, home):
        self.kind, self.name, self.female, self.adjective, self.home = kind, name, female, adjective, home
        self.child = kind in ("girl", "boy")

    def main(self):
        """The plain name: "Mia", "Pip", "the fox"."""
        return self.name or "the " + self.kind

    def form(self, form, rng):
        name, kind, adjective = self.name, self.kind, self.adjective
        if form == "":
            if name and not self.child:
                return "the " + kind if rng.random() < 0.2 else name
            if name:
                return name
            return "the %s %s" % (adjective, kind) if rng.random() < 0.12 else "the " + kind
        if form == "n":
            return self.main()
        if form == "a":  # the first mention
            if not name:
                return "a %s %s" % (adjective, kind)
            lead = rng.choice(["a %s %s" % (adjective, kind)] * 4 + ["a " + kind])
            return rng.choice(["%s named %s", "%s called %s"]) % (lead, name)
        if form == "the":  # the first mention, where the story starts in the middle
            if not name:
                return rng.choice(["the " + kind, "the %s %s" % (adjective, kind)])
            return name if self.child else "%s the %s" % (name, kind)
        if form == "is":  # "Mia was a curious girl"
            return "%s was a %s %s" % (self.main(), adjective, kind)
        if form in ("kind", "name", "home", "adjective"):
            return getattr(self, form) or self.main()
        table = {"he": "she", "him": "her", "his": "her", "himself": "herself", "boy": "girl"}
        if form in table:
            return table[form] if self.female else form
        raise KeyError(form)


class Relative:
    """A mother, a father or a grandparent: named through the hero."""

    def __init__(self, hero, word):
        self.hero, self.word = hero, word
        self.female = word in ("mother", "grandmother", "aunt", "big sister")

    def main(self):
        return ("her " if self.hero.female else "his ") + self.word

    def form(self, form, rng):
        if form in ("", "n", "a", "the"):
            return self.main()
        if form == "own":
            return self.hero.main() + "'s " + self.word
        if form == "kind":
            return self.word
        table = {"he": "she", "him": "her", "his": "her", "himself": "herself"}
        return table[form] if self.female else form


class Thing:
    """An object, with or without its look: "kite", "a red kite", "the red kite"."""

    def __init__(self, noun, look):
        self.noun, self.look = noun, look
        self.full = (look + " " + noun) if look else noun

    def form(self, form, rng):
        if form == "":
            return self.noun
        if form == "a":
            return "a " + self.full
        if form == "full":
            return self.full
        if form == "look":
            return self.look
        if form == "some":
            return rng.choice([self.noun, self.full])
        raise KeyError(form)


class Place:
    """A place of the story: {L.in} "in the forest", {L.to} "to the forest", {L} "the forest"."""

    def __init__(self, noun, preposition):
        self.noun, self.preposition = noun, preposition

    def form(self, form, rng):
        if form in ("", "n"):
            return "the " + self.noun
        if form == "in":
            return self.preposition + " the " + self.noun
        if form == "to":
            return "to the " + self.noun
        if form == "noun":
            return self.noun
        raise KeyError(form)


GROUPS = [("child", None, 30), ("forest", FOREST, 24), ("water", WATER, 10), ("farm", FARM, 12), ("bird", BIRDS, 7),
          ("far", FAR, 6), ("sea", SEA, 3), ("small", SMALL, 6), ("fantasy", FANTASY, 9), ("royal", None, 4),
          ("trade", TRADE, 6)]
GROUP_OF = {kind: group for group, kinds, _ in GROUPS if kinds for kind in kinds}
GROUP_OF.update({kind: "royal" for kind in ROYAL_F + ROYAL_M})
KINDS = sorted(GROUP_OF)


def make_home(rng, group, kind):
    """A home that fits."""
    return tidy("." + choose(rng, rng.choice(HOMES["robot" if kind == "robot" else group])))[1:].strip()


def make_character(rng, kind=None, female=None, avoid=(), groups=None, named=None):
    """Somebody new. `avoid` are characters already in the story: no kind and no name comes twice."""
    used = {c.kind for c in avoid if not c.child} | {c.name for c in avoid}
    while True:
        if kind is None:
            pool = [g for g in GROUPS if groups is None or g[0] in groups]
            group = rng.choices([g[0] for g in pool], [g[2] for g in pool])[0]
        else:
            group = "child" if kind in ("girl", "boy") else GROUP_OF[kind]
        sex = rng.random() < 0.5 if female is None else female
        if kind == "girl" or kind == "boy":
            sex = kind == "girl"
        if group == "child":
            who = "girl" if sex else "boy"
        elif kind is not None:
            who = kind
            if kind in ROYAL_F or kind in ("witch", "hen", "cow", "fairy"):
                sex = True
            elif kind in ROYAL_M or kind in ("wizard", "fisherman"):
                sex = False
        elif group == "royal":
            who = rng.choice(ROYAL_F if sex else ROYAL_M)
        else:
            who = rng.choice(dict((g[0], g[1]) for g in GROUPS)[group])
            if (who in ("witch", "hen", "cow", "fairy") and not sex) or (who in ("wizard", "fisherman") and sex):
                continue
        people = group in ("child", "royal", "trade") or who in ("wizard", "witch", "fairy", "elf")
        if group == "child":
            name = rng.choice(GIRLS if sex else BOYS)
        elif named is False or (named is None and rng.random() < 0.5):
            name = None
        elif people:
            name = rng.choice(GIRLS if sex else BOYS)
        else:
            name = rng.choice(PET_NAMES)
        if (who in used and group != "child") or (name and name in used):
            continue
        adjective = rng.choice(SIZES + ["kind", "curious", "clever"] if people else ADJECTIVES)
        if adjective in ("little", "small", "tiny") and who in ("giant", "elephant", "king", "queen"):
            adjective = "kind"
        if adjective == who[: len(adjective)] or adjective == "young" and who in ("puppy", "kitten", "lamb"):
            adjective = "little"
        return Character(who, name, sex, adjective, make_home(rng, group, who))


ELDERS = "owl turtle badger crow goose bear beaver donkey".split()


def make_elder(rng, avoid):
    """A wise helper, always called "the old owl" or the like."""
    used = {c.kind for c in avoid}
    kind = rng.choice([k for k in ELDERS if k not in used])
    elder = Character(kind, None, rng.random() < 0.5, "old", "")
    elder.form = lambda form, r, base=elder.form: (
        "the old " + kind if form in ("", "n") else "an old " + kind if form in ("a", "the") else base(form, r))
    return elder


def make_thing(rng, group):
    """A thing of a group, with a look that suits."""
    noun = rng.choice(THINGS[group])
    if group in ("food", "plant"):
        look = rng.choice(["big", "small"] if " of " in noun or group == "plant" else ["big", "fresh", "small", "lovely"])
    elif group == "wear":
        look = rng.choice(COLORS)
    elif group == "tool":
        look = rng.choice(["long", "old", "strong", "good"])
    elif group == "treasure" and noun not in ("feather", "letter", "map", "book", "shell", "stone"):
        look = rng.choice(METALS[:2] * 3 + LOOKS)
    else:
        look = rng.choice(LOOKS)
    if look.split()[0] in noun:
        look = "pretty"
    return Thing(noun, look)
