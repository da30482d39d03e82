#!/usr/bin/env python3
"""Checks that includes only point downwards.

In src/, a folder (floor) includes its own files and those of lower floors; two folders of equal height do
not see each other. In include/, a header includes nothing but public headers and the standard library.

    tools/check_floors.py [ROOT]

Prints file:line: message for each violation; exits with 1 if there is any.
"""

import re
import sys
from pathlib import Path

# Height of each folder of src/ (docs/design.md).
FLOORS = {
    "base": 0,
    "kernels": 1,
    "array": 2,
    "ops": 3,
    "io": 4,
    "text": 4,
    "dist": 4,
    "nn": 5,
    "models": 6,
    "engine": 7,
    "train": 7,
    "api": 8,
    "serve": 9,
    "cli": 10,
}

SUFFIXES = {".h", ".hpp", ".inc", ".c", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

STANDARD = frozenset("""
algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts
condition_variable coroutine deque exception execution filesystem format forward_list fstream functional
future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex
scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token
streambuf string string_view strstream syncstream system_error thread tuple type_traits typeindex
typeinfo unordered_map unordered_set utility valarray variant vector version
cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype
assert.h ctype.h errno.h fenv.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdarg.h
stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h time.h uchar.h wchar.h wctype.h
""".split())


def includes(path):
    """Yields (line number, delimiter, included name) of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file())


def check_source(root, path):
    """Violations of one file below src/."""
    src = root / "src"
    floor = path.relative_to(src).parts[0]
    if floor not in FLOORS:
        yield 1, f'"{floor}" is no floor; tools/check_floors.py lists them'
        return
    for number, delimiter, name in includes(path):
        target = name.split("/")[0]
        if target in FLOORS and "/" in name and (delimiter == '"' or (src / name).exists()):
            if target != floor and FLOORS[target] >= FLOORS[floor]:
                yield number, (
                    f"{floor} (floor {FLOORS[floor]}) includes {name} of {target} "
                    f"(floor {FLOORS[target]}); includes point to lower floors only"
                )
        elif delimiter == '"' and (path.parent / name).exists():
            # "../text/bpe.hpp" would hide which floor it goes to.
            resolved = (path.parent / name).resolve().relative_to(src.resolve())
            yield number, f'write "{resolved.as_posix()}" instead of "{name}"'


def check_public(root, path):
    """Violations of one file below include/."""
    for number, delimiter, name in includes(path):
        if delimiter == "<" and name in STANDARD:
            continue
        if delimiter == "<" and name.startswith("linnet/") and (root / "include" / name).exists():
            continue
        yield number, (
            f"a public header includes {name}; only <linnet/...> and the standard library may be there"
        )


def check(root):
    """All violations below root, as (path, line number, message)."""
    found = []
    for folder, rule in (("src", check_source), ("include", check_public)):
        for path in sources(root / folder):
            if path.parent == root / "src":
                continue  # only floors hold code
            found.extend((path, number, message) for number, message in rule(root, path))
    return found


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    checked = sum(len(sources(root / folder)) for folder in ("src", "include"))
    if checked == 0:
        print(f"{root} has no sources", file=sys.stderr)
        return 1
    violations = check(root)
    for path, number, message in violations:
        print(f"{path.relative_to(root)}:{number}: {message}")
    print(f"{checked} files checked, {len(violations)} includes point the wrong way")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
