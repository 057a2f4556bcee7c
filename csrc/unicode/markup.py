"""Writes html_names.h, the named references of html.entities, and html_elements.h, elements by what they do."""

from __future__ import annotations

import html
import random
from collections.abc import Sequence
from html.entities import html5
from pathlib import Path

SLOTS, BUCKETS = 4096, 1024
ELEMENT_SLOTS = 256
SHORT_SLOTS = 512
VALUE_BYTES = 8  # a value can be stored whole

# HTML Standard 15.3 (what is a block), 15.3.1 (what is not shown) and 3.2.7 (p, br and cells in innerText).
ELEMENTS = {
    "BLOCK": """
        address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure
        footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option search section
        summary table tbody tfoot thead tr ul
    """,
    "PARAGRAPH": "p",
    "BREAK": "br",
    "CELL": "td th",
    "PRE": "pre",
    "UNSEEN": "script style title template noscript noembed noframes iframe",
}

# Elements with nothing to them that are common enough to be known as well.
INLINE = "a abbr b big cite code del em font i img ins kbd label link mark meta s small span strong sub sup u"


def name_hash(name: str) -> int:
    """FNV-1a of 32 bits, as in html_reference.c."""
    value = 0x811C9DC5
    for byte in name.encode("ascii"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def slot(value: int, shift: int) -> int:
    """The place of a name whose bucket has this shift, as in html_reference.c."""
    return (value + shift * (value >> 12 & 0x3FF | 1)) % SLOTS


def perfect_hash(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """For each bucket the shift that gives all its names a place of their own, and the number of the name in each place
    (0: none, else one more than its index)."""
    buckets: list[list[int]] = [[] for _ in range(BUCKETS)]
    for number, name in enumerate(names):
        buckets[name_hash(name) >> 22].append(number)
    shifts, places = [0] * BUCKETS, [0] * SLOTS
    for bucket in sorted(range(BUCKETS), key=lambda b: -len(buckets[b])):
        hashes = [name_hash(names[number]) for number in buckets[bucket]]
        for shift in range(256):
            taken = [slot(value, shift) for value in hashes]
            if len(set(taken)) == len(taken) and not any(places[place] for place in taken):
                break
        else:
            raise ValueError("expected a shift below 256 for every bucket: change SLOTS or BUCKETS")
        shifts[bucket] = shift
        for place, number in zip(taken, buckets[bucket], strict=True):
            places[place] = number + 1
    return shifts, places


def element_key(name: str) -> int:
    """The first eight letters of a name, the first one lowest."""
    return int.from_bytes(name.encode("ascii")[:8], "little")


def slot_of(key: int, factor: int, slots: int) -> int:
    return key * factor % 2**64 // (2**64 // slots)


def element_factor(keys: Sequence[int], slots: int) -> int:
    """A factor whose products with the keys all differ in their highest bits, which are the slot."""
    rng = random.Random(1)
    while True:
        factor = rng.getrandbits(64) | 1
        if len({slot_of(key, factor, slots) for key in keys}) == len(keys):
            return factor


def rows(values: Sequence[object], per_line: int) -> str:
    lines = [", ".join(map(str, values[i : i + per_line])) for i in range(0, len(values), per_line)]
    return ",\n    ".join(lines)


def c_bytes(data: bytes) -> str:
    """A string literal; escapes in octal, which end by themselves."""
    return '"' + "".join(chr(byte) if chr(byte).isalnum() and byte < 0x80 else f"\\{byte:03o}" for byte in data) + '"'


def reference_tables() -> str:
    names = sorted({name.rstrip(";") for name in html5})
    longest = max(map(len, names))
    longest_bare = max(len(name) for name in html5 if not name.endswith(";"))
    offsets, pool, entries = [], "", []
    for name in names:
        value = html5[name + ";"].encode()
        if html5.get(name, html5[name + ";"]) != html5[name + ";"] or len(value) > VALUE_BYTES:
            raise ValueError(f"expected {name} to mean the same without semicolon, in {VALUE_BYTES} bytes")
        if 5 * len(value) > 6 * (1 + len(name) + (name not in html5)):
            raise ValueError(f"expected {name} to grow by a fifth at most")
        offsets.append(len(pool))
        pool += name
        entries.append(f"{{{offsets[-1]}, {len(name)}, {int(name in html5)}, {len(value)}, {c_bytes(value)}}}")
    shifts, places = perfect_hash(names)
    text = ['"' + pool[i : i + 100] + '"' for i in range(0, len(pool), 100)]
    old = [f"0x{ord(html.unescape(f'&#{number};')):04X}" for number in range(0x80, 0xA0)]
    return f"""/* Names without their semicolon, side by side in sl_html_names. `bare`: known without it too. */
typedef struct sl_html_name {{
    uint16_t at;
    uint8_t len, bare, size;
    char value[{VALUE_BYTES}];
}} sl_html_name;

enum {{ SL_HTML_NAME_MAX = {longest}, SL_HTML_BARE_MAX = {longest_bare} }};

static const char sl_html_names[] =
    {chr(10).join(text).replace(chr(10), chr(10) + "    ")};

static const sl_html_name sl_html_values[{len(names)}] = {{
    {rows(entries, 3)}}};

/* A name's hash chooses a bucket, the bucket's shift a place, and the place holds one more than the name's number. */
static const uint8_t sl_html_shifts[{BUCKETS}] = {{
    {rows(shifts, 32)}}};

static const uint16_t sl_html_places[{SLOTS}] = {{
    {rows(places, 20)}}};

static inline uint32_t sl_html_place(uint32_t hash) {{
    return (hash + sl_html_shifts[hash >> 22] * ((hash >> 12 & 0x3FF) | 1)) % {SLOTS};
}}

/* The numbers 0x80 to 0x9F, which are read as Windows-1252. */
static const uint16_t sl_html_old[32] = {{
    {rows(old, 16)}}};
"""


def element_tables() -> str:
    elements = sorted((name, kind) for kind, names in ELEMENTS.items() for name in names.split())
    keys = [element_key(name) for name, _ in elements]
    factor = element_factor(keys, ELEMENT_SLOTS)
    places = [0] * ELEMENT_SLOTS
    for number, key in enumerate(keys):
        places[slot_of(key, factor, ELEMENT_SLOTS)] = number + 1
    entries = [
        f"{{UINT64_C(0x{key:016X}), 0x{element_key(name[8:]):04X}, {len(name)}, SL_HTML_{kind}}} /* {name} */"
        for key, (name, kind) in zip(keys, elements, strict=True)
    ]
    return f"""enum {{ SL_HTML_INLINE, {", ".join(f"SL_HTML_{kind}" for kind in ELEMENTS)} }};

/* The letters of a name, the first one lowest, eight of them in `first`. A name of a document can end with zeros. */
typedef struct sl_html_element {{
    uint64_t first, rest;
    uint32_t len, kind;
}} sl_html_element;

static const sl_html_element sl_html_elements[{len(entries) + 1}] = {{
    {rows(["{0, 0, 0, SL_HTML_INLINE}", *entries], 1)}}};

static const uint8_t sl_html_element_places[{ELEMENT_SLOTS}] = {{
    {rows(places, 32)}}};

static inline uint32_t sl_html_element_place(uint64_t first) {{
    return sl_html_element_places[first * UINT64_C(0x{factor:016X}) >> 56];
}}
"""


def short_tables() -> str:
    """Elements up to seven letters that are only their tag, with what may stand behind < for them, and the >."""
    kinds = {name: kind for kind, names in ELEMENTS.items() for name in names.split()}
    names = {name: kind for name, kind in kinds.items() if len(name) <= 7 and kind not in {"PRE", "UNSEEN"}}
    names |= dict.fromkeys(INLINE.split(), "INLINE")
    names |= {name + tail: kinds[name] for name in ("br", "hr") for tail in ("/", " /")}
    keys = {element_key(name + ">"): name for name in sorted(names)}
    factor = element_factor(list(keys), SHORT_SLOTS)
    slots = ["{0x40, SL_HTML_INLINE}"] * SHORT_SLOTS
    for key, name in keys.items():
        slots[slot_of(key, factor, SHORT_SLOTS)] = f"{{UINT64_C(0x{key:016X}), SL_HTML_{names[name]}}} /* {name} */"
    return f"""/* A name of up to seven letters and the > behind it, the first one lowest. No name is like an empty
 * entry: where letters are small, no byte is 0x40. */
typedef struct sl_html_short {{
    uint64_t name;
    uint64_t kind;
}} sl_html_short;

static const sl_html_short sl_html_shorts[{SHORT_SLOTS}] = {{
    {rows(slots, 3)}}};

static inline const sl_html_short *sl_html_short_place(uint64_t name) {{
    return &sl_html_shorts[name * UINT64_C(0x{factor:016X}) >> {65 - SHORT_SLOTS.bit_length()}];
}}
"""


def write_markup(folder: Path) -> None:
    """Two headers: html_names.h for references and html_elements.h for elements."""
    for stem, what, tables in (
        ("html_names", "the named references of HTML, and numbers that do not mean themselves", reference_tables()),
        (
            "html_elements",
            "what the elements of HTML do to the text around them",
            element_tables() + "\n" + short_tables(),
        ),
    ):
        guard = f"SL_{stem.upper()}_H"
        (folder / f"{stem}.h").write_text(
            f"""/* {stem}.h - {what}.
 * Generated by csrc/unicode/markup.py; names from Python's html.entities. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

{tables}
#endif
""",
            encoding="utf-8",
        )
