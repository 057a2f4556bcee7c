"""Slugs: the same in blocks of 64 bytes, wherever a code point stands, as one code point after the other."""

from __future__ import annotations

import random

from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference

POINTS = [chr(point) for point in range(0x80, 0x110000) if not 0xD800 <= point <= 0xDFFF]
# Latin with accents, what leaves nothing, and their neighbours, which do not.
OFTEN = [chr(point) for first in (0x80, 0x3F0, 0x2000, 0x25F0, 0x3040, 0x9FF0, 0xFE00, 0x1F2F0, 0x1FBA0)
         for point in range(first, first + 0x60)]  # fmt: skip


def expect_equal(texts: list[str], max_length: int = 60) -> None:
    found = streamliner_udf.slugify(texts, max_length)
    for text, slug in zip(texts, found, strict=True):
        assert slug == reference.slugify(text, max_length), (ascii(text), max_length)


def test_every_code_point_among_others(rng: random.Random) -> None:
    points = POINTS[:0x20000] + rng.sample(POINTS[0x20000:], 1_000)
    for _ in range(2 * SCALE):
        rng.shuffle(points)
        texts = []
        for at in range(0, len(points), 20):
            texts.append("".join(p + rng.choice(("", "", "a", " ", "Z9", "--")) for p in points[at : at + 20]))
        expect_equal(texts, 200)


def test_code_points_at_the_end_of_a_block(rng: random.Random) -> None:
    for before in range(58, 68):
        expect_equal(["x" * before + point + rng.choice(("", "b", " b", point)) for point in OFTEN], 100)


def test_cut_within_a_block(rng: random.Random) -> None:
    for max_length in (1, 2, 7, 31, 60, 63, 64, 65):
        texts = ["".join(rng.choices([*OFTEN, *"abcXYZ019 -."], k=rng.randrange(150))) for _ in range(300 * SCALE)]
        expect_equal(texts, max_length)
