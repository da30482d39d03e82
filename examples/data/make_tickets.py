#!/usr/bin/env python3
"""Writes tickets_train.jsonl and tickets_heldout.jsonl beside itself: messages to a shop, each with the desk
that it is for (billing, delivery, repair or account). Nothing is drawn at random: the same files each time.

A message is a sentence about a thing, perhaps with a polite one before or after it. Which sentences are made of
which words is decided by their numbers, so that no sentence of the held-out file is in the training file: there
its frame is filled with other words, and two frames of each desk are in the held-out file alone.
"""

import json
from pathlib import Path

GOODS = {"lamp": "switch", "kettle": "lid", "scooter": "wheel", "radio": "button", "camera": "lens", "clock": "hand",
         "printer": "tray", "fan": "blade", "toaster": "lever", "phone": "screen", "heater": "dial", "drill": "handle",
         "mixer": "bowl", "keyboard": "cable"}
SUMS = ("ten euros", "forty euros", "a hundred euros", "two hundred euros")
DAYS = ("last Monday", "last Tuesday", "last Friday", "last week", "yesterday", "this morning")

# {goods}, its {part}, {other} goods, {sum} and {day} are filled; the last two frames of each desk are kept for the held-out file.
FRAMES = {
    "billing": (
        "I was charged twice for the {goods}.",
        "The invoice for the {goods} is wrong by {sum}.",
        "You took {sum} from my card {day}, but I paid for the {goods} before.",
        "Please send me a receipt for the {goods}.",
        "When do I get the refund of {sum} for the {goods}?",
        "The price of the {goods} on my bill is {sum} too high.",
        "The discount was not taken off the price of the {goods}.",
        "Can I pay for the {goods} by bank transfer?",
        "My payment of {sum} for the {goods} was refused {day}.",
        "I want to pay for the {goods} in three parts.",
        "Why does the bill for the {goods} say {sum} more than the price?",
        "I sent the money for the {goods} {day} and still get an invoice.",
    ),
    "delivery": (
        "The {goods} has not arrived.",
        "Where is the parcel with my {goods}?",
        "The driver left the {goods} with a neighbour {day}.",
        "Can you send the {goods} to another address?",
        "The tracking page has not changed since {day}, where is my {goods}?",
        "I ordered a {goods} and got a parcel with a {other}.",
        "The courier said {day} that nobody was at home for the {goods}.",
        "How long does shipping of the {goods} take?",
        "The parcel with the {goods} should have come {day}.",
        "Please bring the {goods} in the evening, nobody was at home {day}.",
        "The courier did not bring the {goods} {day}.",
        "My parcel came {day}, but the {goods} was not in it.",
    ),
    "repair": (
        "The {part} of the {goods} is broken.",
        "The {goods} stopped working {day}.",
        "There is a crack in the {part} of my {goods}.",
        "The {goods} makes a loud noise when I press the {part}.",
        "My {goods} does not turn on any more.",
        "The {part} fell off the {goods} {day}.",
        "The {goods} smells of smoke since {day}.",
        "The new {goods} has a scratch on the {part}.",
        "The {goods} is broken, the {part} does not move.",
        "Can you repair the {part} of a {goods}?",
        "The {part} of the {goods} came off and does not work.",
        "My {goods} broke {day}, there is a crack in it.",
    ),
    "account": (
        "I forgot my password and wanted to look at my {goods}.",
        "I cannot log in to see my order of a {goods}.",
        "Please change the email address of my login, I bought a {goods} {day}.",
        "How do I delete my account? I only bought a {goods}.",
        "Since {day} the website says that my username is unknown, I wanted a {goods}.",
        "The link to reset my password does not come, I bought a {goods} {day}.",
        "Somebody logged in to my profile {day} and looked at a {goods}.",
        "I have two accounts and the {goods} is in the old one.",
        "Please take my name off the newsletter, I have my {goods}.",
        "My account with the order of a {goods} is locked since {day}.",
        "The website does not take my password since {day}, I want to see the {goods}.",
        "Please delete my profile and my login, I do not want a {goods} again.",
    ),
}
BEFORE = ("", "Hello!", "Good morning.", "I have a question.", "Hi, can you help me?", "")
AFTER = ("", "Thank you.", "Please answer soon.", "", "What can we do?")
NEW_FRAMES = 2  # of each desk, in the held-out file alone


def sentence(desk, number, fill):
    """Frame `number` of a desk with the words that `fill` decides."""
    frame = FRAMES[desk][number]
    goods, other = (list(GOODS)[(fill * 5 + number + step) % len(GOODS)] for step in (0, 3))
    return frame.format(goods=goods, other=other, part=GOODS[goods], sum=SUMS[(fill + number) % len(SUMS)],
                        day=DAYS[(fill * 7 + number) % len(DAYS)])


def write(path, choices):
    """Writes the messages of (fill, frame) of every desk; returns their sentences."""
    sentences = set()
    with path.open("w", encoding="utf-8") as file:
        for fill, number in choices:
            for desk in FRAMES:
                text = sentence(desk, number, fill)
                sentences.add(text)
                around = (BEFORE[(fill + number) % len(BEFORE)], text, AFTER[(fill * 2 + number) % len(AFTER)])
                file.write(json.dumps({"text": " ".join(part for part in around if part), "label": desk}) + "\n")
    return sentences


def main():
    folder = Path(__file__).parent
    frames = len(FRAMES["billing"])
    known = range(frames - NEW_FRAMES)
    train = write(folder / "tickets_train.jsonl", [(fill, number) for fill in range(10) for number in known])
    heldout = write(folder / "tickets_heldout.jsonl",
                    [(fill, number) for fill in range(10, 12) for number in known]
                    + [(fill, number) for fill in range(10, 14) for number in range(frames - NEW_FRAMES, frames)])
    assert not train & heldout


if __name__ == "__main__":
    main()
