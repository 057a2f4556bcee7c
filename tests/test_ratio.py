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


def test_bytes_are_not_code_points() -> None:
    assert streamliner_udf.edit_distance("é", "e") == 1
    assert streamliner_udf.ratio("日本", "日木") == 50.0
