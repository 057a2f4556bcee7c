"""Writes normalize_tables.h: decompositions, compositions and what needs work, from the building Python's unicodedata.

A code point that a normal form leaves alone, whatever stands beside it, is *stable* in that form: the form does not
change it, its combining class is 0, and it never joins a character before it. Between two stable code points nothing
happens, so the kernel only looks for those that are not. The tables say

* for each code point its record: which forms it is unstable in, its combining class, its full decompositions, and what
  it composes with (Hangul syllables go by arithmetic and share one record);
* for each set of such code points the ranges of first bytes of UTF-8 whose every code point is stable.

What the kernel takes for granted is checked here, so that Unicode data that breaks it fails the build.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

BLOCK = 32
HANGUL = range(0xAC00, 0xD7A4)
HANGUL_SECONDS = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}

NFC, NFD, NFKC, NFKD, HIDDEN, SPACE, BACK, SYLLABLE = (1 << bit for bit in range(8))
FORMS = {"NFC": NFC, "NFD": NFD, "NFKC": NFKC, "NFKD": NFKD}

# Default-ignorable controls that carry no meaning in running text; the specification gives the reasons.
INVISIBLE = (
    *(0x00AD, 0x034F, 0x061C, 0x200B, 0x200E, 0x200F),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x2070),
    0xFEFF,
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    0xE0001,
)
# Kept behind a black flag as the name of a region, which the kernel decides.
TAGS = range(0xE0020, 0xE0080)
BLACK_FLAG = 0x1F3F4

# First bytes of accented Latin, Cyrillic, ideographs and Hangul: whole ranges around them are worth a comparison.
COMMON_LEADS = (0xC3, 0xD0, 0xE4, 0xEB)

# An entry of the pool: the code point, its combining class, whether it may join the one before, whether it is the last.
CLASS_SHIFT, ENTRY_BACK, ENTRY_LAST = 21, 1 << 29, 1 << 31


class Unicode:
    """The properties that the tables are made of."""

    def __init__(self) -> None:
        # Newer versions of Python name the parts of Hangul syllables, too.
        everything = [p for p in range(sys.maxunicode + 1) if p not in HANGUL]
        decomposing = [p for p in everything if unicodedata.decomposition(chr(p))]
        self.pairs: dict[int, list[tuple[int, int]]] = {}
        self.seconds = set(HANGUL_SECONDS)
        for point in decomposing:
            mapping = unicodedata.decomposition(chr(point)).split()
            if not mapping[0].startswith("<") and len(mapping) == 2 and self.form("NFC", point) == [point]:
                first, second = (int(digits, 16) for digits in mapping)
                self.pairs.setdefault(first, []).append((second, point))
                self.seconds.add(second)
        self.classes = {p: number for p in everything if (number := unicodedata.combining(chr(p)))}
        invisible = {*INVISIBLE, *TAGS}
        spaces = [p for p in everything if chr(p).isspace()]
        self.flags: dict[int, int] = dict.fromkeys(HANGUL, NFD | NFKD | SYLLABLE)
        for point in {*decomposing, *self.classes, *self.seconds, *invisible, *spaces, *self.pairs}:
            flags = HIDDEN * (point in invisible) | SPACE * chr(point).isspace() | BACK * (point in self.seconds)
            for form, bit in FORMS.items():
                first = self.form("NFKD" if "K" in form else "NFD", point)[0]
                joins = form.endswith("C") and first in self.seconds
                if self.form(form, point) != [point] or first in self.classes or joins:
                    flags |= bit
            self.flags[point] = flags
        self.decomposing = decomposing
        self.check()

    @staticmethod
    def form(form: str, point: int) -> list[int]:
        return [ord(c) for c in unicodedata.normalize(form, chr(point))]  # type: ignore[arg-type,unused-ignore]

    def check(self) -> None:
        """Raise where the data breaks what the kernel takes for granted."""

        def expect(holds: bool, what: str) -> None:
            if not holds:
                raise AssertionError(f"Unicode {unicodedata.unidata_version}: {what}")

        expect(not any(self.flags.get(p, 0) & sum(FORMS.values()) for p in range(128)), "ASCII is unstable")
        expect({p for p in range(128) if chr(p).isspace()} == {*b"\t\n\v\f\r\x1c\x1d\x1e\x1f "}, "other ASCII spaces")
        special = {*INVISIBLE, *TAGS, BLACK_FLAG}
        for point in (*INVISIBLE, *TAGS):
            inert = self.flags[point] == HIDDEN and point not in self.pairs
            expect(inert, f"removing U+{point:04X} before normalisation differs from removing it after")
        for point in self.decomposing:
            canonical, compatible = self.form("NFD", point), self.form("NFKD", point)
            expect(not special & {*canonical, *compatible}, f"U+{point:04X} decomposes to what clean_text looks for")
            expect(canonical == [point] or point not in self.seconds, f"U+{point:04X} joins and decomposes")
        for point, flags in self.flags.items():
            if flags & SPACE:
                apart = point not in self.pairs and self.form("NFKC", point) in ([point], [0x20])
                expect(apart and not flags & BACK, f"the space U+{point:04X} takes part in composition")
        arithmetic = all(self.flags[p] == NFD | NFKD | SYLLABLE for p in HANGUL)
        expect(arithmetic and self.form("NFD", HANGUL[-1]) == [0x1112, 0x1175, 0x11C2], "Hangul is another block")


def suffixes(pool: list[int], known: dict[tuple[int, ...], int], entries: tuple[int, ...]) -> int:
    """Where `entries` stand in the pool; longer ones come first, so that shorter ones can be their ends."""
    if entries not in known:
        start = len(pool)
        pool.extend(entries)
        for at in range(len(entries)):
            known.setdefault(entries[at:], start + at)
    return known[entries]


def hexadecimal(values: Iterable[int]) -> str:
    return ", ".join(f"0x{value:X}" for value in values)


def rows(words: Iterable[str]) -> str:
    """Words in lines of at most 120 characters."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 115:
            lines.append("")
        lines[-1] += " " * bool(lines[-1]) + word
    return "\n".join(f"    {line}" for line in lines)


def lead_ranges(flags: dict[int, int], bits: int) -> list[tuple[int, int]]:
    """Up to one range of first bytes around each common one whose code points all are stable."""
    unstable = {chr(p).encode()[0] for p, flag in flags.items() if flag & bits and p >= 0x80}
    found: list[tuple[int, int]] = []
    for lead in COMMON_LEADS:
        if lead not in unstable:
            low = high = lead
            while low - 1 >= 0xC2 and low - 1 not in unstable:
                low -= 1
            while high + 1 <= 0xF4 and high + 1 not in unstable:
                high += 1
            if (low, high) not in found:
                found.append((low, high))
    # 0xFF is no byte of UTF-8, and so a range that holds nothing.
    return found + [(0xFF, 0xFF)] * (len(COMMON_LEADS) - len(found))


def render() -> str:
    """The text of normalize_tables.h."""
    unicode = Unicode()

    def entries(form: str, point: int) -> tuple[int, ...]:
        made = [
            p | unicode.classes.get(p, 0) << CLASS_SHIFT | ENTRY_BACK * (p in unicode.seconds)
            for p in unicode.form(form, point)
        ]
        made[-1] |= ENTRY_LAST
        return tuple(made)

    decomposed = {
        (form, point): entries(form, point)
        for form in ("NFD", "NFKD")
        for point in unicode.decomposing
        if unicode.form(form, point) != [point]
    }
    pool = [0]
    known: dict[tuple[int, ...], int] = {}
    offsets: dict[tuple[int, ...], int] = {(): 0}
    for wanted in sorted({*decomposed.values()}, key=lambda wanted: (-len(wanted), wanted)):
        offsets[wanted] = suffixes(pool, known, wanted)

    pairs: list[tuple[int, int]] = [(0, 0)]
    starts = {}
    for first, found in sorted(unicode.pairs.items()):
        starts[first] = len(pairs)
        pairs += sorted(found)
        pairs[-1] = (pairs[-1][0] | ENTRY_LAST, pairs[-1][1])

    records: dict[tuple[int, int, int, int, int], int] = {(0, 0, 0, 0, 0): 0}
    numbers = {}
    for point, flags in sorted(unicode.flags.items()):
        canonical, compatible = (offsets[decomposed.get((form, point), ())] for form in ("NFD", "NFKD"))
        record = (canonical, compatible, starts.get(point, 0), unicode.classes.get(point, 0), flags)
        numbers[point] = records.setdefault(record, len(records))
    hidden = numbers[INVISIBLE[-1]]
    limit = (max(point for point in numbers if point < 0xE0000) // BLOCK + 1) * BLOCK
    beyond = {point for point in numbers if point >= limit}
    if beyond != {0xE0001, *TAGS} or any(numbers[point] != hidden for point in beyond):
        raise AssertionError("something above the table's limit is not a tag")
    blocks: dict[tuple[int, ...], int] = {}
    index = [
        blocks.setdefault(tuple(numbers.get(point, 0) for point in range(at, at + BLOCK)), len(blocks))
        for at in range(0, limit, BLOCK)
    ]
    if max(len(pool), len(pairs), len(records), len(blocks)) > 65535:
        raise AssertionError("too much for sixteen bits")

    sets = {**FORMS, "HIDDEN": HIDDEN, "CLEAN": NFKC | HIDDEN | SPACE, "SPACES": SPACE}
    leads = []
    for bits in sets.values():
        low, high = zip(*lead_ranges(unicode.flags, bits), strict=True)
        leads.append(f"{{{{{hexadecimal(low)}}}, {{{hexadecimal(high)}}}}},")
    return f"""/* normalize_tables.h - what normalisation does to a code point. Generated by csrc/unicode/normalize.py.
 * Contract: normalize_record_of takes any number; those above U+10FFFF are left alone, as are unassigned ones.
 * Source: Unicode {unicodedata.unidata_version}, decomposition mappings, combining classes, composition exclusions. */
#ifndef SL_NORMALIZE_TABLES_H
#define SL_NORMALIZE_TABLES_H

#include <stdint.h>

/* Flags. A form's bit: not stable in it. BACK: may join the character before. SYLLABLE: Hangul, by arithmetic. */
enum {{
    NORMALIZE_NFC = {NFC},
    NORMALIZE_NFD = {NFD},
    NORMALIZE_NFKC = {NFKC},
    NORMALIZE_NFKD = {NFKD},
    NORMALIZE_HIDDEN = {HIDDEN},
    NORMALIZE_SPACE = {SPACE},
    NORMALIZE_BACK = {BACK},
    NORMALIZE_SYLLABLE = {SYLLABLE}
}};

/* Entries of the pool: code point, combining class, and two flags. */
enum {{ NORMALIZE_CLASS_SHIFT = {CLASS_SHIFT} }};
#define NORMALIZE_ENTRY_POINT UINT32_C(0x1FFFFF)
#define NORMALIZE_ENTRY_BACK UINT32_C(0x{ENTRY_BACK:X})
#define NORMALIZE_ENTRY_LAST UINT32_C(0x{ENTRY_LAST:X})

/* decomposed: where the full canonical and compatibility decompositions begin in the pool, 0 for none.
 * pairs: where the pairs begin that this code point is the first of, 0 for none. */
typedef struct normalize_record {{
    uint16_t decomposed[2];
    uint16_t pairs;
    uint8_t combining_class;
    uint8_t flags;
}} normalize_record;

/* The last pair of a first code point has NORMALIZE_ENTRY_LAST in `second`. */
typedef struct normalize_pair {{
    uint32_t second, composed;
}} normalize_pair;

/* First bytes of UTF-8 between low[i] and high[i] begin code points that all are stable. */
typedef struct normalize_leads {{
    uint8_t low[{len(COMMON_LEADS)}], high[{len(COMMON_LEADS)}];
}} normalize_leads;

enum {{ {", ".join(f"NORMALIZE_LEADS_{name}" for name in sets)} }};
static const normalize_leads normalize_lead_ranges[{len(sets)}] = {{
{rows(leads)}
}};

extern const normalize_record normalize_records[{len(records)}];
extern const uint32_t normalize_pool[{len(pool)}];
extern const normalize_pair normalize_pairs[{len(pairs)}];
extern const uint16_t normalize_index[{len(index)}];
extern const uint16_t normalize_blocks[{len(blocks) * BLOCK}];

/* One file defines NORMALIZE_TABLES and so holds them for all. */
#if defined(NORMALIZE_TABLES)
const normalize_record normalize_records[{len(records)}] = {{
{rows(f"{{{{{a}, {b}}}, {c}, {d}, {e}}}," for a, b, c, d, e in records)}
}};

const uint32_t normalize_pool[{len(pool)}] = {{
{rows(f"0x{entry:X}," for entry in pool)}
}};

const normalize_pair normalize_pairs[{len(pairs)}] = {{
{rows(f"{{0x{second:X}, 0x{composed:X}}}," for second, composed in pairs)}
}};

const uint16_t normalize_index[{len(index)}] = {{
{rows(f"{number}," for number in index)}
}};

const uint16_t normalize_blocks[{len(blocks) * BLOCK}] = {{
{rows(f"{number}," for block in blocks for number in block)}
}};
#endif

static inline const normalize_record *normalize_record_of(uint32_t point) {{
    uint32_t number = 0;
    if (point < 0x{limit:X})
        number = normalize_blocks[normalize_index[point / {BLOCK}] * {BLOCK}u + point % {BLOCK}];
    else if (point == 0x{INVISIBLE[-1]:X} || point - 0x{TAGS[0]:X} < {len(TAGS)}u)
        number = {hidden};
    return &normalize_records[number];
}}

#endif
"""


def write_normalize(path: Path) -> None:
    """Write normalize_tables.h to `path`, from the Unicode data of the running Python."""
    path.write_text(render(), encoding="utf-8")
