#!/usr/bin/env python3
"""Writes stand_in_table.cpp: characters that the regexes of Hugging Face's library know (tokenizers 0.23.2: Unicode 16)
and the tables of Debian 12's PCRE2 (Unicode 14) do not, each range with a character of the same general category and
the same length in UTF-8 that both know.

    node probe_categories.mjs FOLDER >categories.json
    python3.11 make_stand_in_table.py categories.json      (3.11, because its unicodedata is that of Unicode 14)"""
import json
import pathlib
import sys
import unicodedata

assert unicodedata.unidata_version == "14.0.0"
known = {c: unicodedata.category(chr(c)) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF}
wanted = dict.fromkeys(known, "Cn")
for category, ranges in json.loads(pathlib.Path(sys.argv[1]).read_text()).items():
    for low, high in ranges:
        wanted.update((c, category) for c in range(max(low, 0x80), high + 1))
size = lambda c: len(chr(c).encode())
stand_ins = {}
for c, category in known.items():
    if wanted[c] == category:
        stand_ins.setdefault((category, size(c)), c)
ranges = []
for c, category in wanted.items():
    if known[c] == category:
        continue
    entry = (c, stand_ins[category, size(c)])
    if ranges and ranges[-1][1] + 1 == c and ranges[-1][2] == entry[1]:
        ranges[-1][1] = c
    else:
        ranges.append([c, *entry])
items = [f"{{0x{low:X}, 0x{high:X}, 0x{other:X}}}," for low, high, other in ranges]
lines, line = [], "   "
for item in items:
    if len(line) + 1 + len(item) > 100:
        lines.append(line)
        line = "   "
    line += " " + item
lines.append(line)
text = "\n".join(lines)
pathlib.Path(__file__).with_name("stand_in_table.cpp").write_text(f"""\
// Written by make_stand_in_table.py: do not edit.
#include "text/stand_in.hpp"

namespace linnet::text {{
namespace {{

// clang-format off
constexpr StandIn kRanges[] = {{
{text}
}};
// clang-format on

}}  // namespace

constinit const std::span<const StandIn> kStandIns = kRanges;

}}  // namespace linnet::text
""")
