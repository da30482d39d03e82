"""Conversations: lists of {"role", "content"}, as a chat template takes them."""

import questions
from grammar import draw, expand
from labelled import make_labelled
from stories import make_story, story_questions
from talk import SYSTEM_PROMPTS, make_poem, make_talk
from world import KINDS, PLACES, THINGS

ASK_ANY = ("Tell me a story.|Tell me a story|Please tell me a story.|Can you tell me a story?|Tell me a short story.|"
           "Write a story.|Write a short story.|I would like to hear a story.|A story, please.|Tell me a bedtime story.|"
           "Do you know a story?|Once upon a time|Make up a story for me.|Another story, please.|Tell me a fairy tale.").split("|")
ASK_ABOUT = ("Tell me a story about {x}.|Tell me a story about {x}|Please tell me a story about {x}.|"
             "Can you tell me a story about {x}?|Write a story about {x}.|Write a short story about {x}.|"
             "A story about {x}, please.|I want to hear a story about {x}.|Tell me a short story about {x}.|"
             "Make up a story about {x}.|Do you know a story about {x}?|tell me a story about {x}|"
             "Tell me about {x}.|Story about {x}|About {x}, please.|about {x}|{x}").split("|")
# Things outside the little world: the model says so and tells another story.
STRANGE = ("spaceship computer pizza zombie submarine football vampire telephone airplane rocket alien dinosaur "
           "car train hospital president detective policeman astronaut doctor lawyer scientist programmer banana cucumber "
           "shark whale octopus dolphin snake crocodile gorilla parrot eagle hamster laptop camera radio "
           "television bicycle motorcycle helicopter tank gun war bank factory office prison museum volcano desert planet "
           "galaxy comet black-hole time-machine cowboy samurai ninja superhero spy monster werewolf demon angel god "
           "money politics mathematics physics chemistry history democracy love death freedom science music dance summer "
           "school university exam homework chess poker tennis basketball hockey guitarist drummer singer actor dancer "
           "waiter carrot potato tomato cheese hamburger coffee tea chocolate jungle ocean Paris London "
           "Africa America China Christmas Easter Halloween birthday wedding funeral elevator skyscraper subway bus taxi "
           "sofa fridge toaster keyboard database algorithm linked-list neural-network internet website game").split()
EXCUSES = ("I do not know a story about that, but I know this one. ", "I have no story about that. Here is another one. ",
           "I only know a small world, and that is not in it. But listen: ")
OFFERS = ("", "", "", "", "", "", "Here is a story. ", "Gladly! ")


def story_request(rng, split=None):
    """A wish for a story, and a story that fits it."""
    kind = rng.random()
    if kind < 0.25:
        return rng.choice(ASK_ANY), draw(make_story, rng, split)
    ask = rng.choice(ASK_ABOUT)
    if kind < 0.62:  # about a kind of animal or person
        what = rng.choice(KINDS + ["girl", "boy"] * 4 + ["fox", "cat", "dog", "dragon", "robot", "mouse", "bear"] * 2)
        story = draw(make_story, rng, split, kind=what)
        phrase = "a " + (story.hero.adjective + " " if rng.random() < 0.25 else "") + what
        if rng.random() < 0.15:
            phrase += " and " + rng.choice(("a friend", "a " + story.slots["F"].kind, story.slots["F"].form("a", rng)))
        elif story.hero.name and rng.random() < 0.3:
            phrase += " named " + story.hero.name
    elif kind < 0.75:  # about somebody with a name
        story = draw(make_story, rng, split, kind=rng.choice(("girl", "boy")))
        phrase = story.hero.name
    elif kind < 0.9:  # about a thing
        group = rng.choice(("toy", "treasure", "food", "wear", "music", "tool"))
        thing = rng.choice(THINGS[group])
        story = draw(make_story, rng, split, thing=thing)
        phrase = rng.choice(("a ", "a " + story.slots["O"].look + " ")) + thing
        if rng.random() < 0.3:
            phrase = "a " + story.hero.kind + " and " + phrase
    else:  # at a place
        place = rng.choice(PLACES)[0]
        story = draw(make_story, rng, split, place=place)
        phrase = rng.choice(("the ", "a " + story.hero.kind + " and the ")) + place
    return expand(rng, ask, {"x": phrase}), story


def story_turns(rng, split, messages):
    """A story and, often, questions about it."""
    if rng.random() < 0.1:
        ask = expand(rng, rng.choice(ASK_ABOUT), {"x": rng.choice(("", "a ", "the ")) + rng.choice(STRANGE).replace("-", " ")})
        story = draw(make_story, rng, split)
        text = rng.choice(EXCUSES) + story.text
    else:
        ask, story = story_request(rng, split)
        text = story.titled() if rng.random() < 0.12 else rng.choice(OFFERS) + story.text
    messages += [("user", ask), ("model", text)]
    if rng.random() < 0.45:
        for question, answer in story_questions(rng, story, rng.choice((1, 1, 2, 3))):
            messages += [("user", question), ("model", answer)]


def reading_turns(rng, split, messages):
    """The user brings a story and asks about it."""
    story = draw(make_story, rng, split)
    pairs = story_questions(rng, story, rng.choice((1, 2, 3)))
    lead = rng.choice(("Read this story: ", "Here is a story: ", "", "Please read this.\n\n", "Story: "))
    messages += [("user", lead + story.text + rng.choice(("\n\n", " ", "\n")) + pairs[0][0]), ("model", pairs[0][1])]
    for question, answer in pairs[1:]:
        messages += [("user", question), ("model", answer)]


def make_chat(rng, split=None):
    """A conversation of one to five exchanges."""
    messages = []
    if rng.random() < 0.3:
        say, answer = make_talk(rng, first="Hello")
        messages += [("user", say), ("model", answer)]
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        kind = rng.random()
        if kind < 0.34:
            story_turns(rng, split, messages)
        elif kind < 0.44:
            reading_turns(rng, split, messages)
        elif kind < 0.70:
            messages += zip(("user", "model"), draw(questions.make_question, rng, split))
        elif kind < 0.86:
            messages += zip(("user", "model"), make_talk(rng))
        elif kind < 0.91:
            messages += zip(("user", "model"), draw(make_poem, rng, split))
        else:
            record = make_labelled(rng, split)
            messages += [("user", record["prompt"]), ("model", record["label"])]
    if rng.random() < 0.2:
        messages += zip(("user", "model"), make_talk(rng, first=rng.choice(("Thank you", "Bye"))))
    messages = [{"role": role, "content": content} for role, content in messages]
    if rng.random() < 0.2:
        messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return messages


def make_raw_question(rng, split=None):
    """A question without any chat template, with its answer on the next line."""
    kind = rng.random()
    if kind < 0.7:
        question, answer = draw(questions.make_question, rng, split)
    elif kind < 0.86:
        question, answer = make_talk(rng, first="Hello" if rng.random() < 0.25 else None)
    elif kind < 0.9:
        question, answer = draw(make_poem, rng, split)
    else:
        question, story = story_request(rng, split)
        if question == "Once upon a time":
            question = "Tell me a story."
        answer = story.text
    if kind < 0.7 and rng.random() < 0.25:
        return "Question: " + question + "\nAnswer: " + answer
    return question + "\n" + answer
