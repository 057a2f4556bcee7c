"""Quotation marks: exactly those that the property names, at every place in a text."""

from __future__ import annotations

import itertools

import random_text

import streamliner_udf
from streamliner_udf import reference

# PropList.txt, Quotation_Mark, without ASCII, corner brackets (300C..300F, FE41..FE44, FF62, FF63).
SINGLE = {*range(0x2018, 0x201C), 0x2039, 0x203A, 0xFF07}
DOUBLE = {*range(0x201C, 0x2020), 0xAB, 0xBB, 0x2E42, *range(0x301D, 0x3020), 0xFF02}


def test_every_code_point() -> None:
    points = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    straight = streamliner_udf.straighten_quotes([chr(point) for point in points])
    changed = {point: text for point, text in zip(points, straight, strict=True) if text != chr(point)}
    assert changed == {**dict.fromkeys(SINGLE, "'"), **dict.fromkeys(DOUBLE, '"')}


def test_marks_at_every_place() -> None:
    texts = [
        fill * before + mark + fill * 3 for mark in "’»“＂〝" for fill in ("x", "é", "。") for before in range(140)
    ]
    texts += [mark * count for mark in random_text.QUOTES for count in range(70)]
    assert streamliner_udf.straighten_quotes(texts) == [reference.straighten_quotes(text) for text in texts]


def test_every_pair() -> None:
    marks = [*random_text.QUOTES, "\0", "a", "", "é", "😀"]
    texts = [first + inner + last for first, inner, last in itertools.product(marks, ["", "x", "日本語 text"], marks)]
    unquoted = streamliner_udf.unquote(texts)
    for text, got in zip(texts, unquoted, strict=True):
        assert got == reference.unquote(text), ascii(text)
        assert got in (text, text[1:-1])
