"""White space: every kind, at every place in a text."""

from __future__ import annotations

import itertools

import random_text

import streamliner_udf


def test_white_space_at_every_place() -> None:
    runs = [a + b for a, b in itertools.product([*random_text.SPACES, ""], repeat=2)] + [
        " \u200b ",
        "\u3000\u2003 \t\xa0",
    ]
    texts = [
        fill * before + run + fill * after
        for run in runs
        for fill in ("x", "語")
        for before in (*range(18), 30, *range(61, 66))
        for after in (0, 1, 70)
    ]
    texts += [space * count + end for space in random_text.SPACES for count in range(1, 140) for end in ("", "x")]
    for text, squashed in zip(texts, streamliner_udf.squash_spaces(texts), strict=True):
        assert squashed == " ".join(text.split()), ascii(text)


def test_which_characters_are_white_space() -> None:
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    squashed = streamliner_udf.squash_spaces([f"a{c}{c}b" for c in points])
    assert [c for c, text in zip(points, squashed, strict=True) if text != f"a{c}{c}b"] == [
        c for c in points if c.isspace()
    ]
