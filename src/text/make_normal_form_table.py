#!/usr/bin/env python3
"""Writes normal_form_table.inc: the code points that may change, or attach to, the text before them under
NFC (combining class not 0, or NFC_Quick_Check No or Maybe), as inclusive ranges. From Python's unicodedata."""
import pathlib
import unicodedata

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def pair(c):
    """The canonical decomposition of c into two characters, if it has one."""
    text = unicodedata.decomposition(chr(c))
    parts = [] if text.startswith("<") else text.split()
    return [int(p, 16) for p in parts] if len(parts) == 2 else None


maybe = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul vowels and finals
for c in SCALARS:
    if pair(c) and unicodedata.normalize("NFC", chr(c)) == chr(c):
        maybe.add(pair(c)[1])
joins = [c for c in SCALARS
         if c in maybe or unicodedata.combining(chr(c)) or unicodedata.normalize("NFC", chr(c)) != chr(c)]
joined = set(joins)
assert min(joins) == 0x300
# A character outside the table never begins, once decomposed, with one inside it.
assert all(ord(unicodedata.normalize("NFD", chr(c))[0]) not in joined for c in SCALARS if c not in joined)

ranges = []
for c in joins:
    if ranges and ranges[-1][1] == c - 1:
        ranges[-1][1] = c
    else:
        ranges.append([c, c])
lines, line = [], ""
for low, high in ranges:
    item = f"{{0x{low:X}, 0x{high:X}}}, "
    if len(line) + len(item) > 98:
        lines.append(line.rstrip())
        line = ""
    line += item
lines.append(line.rstrip())
out = pathlib.Path(__file__).with_name("normal_form_table.inc")
out.write_text(f"// Written by make_normal_form_table.py from Unicode {unicodedata.unidata_version}.\n"
               + "\n".join(lines) + "\n")
