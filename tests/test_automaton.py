"""Many patterns at once: overlaps, case, words, thousands of patterns, and texts made to be slow."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference

OPTIONS = ("", "ignore_case", "whole_words", "ignore_case whole_words")
# Few letters meet often. Then: folds of other lengths, one to many, marks, what separates words, NUL.
ALPHABETS = (
    *(
        "ab",
        "abc",
        "aA b",
        "sSſkKK",
        "ßẞıİiI",
        "éÉe\u0301",
        "σςΣ_-",
        "aé語😀 ",
        "ɐⱯȺⱥ",
        "ab \n.",
        "\0ab",
        "θϑϴΘιι\u0345",
    ),
    "\ufffdéÉ",
)


def word(rng: random.Random, letters: str, least: int, most: int) -> str:
    return "".join(rng.choices(letters, k=rng.randint(least, max(least, most))))


def check(texts: list[str], patterns: list[str], options: str) -> None:
    """All three functions against the specification."""
    replacements = [f"<{number}>" for number in range(len(patterns))]
    found = streamliner_udf.find_many(texts, patterns, options)
    replaced = streamliner_udf.replace_many(texts, patterns, replacements, options)
    contained = streamliner_udf.contains_any(texts, patterns)
    for text, *got in zip(texts, found, replaced, contained, strict=True):
        want = (
            reference.find_many(text, patterns, options),
            reference.replace_many(text, patterns, replacements, options),
            reference.contains_any(text, patterns),
        )
        assert tuple(got) == want, (ascii(text), ascii(patterns), options)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("letters", [*ALPHABETS, "".join(ALPHABETS)], ids=ascii)
def test_overlaps_of_few_letters(letters: str, options: str, rng: random.Random) -> None:
    for _ in range(15 * SCALE):
        most = rng.choice((1, 2, 3, 4, 6, 10, 20))
        patterns = [word(rng, letters, rng.choice((1, 1, 2, 4)), most) for _ in range(rng.choice((0, 1, 2, 5, 30)))]
        texts = [word(rng, letters, 0, rng.choice((3, 20, 60, 200))) for _ in range(10)]
        check(texts, patterns, options)


@pytest.mark.parametrize("options", OPTIONS)
def test_pieces_of_texts(options: str, rng: random.Random) -> None:
    for _ in range(20 * SCALE):
        texts = [random_text.text(rng, 200) for _ in range(5)]
        joined = "".join(texts)
        starts = [rng.randrange(len(joined)) for _ in range(40) if joined]
        pieces = [joined[start : start + rng.randint(1, 12)] for start in starts]
        check(texts, [*pieces, *(piece.swapcase() for piece in pieces[:10])], options)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("letters", ["ab", "aé", "sſ ", "kK\u0301"], ids=ascii)
def test_long_patterns_in_texts_that_repeat(letters: str, options: str, rng: random.Random) -> None:
    """Where much is compared in vain, the automaton of the reversed patterns takes over in the middle of a text."""
    for _ in range(2 * SCALE):
        unit = word(rng, letters, 1, 3)
        nested = [unit * count + rng.choice(("", letters[-1])) for count in (1, 2, 50, 100, rng.randint(3, 200))]
        texts = [unit * rng.choice((400, 1500)) + word(rng, letters, 0, 3) + unit * 150 for _ in range(2)]
        check(texts, [*nested, word(rng, letters, 65, 100)], options)


@pytest.mark.parametrize("options", OPTIONS)
def test_ten_thousand_patterns(options: str, rng: random.Random) -> None:
    patterns = [word(rng, "abcdefghijkl é", 2, 10) for _ in range(10_000)]
    texts = [word(rng, "abcdefghijkl éABC", 20, 60) for _ in range(6)]
    check([*texts, *rng.sample(patterns, 5)], patterns, options)


def test_folding_of_every_code_point() -> None:
    """Each character that has case, in both cases, among those beside it."""
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    for at in range(0, len(points), 4096):
        block = points[at : at + 4096]
        others = [other for c in block for other in {c.lower(), c.upper(), c.casefold()} if other != c]
        if others:
            for options in ("ignore_case", ""):
                text = " ".join([*block, *others])
                assert streamliner_udf.find_many(text, others, options) == by_length(text, others, options)


def by_length(text: str, patterns: list[str], options: str) -> list[dict[str, Any]]:
    """As the specification does it, with one look into a dictionary for each length: for thousands of patterns."""

    def fold(text: str) -> str:
        return "".join(next((f for f in (c.casefold(), c.lower()) if len(f) == 1), c) for c in text)

    form = fold if "ignore_case" in options else "".join
    firsts: dict[str, str] = {}
    for pattern in patterns:
        firsts.setdefault(form(pattern), pattern)
    folded, lengths, at = form(text), sorted({len(f) for f in firsts}, reverse=True), 0
    found: list[dict[str, Any]] = []
    while at < len(text):
        length = next((n for n in lengths if at + n <= len(text) and folded[at : at + n] in firsts), 0)
        if length:
            found.append({"pattern": firsts[folded[at : at + length]], "start": at, "stop": at + length})
        at += length or 1
    return found


def test_the_helper_is_the_specification(rng: random.Random) -> None:
    for letters in ALPHABETS:
        text, patterns = word(rng, letters, 50, 50), [word(rng, letters, 1, 4) for _ in range(5)]
        for options in ("", "ignore_case"):
            assert by_length(text, patterns, options) == reference.find_many(text, patterns, options)


def test_thousands_of_patterns_in_a_long_text(rng: random.Random) -> None:
    text = " ".join(random_text.text(rng) for _ in range(300))
    pieces = [text[start : start + rng.randint(1, 15)] for start in rng.choices(range(len(text)), k=5_000)]
    for options in ("", "ignore_case"):
        for patterns in (pieces, [piece for piece in pieces if len(piece) > 3], [piece[:1] for piece in pieces[:30]]):
            assert streamliner_udf.find_many(text, patterns, options) == by_length(text, patterns, options)


def test_every_code_point_beside_a_word() -> None:
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    step = 1 if SCALE > 1 else 7
    texts = [text for c in points[::step] for text in (f"{c}x", f"x{c}")]
    found = streamliner_udf.find_many(texts, ["x"], "whole_words")
    for text, got in zip(texts, found, strict=True):
        assert got == reference.find_many(text, ["x"], "whole_words"), ascii(text)


# ---- time ----------------------------------------------------------------------------------------------------------

# Patterns as long as half the text that never end: by (length of the text, unit of the text, options).
SLOW: dict[str, tuple[Callable[[int], list[str]], str, str]] = {
    "never finished": (lambda n: ["a" * (n // 2) + "b"], "a", ""),
    "nested": (lambda n: [*("a" * (n // part) for part in (50, 7, 3)), "a" * (n // 2) + "b"], "a", ""),
    "another beginning": (lambda n: ["b" + "a" * (n // part) for part in (50, 7, 3)] + ["a" * n + "c"], "a", ""),
    "two by two": (lambda n: ["ab" * (n // 4) + "c", "ba" * (n // 4) + "c"], "ab", ""),
    "case": (lambda n: ["k" * (n // 2) + "b"], "kKK", "ignore_case"),
    "one byte": (lambda n: ["a"], "a", ""),
    "up to 64 bytes": (lambda n: ["a" * length + "b" for length in range(1, 63)], "a", ""),
    "up to 64 bytes and case": (lambda n: ["a" * length + "b" for length in range(1, 63)], "aA", "ignore_case"),
}


@pytest.mark.parametrize(("patterns", "unit", "options"), SLOW.values(), ids=SLOW)
def test_time_is_linear(patterns: Callable[[int], list[str]], unit: str, options: str) -> None:
    """Four times the text, and patterns four times as long, take about four times as long."""

    def seconds(size: int) -> float:
        text, compiled = unit * (size // len(unit)), patterns(size)
        started = time.thread_time()
        streamliner_udf.find_many(text, compiled, options)
        return time.thread_time() - started

    for _ in range(4):  # another try, because other work on the machine can slow one run
        short, long = (min(seconds(size) for _ in range(3)) for size in (50_000, 200_000))
        if long < 0.01 or long < 7 * short:
            return
    pytest.fail(f"200,000 characters took {long * 1000:.1f} ms, 50,000 took {short * 1000:.1f} ms")


@pytest.mark.parametrize("options", ["whole_words", "ignore_case whole_words"])
def test_time_with_whole_words_is_bounded(options: str) -> None:
    """At each of 50,000 words three patterns are tried, the longest of 3,000 characters."""
    patterns = [" ſ" * count + "b" for count in (1, 10, 100, 1_500)] + [" s" * count for count in (10, 100, 1_500)]
    started = time.thread_time()
    assert streamliner_udf.find_many(" s" * 50_000 + "t", patterns, options) != []
    assert time.thread_time() - started < 5


def test_compiling_is_bounded(rng: random.Random) -> None:
    """Ten thousand patterns in well under a second; ten times as many in about ten times as long."""
    started = time.thread_time()
    streamliner_udf.contains_any("x", [word(rng, "abcdefghijklmnopqrstuvwxyz", 5, 15) for _ in range(100_000)])
    assert time.thread_time() - started < 5
