#!/usr/bin/env python3
"""Writes normal_form_tables.cpp, two lists of ranges for the normal forms, from Python's unicodedata.

kYounger: characters that came after Unicode 9.0 and have a decomposition, a combining class or a mark's
category. The tables of Hugging Face's normalizers are of that version, so to them these are plain characters.
The list is what tokenizers 0.23.2 treats otherwise than unicodedata does (and what Unicode 15 added).

kJoining: of the others, those that may change, or attach to, the text before them under NFC (combining class
not 0, or NFC_Quick_Check No or Maybe)."""
import pathlib
import unicodedata

YOUNGER = """
    7FD 898-89F 8CA-8D3 9FE AFA-AFF B55 C04 C3C CF3 D00 D3B-D3C D81 EBA ECE 1715 180F 1ABF-1ACE 1CF7
    1DF6-1DFA 32FF A7F2-A7F4 A82C A8FF AB69 10781-10785 10787-107B0 107B2-107BA 10D24-10D27 10EAB-10EAC
    10EFD-10EFF 10F46-10F50 10F82-10F85 11070 11073-11074 110C2 11145-11146 111C9 111CE-111CF 11241
    1133B 1145E 1182C-1183A 11930-11935 11937-11938 1193B-1193E 11940 11942-11943 119D1-119D7
    119DA-119E0 119E4 11A01-11A0A 11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B 11A8A-11A99 11D31-11D36
    11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D8A-11D8E 11D90-11D91 11D93-11D97 11EF3-11EF6 11F00-11F01
    11F03 11F34-11F3A 11F3E-11F40 11F41-11F42 13440 13447-13455 16F4F 16F7F-16F87 16FE4 16FF0-16FF1
    1CF00-1CF2D 1CF30-1CF46 1E030-1E06D 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1F16C
    1FBF0-1FBF9
"""
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def pair(c):
    """The canonical decomposition of c into two characters, if it has one."""
    text = unicodedata.decomposition(chr(c))
    parts = [] if text.startswith("<") else text.split()
    return [int(p, 16) for p in parts] if len(parts) == 2 else None


younger = set()
for item in YOUNGER.split():
    low, high = (item.split("-") * 2)[:2]
    younger.update(range(int(low, 16), int(high, 16) + 1))
maybe = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul vowels and finals
for c in SCALARS:
    if c not in younger and pair(c) and unicodedata.normalize("NFC", chr(c)) == chr(c):
        maybe.add(pair(c)[1])
joining = {c for c in SCALARS
           if c in maybe or unicodedata.combining(chr(c)) or unicodedata.normalize("NFC", chr(c)) != chr(c)}
joining -= younger
assert min(joining) == 0x300
# A character outside the list never begins, once decomposed, with one inside it.
assert all(ord(unicodedata.normalize("NFD", chr(c))[0]) not in joining
           for c in SCALARS if c not in joining and c not in younger)


def ranges(points):
    result = []
    for c in sorted(points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    lines, line = [], "   "
    for low, high in result:
        item = f" {{0x{low:X}, 0x{high:X}}},"
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join(lines + [line])


pathlib.Path(__file__).with_name("normal_form_tables.cpp").write_text(f"""\
// Written by make_normal_form_tables.py from Unicode {unicodedata.unidata_version}: do not edit.
#include "text/normal_form_tables.hpp"

namespace linnet::text {{
namespace {{

// clang-format off
constexpr CodeRange kYoungerRanges[] = {{
{ranges(younger)}
}};

constexpr CodeRange kJoiningRanges[] = {{
{ranges(joining)}
}};
// clang-format on

}}  // namespace

constinit const std::span<const CodeRange> kYounger = kYoungerRanges;
constinit const std::span<const CodeRange> kJoining = kJoiningRanges;

}}  // namespace linnet::text
""")
