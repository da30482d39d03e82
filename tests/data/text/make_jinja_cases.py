#!/usr/bin/env python3
"""Writes jinja_cases.jsonl: templates and what Jinja2 makes of them, in the environment that
transformers sets up. A row has "template", "variables" and "text", or "error" with the message.

    python3 -m pip install jinja2==3.1.6
    python3 tests/data/text/make_jinja_cases.py > tests/data/text/jinja_cases.jsonl
"""

import json
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2024, 7, 9, 15, 4, 5)

VARIABLES = {
    "n": 3,
    "f": 2.5,
    "yes": True,
    "no": False,
    "nil": None,
    "s": "Hello, World",
    "u": "Grüße 東京 🙂",
    "empty": "",
    "l": [3, 1, 2],
    "names": ["bob", "Ann", "carl"],
    "nested": [[1, 2], [3, [4, 5]]],
    "d": {"b": 1, "a": {"x": [1, 2]}, "items": 7},
    "people": [
        {"name": "bob", "age": 30, "tags": ["x"]},
        {"name": "Ann", "age": 25, "city": "Rome"},
        {"name": "carl", "age": 30},
    ],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " Hi \n"},
        {"role": "assistant", "content": "Hello"},
    ],
}


class Generation(jinja2.ext.Extension):
    """transformers' AssistantTracker, as far as it writes."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_generation_support")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _generation_support(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


def expressions():
    yield from """
    1 + 2 * 3 - 4
    7 / 2
    8 / 2
    7 // 2
    -7 // 2
    7 // -2
    -7 % 3
    (-9223372036854775807 - 1) % 3
    (-9223372036854775807 - 1) % -1
    9223372036854775807 % -2
    7 % -3
    7.5 % 2
    -7.5 % 2
    -7.5 // 2
    7.0 // 2
    2 ** 10
    2 ** 3 ** 2
    2 ** -1
    -2 ** 2
    1 / 3
    0.1 + 0.2
    1e16
    1e15
    123456789012345678.0
    1e-5
    0.0001
    1.5e300 * 1e10
    1e22
    5e-324
    100.0
    1_000 + 0x1F + 0o17 + 0b101
    1_0.5
    true + 1
    true
    True
    none
    None
    1 == 1.0
    1 == true
    "1" == 1
    [1, 2] == [1, 2]
    [1, 2] == (1, 2)
    {"a": 1, "b": 2} == {"b": 2, "a": 1}
    1 < 2 < 3
    1 < 3 < 2
    1 < 2 > 1
    "a" < "b"
    "Z" < "a"
    "é" > "z"
    [1, 2] < [1, 3]
    (1, 2) < (1, 2, 0)
    1 != 2
    not 1
    not ""
    1 and 2
    0 and 2
    0 or "x"
    "" or [] or "last"
    1 and "" and 3
    1 in [1, 2]
    3 not in [1, 2]
    "ell" in "Hello"
    "" in ""
    "a" in {"a": 1}
    1 in {"a": 1}
    1.0 in [1]
    "x" in missing
    1 if yes else 2
    1 if no else 2
    1 if no
    "a" if no else "b" if no else "c"
    "a" ~ 1 ~ 2.0 ~ none ~ true ~ [1, "x"]
    "a" "b" 'c'
    "a" + "b" * 3
    3 * "ab"
    [1] * 3
    (1, 2) * 2
    [1] + [2]
    (1,) + (2,)
    -n
    +f
    - -n
    1 - -1
    l[0]
    l[-1]
    l[5]
    l[5] is defined
    l[true]
    l["x"]
    l[1:]
    l[:-1]
    l[::-1]
    l[::2]
    l[5:1]
    l[-2:]
    l[2:0:-1]
    l[-100:100]
    l[100::-2]
    s[0]
    s[-1]
    s[7:]
    s[::-1]
    u[0:6]
    u[6:8]
    u[-1]
    u[::-1]
    u[::3]
    u[100]
    (1, 2, 3)[1:]
    d.b
    d["b"]
    d.a.x[1]
    d["a"]["x"]
    d.missing
    d["missing"] is defined
    d.items is callable
    d["items"]
    d.missing is none
    d.get("b")
    d.get("zz")
    d.get("zz", 5)
    d.items()
    d.keys()
    d.values()
    d.keys() | list
    d | list
    d | length
    d.items() | length
    d.copy()
    d.pop
    l.append is defined
    l.append
    l.index(1)
    l.count(3)
    l.copy()
    l.0
    d.a.x.0
    nested
    nested[1][1][0]
    [1, 2.0, "a'b", 'a"b', "a'\\"b", none, true, missing]
    ("x",)
    ()
    []
    {}
    {"a": [1, {"b": none}], 1: 2, none: 3, true: 4, 2.5: 5, (1, 2): 6}
    {"a": 1, "a": 2}
    ["\\n\\t\\\\", "\\x00\\x7f\\x1b", "é\\u00a0\\u200b\\U0001F600"]
    "\\x41\\u0042\\103\\q\\""
    missing
    missing is defined
    missing is undefined
    missing == missing2
    missing == ""
    missing | list
    missing | length
    missing | join
    missing ~ "x"
    missing | default("z")
    missing | d("z")
    empty | default("z")
    empty | default("z", true)
    nil | default("z")
    nil | default("z", boolean=true)
    missing | default
    missing or "x"
    missing | string
    missing is iterable
    missing is sequence
    missing is callable
    missing is none
    missing | upper
    missing | trim
    missing | first is defined
    s | upper
    s | lower
    s | capitalize
    s | title
    "hello wOrld-foo (bar) it's" | title
    "they're bill's friends".title()
    "hELLO wORLD".capitalize()
    "hELLO".swapcase()
    "straße".upper()
    "ﬁne".title()
    "ΑΣ ΑΣΑ Σ".lower()
    "İ".lower()
    "ǆ".capitalize()
    " \\t a b \\n" | trim
    "xxaxx" | trim("x")
    "\\x1f\\u3000a\\u2003" | trim
    "  a ".strip()
    "  a ".lstrip() ~ "|"
    "  a ".rstrip() ~ "|"
    "abcba".strip("ab")
    "abcba".lstrip("ab")
    "abcba".rstrip("ab")
    "a b  c ".split()
    " a b  c ".split(none, 1)
    "a,b,,c".split(",")
    "a,b,,c".split(",", 1)
    "a,b,,c".split(sep=",", maxsplit=2)
    "a,b,c".rsplit(",", 1)
    "a b c".rsplit(none, 1)
    " a b c ".rsplit()
    " a b  c ".split(none, 1)
    "  a  b c ".rsplit(none, 1)
    "".split()
    "".split(",")
    "aXbXc".partition("X")
    "aXbXc".rpartition("X")
    "abc".partition("X")
    "abc".rpartition("X")
    "a\\nb\\r\\nc\\rd\\x0be\\x85f\\n".splitlines()
    "a\\nb\\n".splitlines(true)
    "".splitlines()
    "hello".startswith("he")
    "hello".startswith(("x", "he"))
    "hello".startswith("l", 2)
    "hello".endswith("lo")
    "hello".endswith(("x", "y"))
    "hello".endswith("ell", 0, 4)
    "hello".find("l")
    "hello".rfind("l")
    "hello".find("z")
    "東京東".find("東", 1)
    "hello".index("e")
    "hello".count("l")
    "aaaa".count("aa")
    "abc".count("")
    "hello".replace("l", "L")
    "hello".replace("l", "L", 1)
    "abc".replace("", "-")
    "abc".replace("", "-", 2)
    "hello" | replace("l", "LL")
    "hello" | replace("l", "LL", 1)
    123 | replace(2, 5)
    ", ".join(["a", "b"])
    "-".join("abc")
    "abc".removeprefix("ab")
    "abc".removesuffix("bc")
    "ab".center(7, "*")
    "ab".center(6)  ~ "|"
    "abc".center(6, "*")
    "ab".ljust(5, ".")
    "ab".rjust(5, ".")
    "-5".zfill(5)
    "5".zfill(3)
    "a\\tb".expandtabs(4)
    "abc".isalpha()
    "ab1".isalnum()
    "123".isdigit()
    "²".isdigit()
    "½".isnumeric()
    " \\n".isspace()
    "".isspace()
    "abc".islower()
    "ABC1".isupper()
    "Hello World".istitle()
    "é".isascii()
    "abc".casefold()
    "{} and {}".format(1, "x")
    "{1}{0}{a}".format("p", "q", a=3)
    "{0.b} {0[b]} {1[0]}".format(d, l)
    "{:>5}|{:<5}|{:^5}|{:*^7}".format("a", "b", "c", "d")
    "{:05d} {:+d} {:,} {:x} {:#X} {:b} {:o}".format(42, 42, 1234567, 255, 255, 5, 8)
    "{:.2f} {:8.3f} {:e} {:g} {:%} {:.1%}".format(3.14159, 2.5, 12345.678, 0.0001, 0.5, 0.123)
    "{!r} {!s} {{}}".format("a", "b")
    "{:{}}|".format("a", 4)
    "{a} {b}".format_map({"a": 1, "b": 2})
    "%s is %d years, %.2f, %5s|%-5s|%05d, %x, %%, %r" % ("Bob", 42, 1.5, "a", "b", 42, 255, "q")
    "%(a)s-%(b)03d" % {"a": 1, "b": 2}
    "%s" % "x"
    "%s" % [1, 2]
    "%c%c" % ("a", 98)
    "[%5c|%-3c|%03c]" % ("a", 98, "ü")
    "%a %a" % ("ü東🙂", ["é"])
    "{!a} {!r:>8}".format("ü", "ü")
    "%e %g %G" % (12345.678, 1e-10, 1e20)
    "%s and %s" | format("a", "b")
    "%(x)s" | format(x=1)
    [1, 2, 3] | join(", ")
    people | join(", ", attribute="name")
    people | map(attribute="name") | join(",")
    people | map(attribute="city", default="?") | list
    people | map(attribute="tags.0", default="-") | list
    names | map("upper") | list
    names | map("replace", "a", "A") | list
    people | selectattr("age", "equalto", 30) | map(attribute="name") | list
    people | selectattr("city") | list | length
    people | selectattr("city", "defined") | map(attribute="name") | list
    people | rejectattr("age", "gt", 26) | map(attribute="name") | list
    messages | selectattr("role", "in", ["user", "system"]) | list | length
    messages | rejectattr("role", "eq", "system") | first
    l | select("odd") | list
    l | reject("odd") | list
    [0, 1, "", "a"] | select | list
    [0, 1, "", "a"] | reject | list
    l | select("divisibleby", 3) | list
    l | select("greaterthan", 1) | list
    "x" if l | select("equalto", 99) else "y"
    l | sort
    l | sort(reverse=true)
    names | sort
    names | sort(case_sensitive=true)
    people | sort(attribute="age") | map(attribute="name") | list
    people | sort(attribute="age,name", reverse=true) | map(attribute="name") | list
    l | max
    l | min
    names | max
    people | max(attribute="age")
    [] | max is defined
    l | sum
    people | sum(attribute="age")
    [[1], [2]] | sum(start=[])
    l | first
    l | last
    s | first
    s | last
    [] | first is defined
    d | first
    l | reverse | list
    s | reverse
    l | length
    u | length
    u | count
    names | unique | list
    ["a", "A", "b", 1, 1.0, true] | unique | list
    ["a", "A"] | unique(case_sensitive=true) | list
    d | items | list
    missing | items | list
    {"b": 1, "A": 2, "c": 0} | dictsort
    {"b": 1, "A": 2, "c": 0} | dictsort(true)
    {"b": 1, "A": 2, "c": 0} | dictsort(false, "value", true)
    people | groupby("age") | map(attribute="grouper") | list
    [1, 2, 3, 4, 5] | batch(2) | list
    [1, 2, 3, 4, 5] | batch(2, "-") | list
    [1, 2, 3, 4, 5] | slice(2) | list
    [1, 2, 3, 4, 5] | slice(3, "-") | list
    "abc" | list
    d.a | tojson
    d | tojson
    {"a": "é\\n\\"\\\\/<>&'\\x01\\x7f", "b": [1, 2.0, true, none], "c": {}, "e": []} | tojson
    {"a": "é🙂"} | tojson(ensure_ascii=true)
    {"b": [1, {"a": 2}], "a": {}} | tojson(indent=2)
    {"b": 1, "a": 2} | tojson(sort_keys=true)
    {"b": 1, "a": [1, 2]} | tojson(separators=(",", ":"))
    {"b": 1, "a": [1, 2]} | tojson(indent=4, separators=(" ,", " = "))
    [] | tojson(indent=2)
    [1, [2]] | tojson(indent=0)
    [1, [2]] | tojson(indent="--")
    {1: 2, none: 3, true: 4, 2.5: 5} | tojson
    "x" | tojson
    none | tojson
    1e16 | tojson
    1.0 | tojson
    (1, 2) | tojson
    "<a&b'\\">" | e
    "<a>" | escape ~ "<b>"
    ("<a>" | e) + "<b>"
    "<b>" + ("<a>" | safe)
    "<a>" | e | e
    "<a>" | e | forceescape
    "<a>" | safe
    "a\\nb\\n\\nc" | indent
    "a\\nb\\n\\nc" | indent(2, true)
    "a\\nb\\n\\nc" | indent(2, blank=true)
    "a\\nb" | indent("> ")
    "foo bar baz qux" | truncate(9)
    "foo bar baz qux" | truncate(9, true)
    "foo bar baz qux" | truncate(11)
    "foo bar baz qux" | truncate(11, false, "...", 0)
    "a b_c d-e" | wordcount
    "ab" | center(6) ~ "|"
    "a b/c?é" | urlencode
    {"a b": "c&d"} | urlencode
    "42" | int
    " -42 " | int
    "42.9" | int
    "x" | int
    "x" | int(7)
    "ff" | int(0, 16)
    "0x1f" | int(base=16)
    42.9 | int
    -42.9 | int
    true | int
    none | int
    "1_000" | int
    "1e3" | int
    "3.5" | float
    "x" | float
    "1e3" | float
    " inf " | float
    "nan" | float
    none | float
    3 | float
    42.55 | round
    42.55 | round(1)
    2.5 | round
    3.5 | round
    2.675 | round(2)
    1234 | round(-2)
    1250.0 | round(-2)
    42.51 | round(1, "floor")
    42.51 | round(1, "ceil")
    42 | round
    -3 | abs
    -3.5 | abs
    true | string
    1.0 | string | length
    3 is odd
    4 is even
    9 is divisibleby 3
    9 is divisibleby(4)
    s is string
    n is string
    n is number
    f is number
    yes is number
    n is integer
    yes is integer
    f is float
    yes is boolean
    yes is true
    n is true
    no is false
    nil is none
    d is mapping
    l is mapping
    l is iterable
    s is iterable
    n is iterable
    d is iterable
    l is sequence
    d is sequence
    s is sequence
    n is sequence
    d.keys() is sequence
    range(3) is sequence
    (l | map("abs")) is sequence
    (l | map("abs")) is iterable
    range is callable
    s.upper is callable
    s is callable
    3 is eq 3
    3 is equalto(4)
    3 is ne 4
    3 is lt 4
    3 is ge 4
    3 is greaterthan 2
    2 is in [1, 2]
    2 is not in [1, 2]
    5 is not in [1, 2]
    s is not string
    "a" is lower
    "A" is upper
    none is sameas none
    "upper" is filter
    "nope" is filter
    "odd" is test
    ("<" | e) is escaped
    not s is string
    not yes and no
    range(5) | list
    range(1, 5) | list
    range(5, 0, -2) | list
    range(3)
    range(0, 10, 2)
    range(5)[-1]
    range(3) | length
    dict(a=1, b=2)
    dict({"x": 1}, y=2)
    dict([("a", 1), ["b", 2]])
    namespace(a=1).a
    namespace({"q": 1}).q
    namespace(a=1)
    strftime_now("%d %b %Y")
    strftime_now("%A %a %B %m %y %H:%M:%S %I %p %j %U %W %w %% %-d %e %F %T %x %X %c")
    s.upper().lower().split(",")[0] | upper
    (s | upper).split(",") | map("trim") | list
    [1, 2, 3] | map("string") | join("-") | length
    not (1 in [1] and 2 in [1])
    1 + 1 == 2 and 2 > 1
    (1, 2)[0] + [3][0]
    {"a": {"b": [10, 20]}}.a.b[1]
    {"a": 1}["a"]
    "abc"[1]
    "abc".upper()[0]
    "a" in "abc" and "d" not in "abc"
    n if n > 2 else "small"
    [x, n]
    loop is defined
    1 // 1.0
    10 % 3.0
    true and false or true
    1 == 1 == 1
    "a" * 0
    [] or {}
    - 3 | abs
    -3 | abs
    (-3) | abs
    2 * 3 ~ 4
    1 ~ 2 + 3
    """.strip().split("\n")


ERRORS = """
missing.x
missing["x"]
missing + 1
1 + missing
missing < 1
-missing
missing()
d.missing.deeper
d.missing()
d.a.pop("x")
l.append(1)
d.update({})
s.nope()
n()
"a" + 1
1 + "a"
[1] + (1,)
none + 1
1 / 0
1 // 0
1 % 0
1.0 / 0
0 ** -1
"a" < 1
none < none
{} < {}
1 in 5
1 in "a"
l[::0]
l["a":]
nil[1:]
d[1:]
{[]: 1}
"".join([1])
"abc".index("z")
l.index(99)
"a".split("")
"%d" % "x"
"%s %s" % "x"
"%s" % (1, 2)
"{} {}".format(1)
"{x}".format(1)
"{".format(1)
"}".format(1)
n | length
n | list
n | join
[1, "a"] | sort
[1, "a"] | max
s | sum
"x" | tojson(foo=1)
missing | tojson
range | tojson
range(3) | tojson
d.keys() | tojson
{(1, 2): 3} | tojson
l | map | list
l | map("nope") | list
l | select("nope") | list
l | map("abs") | length
(l | map("abs"))[0:1]
range(1000000)
range(1, 2, 0)
raise_exception("stop here")
s | round
n | items | list
l | dictsort
dict(1)
loop.index
s.upper(1)
s.startswith(1)
s | replace("a")
"a".center(5, "ab")
n.real.x.y
"a" | truncate(1)
""".strip().split("\n")

TEMPLATES = r"""
{% if yes %}a{% endif %}
{% if no %}a{% elif nil %}b{% elif n == 3 %}c{% else %}d{% endif %}
{% for x in l %}{{ x }},{% endfor %}
{% for x in [] %}{{ x }}{% else %}none{% endfor %}
{% for x in missing %}{{ x }}{% else %}none{% endfor %}
{% for x in "añb" %}[{{ x }}]{% endfor %}
{% for k in d %}{{ k }} {% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in d | items %}{{ loop.index }}{{ k }}{% endfor %}
{% for (a, b) in [(1, 2), [3, 4], "xy"] %}{{ a }}-{{ b }} {% endfor %}
{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}|{% endfor %}
{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}
{% for x in l %}{{ loop.cycle("a", "b") }}{% endfor %}
{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}
{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}
{% for x in l if x > 9 %}{{ x }}{% else %}no{% endfor %}
{% set ns = namespace(stop=false) %}{% for x in l if not ns.stop %}{{ x }}{% set ns.stop = true %}{% endfor %}
{% set ns = namespace(stop=false) %}{% for x in l if not ns.stop %}{{ x }}{{ loop.last }}{% set ns.stop = true %}{% endfor %}
{% for x in range(10) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in range(6) %}{% if x % 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for x in [1] %}{% break %}{% else %}E{% endfor %}
{% for x in [1] %}{% continue %}{% else %}E{% endfor %}
{% for x in [1, 2] %}{% for y in [1, 2] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}
{% for x in [1, 2] %}{% for y in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}
{% for x in l %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}
{% for x in nested recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}
{% for x in l %}{{ loop }}{% endfor %}
{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% if not loop.last %},{% endif %}{% endfor %}
{% set x = 5 %}{% for i in [1, 2] %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}
{% for i in [1, 2] %}{{ y }}{% set y = i %}{{ y }} {% endfor %}{{ y }}
{% if yes %}{% set z = 1 %}{% endif %}{{ z }}
{% if no %}{% set n = 1 %}{% endif %}{{ n }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = "xy" %}{{ a }}{{ b }}
{% set t = 1, %}{{ t }}
{% set x %}a{{ n }}b{% endset %}[{{ x }}]
{% set x | upper %}a{{ n }}b{% endset %}[{{ x }}]
{% set x | replace("a", "z") | upper %}aab{% endset %}[{{ x }}]
{% set ns = namespace() %}{% set ns.a = 1 %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}
{% set ns = namespace(a=[]) %}{% for i in l %}{% set ns.a = ns.a + [i] %}{% endfor %}{{ ns.a }}
{% set ns = namespace(items=1) %}{{ ns.items }}{{ ns["items"] }}{{ ns.nope is defined }}
{% set ns = namespace() %}{% set ns.x, ns.y = 1, 2 %}{{ ns.x }}{{ ns.y }}
{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }} {{ m() }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}
{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{{ n }}{% endcall %}
{% macro m() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b=9) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}
{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}
{% macro m() %}{{ q }}{% endmacro %}{% set q = 1 %}{{ m() }}
{% macro m() %}{% set q = 2 %}{{ q }}{% endmacro %}{% set q = 1 %}{{ m() }}{{ q }}
{% macro m(n) %}{{ n }}{% endmacro %}{{ m(9) }}{{ n }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m is callable }}{{ m("x") | upper }}{{ m("x") ~ "y" }}
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% filter upper %}a{{ s }}{% endfilter %}
{% filter replace("a", "b") | upper %}banana{% endfilter %}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}
{% with n = n + 1 %}{{ n }}{% endwith %}{{ n }}
{% print n, s %}
{% generation %}a{{ n }}{% set q = 1 %}{% endgeneration %}{{ q }}
{% block x %}a{{ n }}{% endblock %}
{% block x %}a{{ n }}{% endblock x %}
{% raw %}{{ n }}{% if %}{# x #}{% endraw %}
{%- raw -%}  {{ n }}  {%- endraw -%}
a{# comment #}b
a {#- comment -#} b
{#
many
lines #}
x
a
  {% if yes %}
  b
  {% endif %}
c
a
  {%- if yes -%}
  b
  {%- endif -%}
c
a
  {%+ if yes %}
  b
  {%+ endif %}
c
a {% if yes +%}
 b{% endif +%}

c
  {{ n }}
  x
  {{- n -}}
  x
x {% if yes %} y {% endif %} z
x  {# c #}
y
   {# c #}
y
{% if yes %}

a

{% endif %}

b
{%if yes%}a{%endif%}
{{n}}{{-n-}}{{n}}
{{ "}}" }}{{ "%}" }}{{ {"a": {"b": 1}}["a"]["b"] }}{{ {"a":{}}}}
{% set cycle = cycler("a", "b") %}{{ cycle.next() }}{{ cycle.next() }}{{ cycle.next() }}{{ cycle.current }}
{% set comma = joiner() %}{% for x in l %}{{ comma() }}{{ x }}{% endfor %}
{% for x in l %}{% set foo %}{{ x }}{% break %}{% endset %}{% endfor %}done
{% if missing is defined and missing.x %}a{% else %}b{% endif %}
{% if x is string %}{{ x | nofilter }}{% else %}ok{% endif %}
{{ n if yes else n | nofilter }}
{% for message in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}{{ index }}{{ message.role }} {% endfor %}
{{ messages[0]["role"] }}{{ messages[0].content | trim }}{{ messages | map(attribute="role") | join(",") }}
{{- "a" -}}   {{- "b" }}
{% set content = "a</think>b" %}{{ content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n") }}
{{ (messages | last).content }}{{ messages[-1:][0].role }}
{% set x = {"a": 1} %}{% set y = dict(x, b=2) %}{{ y }}{{ x }}
{% for row in l | batch(2) %}{{ row }}{% endfor %}
{% for g in people | groupby("age") %}{{ g.grouper }}:{{ g.list | length }};{{ g[0] }} {% endfor %}
{% for age, group in people | groupby("age") %}{{ age }}{{ group | map(attribute="name") | list }}{% endfor %}
{% set it = l | map("string") %}{{ it | list }}{{ it | list }}
{% set it = l | map("string") %}{% if it %}yes{% endif %}{{ 3 in (l | map("abs")) }}
{{ d.items() | map("first") | list }}
{% set a = [1, 2] %}{% set b = a %}{{ a is sameas b }}{{ a == [1, 2] }}
{{ "%s" | format(n) }}{{ "a".join(["x", "y"]) }}
{% if "a" in d and d.a is mapping %}m{% endif %}
{{ [1, 2, 3][1:] | first }}
{% for k, v in {"x": {"type": "string"}, "y": {"type": "int"}} | dictsort %}{{ k }}: {{ v.type }}{{ ", " if not loop.last }}{% endfor %}
{{ 1 }}{# a #}{{ 2 }}
{% set ns = namespace(x=none) %}{{ ns.x is none }}{{ ns.x }}
{{ caller }}{{ varargs }}
{% macro outer() %}{% macro inner() %}{{ n }}i{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}
{% macro m(x, kwargs) %}{{ x }}{{ kwargs }}{% endmacro %}{{ m(1, 2) }}
{% call(x) (l | map("abs")).nope() %}{% endcall %}
{{ u | tojson }}{{ u | upper }}{{ u | length }}
{{ "a\
b" }}
{{ "line
break" }}
"""

SYNTAX_ERRORS = [
    "{% if %}a{% endif %}", "{% if yes %}a", "{% for x in l %}", "{{ n", "{{ n }", "{{ }}",
    "{% endif %}", "{% if yes %}{% endfor %}", "{% foo %}", "{# never closed", "{% raw %}x",
    "{{ 'open }}", "{{ (1 }}", "{{ 1) }}", "{{ [1, }}", "{{ {1} }}", "{{ a b }}", "{{ 1 + }}",
    "{% set 1 = 2 %}", "{% set x %}", "{% for 1 in l %}{% endfor %}", "{% break %}",
    "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m( %}{% endmacro %}", "{{ n | }}",
    "{{ n | nofilter }}", "{{ n is notest }}", "{{ n is odd is even }}", "{{ f(a=1, 2) }}",
    "{{ f(*a, *b) }}", "{% call n %}{% endcall %}", "{{ a. }}", "{{ a.'b' }}", "{{ $ }}", "{{ a ! b }}",
    "{% do x %}", "{% for x l %}{% endfor %}", "{% else %}", "{% %}", "{{ '\\x4' }}", "{{ a[ }}",
    "{% for loop in l %}{% endfor %}", "{% macro m() %}{% break %}{% endmacro %}",
    "a\nb\n{% if x %}\nc\n{{ d e }}\n{% endif %}", "{{ n == }}", "{{ not }}", "{{ {'a' 1} }}",
]


def templates():
    """One a line; a template of several lines begins with a line that closes nothing: the blocks of
    lines below are told apart by hand."""
    several = {
        "{#\nmany\nlines #}\nx",
        "a\n  {% if yes %}\n  b\n  {% endif %}\nc",
        "a\n  {%- if yes -%}\n  b\n  {%- endif -%}\nc",
        "a\n  {%+ if yes %}\n  b\n  {%+ endif %}\nc",
        "a {% if yes +%}\n b{% endif +%}\n\nc",
        "  {{ n }}\n  x\n  {{- n -}}\n  x",
        "x  {# c #}\ny\n   {# c #}\ny",
        "{% if yes %}\n\na\n\n{% endif %}\n\nb",
        '{{ "a\\\nb" }}',
        '{{ "line\nbreak" }}',
    }
    rest = "\n" + TEMPLATES.strip("\n") + "\n"
    for template in several:
        assert "\n" + template + "\n" in rest, template
        rest = rest.replace("\n" + template + "\n", "\n", 1)
    yield from sorted(several)
    yield from ["x\n", "x\n\n", "\n", "", "x\r\ny\rz\r\n", "{% if yes %}\r\na\r\n{% endif %}\r\n"]
    yield from rest.strip("\n").split("\n")


def row(env, template):
    result = {"template": template}
    try:
        result["text"] = env.from_string(template).render(**VARIABLES)
    except Exception as error:  # whatever Python raises is what must be refused
        result["error"] = f"{error}"
    return result


def main():
    env = environment()
    rows = [row(env, "{{ " + line.strip() + " }}") for line in expressions()]
    rows += [row(env, template) for template in templates()]
    refused = [row(env, "{{ " + line + " }}") for line in ERRORS]
    refused += [row(env, template) for template in SYNTAX_ERRORS]
    for entry in refused:
        if "error" not in entry:
            print("not refused:", entry, file=sys.stderr)
    print(json.dumps({"variables": VARIABLES}, ensure_ascii=False))
    for entry in rows + refused:
        if "0x7f" in entry.get("text", "") or "object at 0x" in entry.get("text", ""):
            print("an address in", entry, file=sys.stderr)
            continue
        print(json.dumps(entry, ensure_ascii=False))


main()
