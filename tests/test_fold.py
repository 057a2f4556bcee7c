"""Search keys: the same for all spellings of a text, and composed right whatever stood between."""

from __future__ import annotations

import random
import unicodedata

import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference

POINTS = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
# What the last step of a key may compose: vowel signs and letters of class 0, jamo, syllables, and marks that go.
JOINING = [
    *(c for c in POINTS if unicodedata.category(c)[0] == "M" and not unicodedata.combining(c)),
    *map(chr, (*range(0x1100, 0x1200), *range(0x3131, 0x318F), 0xAC00, 0xAC01, 0xD7A3)),
    *"\u0300\u0301\u0327\u0345\u3099\u094d",
]


def keys(texts: list[str]) -> list[str]:
    found: list[str] = streamliner_udf.fold(texts)
    return found


def test_every_code_point_and_the_key_of_its_key() -> None:
    once = keys(POINTS)
    assert keys(once) == once
    for point, key in zip(POINTS, once, strict=True):
        assert key == reference.fold(point), ascii(point)


def test_equivalent_texts_have_one_key(rng: random.Random) -> None:
    texts = random_text.texts(rng, 500 * SCALE)
    wanted = keys(texts)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        other = [unicodedata.normalize(form, text) for text in texts]  # type: ignore[arg-type,unused-ignore]
        for text, a, b in zip(texts, keys(other), wanted, strict=True):
            assert a == b, (form, ascii(text))
    for text, a, b in zip(texts, keys([text.casefold() for text in texts]), wanted, strict=True):
        assert a == b, ascii(text)


def test_what_may_compose(rng: random.Random) -> None:
    texts = ["".join(rng.choices(JOINING, k=rng.randint(1, 6))) for _ in range(5000 * SCALE)]
    texts += ["".join(rng.choices([*JOINING, "a", "B", "é", "語"], k=100)) for _ in range(200 * SCALE)]
    for text, key in zip(texts, keys(texts), strict=True):
        assert key == reference.fold(text), ascii(text)


def test_letters_at_every_place() -> None:
    """Steps of 16 and 64 bytes end before, inside and behind each of them."""
    for letter in ("A", "é", "ß", "ﬁ", "½", "ﷺ", "\u0301", "語", "한", "\u11a8", "가", "😀", "𝐀", "Ж"):
        texts = ["x" * before + letter + "Y" * after for before in range(70) for after in (0, 1, 17, 64)]
        texts += [letter * count for count in range(1, 140)]
        assert keys(texts) == [reference.fold(text) for text in texts], letter


def test_no_mark_and_no_capital_is_left(rng: random.Random) -> None:
    for key in keys(random_text.texts(rng, 500 * SCALE)):
        assert key == unicodedata.normalize("NFKC", key)
        assert not any(unicodedata.combining(c) for c in unicodedata.normalize("NFKD", key))
        assert key.isascii() <= (key == key.lower())
