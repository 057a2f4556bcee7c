"""Words against Unicode's own test of boundaries, and the data against Unicode's own files."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf.reference._word_break import RANGES, UNICODE
from streamliner_udf.reference.words import _is_letter_or_digit, count_words, word_boundaries

CASES = Path(__file__).parent / "unicode/WordBreakTest.txt"
# The Unicode Character Database where Debian's package unicode-data puts it.
DATABASE = Path("/usr/share/unicode")


def cases() -> Iterator[tuple[str, list[int]]]:
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        text, boundaries = "", [0]
        for part in line.split():
            if part == "|":
                boundaries.append(len(text))
            else:
                text += chr(int(part, 16))
        yield text, [*boundaries, len(text)]


def test_boundaries_are_those_of_unicode() -> None:
    found = 0
    for text, boundaries in cases():
        assert word_boundaries(text) == boundaries, ascii(text)
        found += 1
    assert found == 1823


def test_words_are_counted_between_those_boundaries() -> None:
    """By the kernel, at every place in a block of 64 bytes. tests/c/test_words.c compares its boundaries themselves."""
    found: list[tuple[str, int]] = []
    for number, (text, boundaries) in enumerate(cases()):
        words = sum(any(map(_is_letter_or_digit, text[start:stop])) for start, stop in itertools.pairwise(boundaries))
        # A line end is a boundary on both sides, whatever stands there.
        for before in ("", "x" * (number % 64) + "\n", "w " * (number % 32) + "\n"):
            found.append((before + text, words + len(before.split())))
            found.append((before + text + "\n" + text, 2 * words + len(before.split())))
    assert streamliner_udf.count_words([text for text, _ in found]) == [words for _, words in found]


def test_blocks_meet_anywhere(rng: random.Random) -> None:
    """Texts of what the fast path knows, with what it doesn't know strewn in."""
    letters = [
        "a",
        "b",
        "Z",
        "1",
        "9",
        " ",
        " ",
        ".",
        "'",
        ",",
        ":",
        "é",
        "Ж",
        "_",
        "×",
        "\u0301",
        "語",
        "א",
        '"',
        "\n",
    ]
    weights = [9, 9, 4, 4, 4, 6, 6, 2, 2, 2, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1]
    for _ in range(2000 * SCALE):
        chosen = [weight if rng.random() < 0.6 else 0 for weight in weights]
        if any(chosen):
            text = "".join(rng.choices(letters, chosen, k=rng.randint(0, 300)))
            assert streamliner_udf.count_words(text) == count_words(text), ascii(text)


def test_counts_add_up_over_lines(rng: random.Random) -> None:
    texts = random_text.texts(rng, 300 * SCALE)
    together = streamliner_udf.count_words("\n".join(texts))
    assert together == sum(streamliner_udf.count_words(texts))


def database(name: str) -> Iterator[list[str]]:
    path = DATABASE / name
    if not path.exists():
        pytest.skip(f"no Unicode Character Database at {DATABASE}")
    text = path.read_text(encoding="utf-8")
    if name != "UnicodeData.txt" and UNICODE not in text.split("\n", 1)[0] and name.startswith("auxiliary"):
        pytest.skip(f"{path} is of another version than {UNICODE}")
    for line in text.splitlines():
        if fields := [field.strip() for field in line.partition("#")[0].split(";") if field.strip()]:
            yield fields


def points(ranges: str) -> set[int]:
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.replace("..", "-").partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


def test_the_data_is_that_of_unicode() -> None:
    found: dict[str, set[int]] = {}
    for span, name in database("auxiliary/WordBreakProperty.txt"):
        found.setdefault(name, set()).update(points(span))
    for span, name in database("emoji/emoji-data.txt"):
        if name == "Extended_Pictographic":
            found.setdefault(name, set()).update(points(span))
    first = 0
    letters = found.setdefault("Letter_Or_Digit", set())
    for number, name, category, *_ in database("UnicodeData.txt"):
        point = int(number, 16)
        if name.endswith("First>"):
            first = point
        elif category[0] in "LN":
            letters.update(range(first if name.endswith("Last>") else point, point + 1))
    assert {name: points(ranges) for name, ranges in RANGES.items()} == found


def test_the_cases_are_those_of_unicode() -> None:
    path = DATABASE / "auxiliary/WordBreakTest.txt"
    if not path.exists() or UNICODE not in path.read_text(encoding="utf-8").split("\n", 1)[0]:
        pytest.skip(f"no test of Unicode {UNICODE} at {path}")
    wanted = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if marks := line.partition("#")[0].split()[1:-1]:
            wanted.append(" ".join({"÷": "|"}.get(mark, mark) for mark in marks if mark != "×"))
    assert [line for line in CASES.read_text(encoding="utf-8").splitlines() if line[0] != "#"] == wanted
