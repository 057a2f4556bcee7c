"""The ratio family and the edit distance: equal to RapidFuzz, to the last bit."""

from __future__ import annotations

import random
from typing import Any

import pytest
import random_text
from conftest import SCALE

import streamliner_udf

fuzz = pytest.importorskip("rapidfuzz.fuzz")
fuzz_py = pytest.importorskip("rapidfuzz.fuzz_py")
distance = pytest.importorskip("rapidfuzz.distance")

RATIOS = ["ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio"]
NAMES = (
    "Ana Silva|Anna Silva|Silva, Ana|João Gonçalves|Joao Goncalves|Zoë|Zoe|王伟|王伟伟|Ольга|ольга|O'Brien|OBrien||a"
)


def pairs(rng: random.Random, count: int) -> list[tuple[str, str]]:
    names = NAMES.split("|")
    letters = [("".join(rng.choices("abé ", k=rng.randint(0, 90))), "".join(rng.choices("abé ", k=rng.randint(0, 90))))
               for _ in range(count)]  # fmt: skip
    return [*random_text.pairs(rng, count), *letters, *((a, b) for a in names for b in names)]


@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize("cutoff", [0.0, 50.0, 85.5, 100.0])
def test_ratios_equal_rapidfuzz(name: str, cutoff: float, rng: random.Random) -> None:
    made = pairs(rng, 300 * SCALE)
    compiled: Any = getattr(streamliner_udf, name)
    got = compiled([a for a, _ in made], [b for _, b in made], cutoff)
    for (a, b), ours in zip(made, got, strict=True):
        # RapidFuzz's compiled functions do not split texts of Latin-1 at U+0085 and U+00A0; its Python ones do.
        module = fuzz_py if {"\x85", "\xa0"} & {*a, *b} else fuzz
        assert ours == getattr(module, name)(a, b, score_cutoff=cutoff), (ascii(a), ascii(b))


@pytest.mark.parametrize("cutoff", [None, 0, 3, 40])
def test_distances_equal_rapidfuzz(cutoff: int | None, rng: random.Random) -> None:
    made = pairs(rng, 300 * SCALE)
    options = () if cutoff is None else (cutoff,)
    got = streamliner_udf.edit_distance([a for a, _ in made], [b for _, b in made], *options)
    for (a, b), ours in zip(made, got, strict=True):
        assert ours == distance.Levenshtein.distance(a, b, score_cutoff=cutoff), (ascii(a), ascii(b))


def test_texts_of_about_a_register(rng: random.Random) -> None:
    """Of 59 to 68 bytes, with code points of every length, up to the last byte; and their beginnings."""
    made = []
    for size in [*range(8), 15, 16, 17, 31, 32, 33, *range(59, 69)]:
        for _ in range(20):
            letters, left = [], size
            while left:
                letter = rng.choice([c for c in "ab\0é\u07ff\u0800語\uffff\U00010000😀" if len(c.encode()) <= left])
                letters.append(letter)
                left -= len(letter.encode())
            made.append(("".join(letters), "".join(rng.sample(letters, rng.randint(0, len(letters))))))
    distances = streamliner_udf.edit_distance([a for a, _ in made], [b for _, b in made])
    ratios = streamliner_udf.ratio([a for a, _ in made], [b for _, b in made])
    for (a, b), ours, share in zip(made, distances, ratios, strict=True):
        assert ours == distance.Levenshtein.distance(a, b), (ascii(a), ascii(b))
        assert share == fuzz.ratio(a, b), (ascii(a), ascii(b))


def test_alike_texts_that_share_bytes_of_code_points(rng: random.Random) -> None:
    """What two texts begin and end with is taken away, but never half of a code point: é and è share a byte."""
    made = []
    for _ in range(3_000 * SCALE):
        text = rng.choices("ab éèê¢ÀĀ日旦日😀😁", k=rng.randrange(1, 64))
        other = list(text)
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(other) + 1)
            other[at : at + rng.randrange(2)] = rng.choices("aéèê¢ÀĀ日旦😀😁", k=rng.randrange(2))
        made.append(("".join(text), "".join(other)))
    # Texts that fill a register of 64 bytes to the last, and are equal, or differ at an end.
    for end in ("a" * 64, "é" * 32, "日" * 21 + "a", "😀" * 16):
        made += [(end, end), (end, end[:-1]), (end, end[1:]), (end, end[:-1] + "è"), ("è" + end[1:], end), (end, "")]
    found = streamliner_udf.edit_distance([a for a, _ in made], [b for _, b in made])
    for (a, b), ours in zip(made, found, strict=True):
        assert ours == distance.Levenshtein.distance(a, b), (ascii(a), ascii(b))


def test_bytes_are_not_code_points() -> None:
    assert streamliner_udf.edit_distance("é", "e") == 1
    assert streamliner_udf.ratio("日本", "日木") == 50.0
