#!/usr/bin/env python3
"""Writes case_tables.cpp: the characters whose upper case or title case is several characters, as
Python (and Unicode's SpecialCasing.txt) has it. The others are utf8proc's."""


def rows(change):
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        text = change(chr(code))
        if len(text) > 1:
            data = "".join(f"\\x{b:02X}" for b in text.encode())
            yield f'    {{0x{code:04X}, "{data}"}},'


def table(name, change):
    lines = list(rows(change))
    return (
        f"const std::array<SpecialCase, {len(lines)}> {name}{{{{\n" + "\n".join(lines) + "\n}};\n"
    )


print("// Written by make_case_tables.py; do not edit.")
print('#include "text/jinja/case_tables.hpp"\n')
print("namespace linnet::text::jinja {\nnamespace {\n\n// clang-format off")
print(table("kUpperRows", str.upper))
print(table("kTitleRows", str.title))
print("// clang-format on\n\n}  // namespace\n")
print("const std::span<const SpecialCase> kSpecialUpper = kUpperRows;")
print("const std::span<const SpecialCase> kSpecialTitle = kTitleRows;\n")
print("}  // namespace linnet::text::jinja")
