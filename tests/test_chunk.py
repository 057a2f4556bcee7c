"""What chunks promise, of random texts, of prose, and of texts that are hard to cut."""

from __future__ import annotations

import itertools
import random
import unicodedata
from collections.abc import Sequence

import pytest
import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference
from streamliner_udf.reference.chunk import _BREAK, _continues
from streamliner_udf.types import Chunk

SIZES = ((1, 0), (2, 1), (7, 3), (20, 0), (20, 19), (100, 25), (800, 200))

PROSE = (
    "It was late. The ducks had gone to bed, all but one; she sat by the pond and counted the stars.\n\n"
    "“How many?” asked the moon. “Too many!” said the duck. “I lose count at 1,024, e.g. whenever a cloud comes by...”\n"
    "The moon laughed (it does that, sometimes).\n\n"
    "Ducks don't need sleep as we do: half of the brain rests, and the other half keeps watch. See "
    "https://example.org/sleep/of/water-birds?page=3&lang=en#half-a-brain for more than you want to know.\n\n"
    "Era tarde. Os patos já dormiam. «Quantas?», perguntou a lua. — Muitas! — disse a pata.\n"
    "夜遅く、あひるは池のほとりで星を数えていた。「いくつ？」と月が聞いた。「たくさん！」\n\n"
    "Было поздно. Утки спали. «Сколько их?» — спросила луна.\n\n"
) * 4


def chunk(texts: Sequence[str], max_chars: int, overlap: int) -> list[list[Chunk]]:
    return streamliner_udf.chunk_text(list(texts), max_chars, overlap)


def check(text: str, chunks: list[Chunk], max_chars: int, overlap: int) -> None:
    covered = 0
    before: Chunk | None = None
    for number, piece in enumerate(chunks):
        start, stop = piece["start"], piece["stop"]
        assert piece["idx"] == number
        assert piece["text"] == text[start:stop]
        assert 0 < stop - start <= max_chars
        assert not text[start].isspace()
        assert not text[stop - 1].isspace()
        assert not text[covered:start].strip(), "text between chunks"
        if before:
            assert before["start"] < start
            assert before["stop"] < stop
            assert before["stop"] - start <= overlap
        covered, before = stop, piece
    assert not text[covered:].strip(), "text behind the last chunk"


def words(text: str) -> list[tuple[int, int]]:
    """Where words start and stop, by the definition of the specification."""
    stripped = text.rstrip()
    start = len(text) - len(text.lstrip())
    found = []
    for match in _BREAK.finditer(text, start, len(stripped)):
        found.append((start, match.start()))
        start = match.end()
    return [*found, (start, len(stripped))] if stripped else []


def test_laws_of_random_texts(rng: random.Random) -> None:
    texts = random_text.texts(rng, 400 * SCALE)
    for max_chars, overlap in SIZES:
        for text, chunks in zip(texts, chunk(texts, max_chars, overlap), strict=True):
            check(text, chunks, max_chars, overlap)


def test_only_a_word_longer_than_a_chunk_is_cut(rng: random.Random) -> None:
    texts = [*random_text.texts(rng, 200 * SCALE), PROSE]
    for max_chars, overlap in SIZES:
        for text, chunks in zip(texts, chunk(texts, max_chars, overlap), strict=True):
            found = words(text)
            starts, stops = {start for start, _ in found}, {stop for _, stop in found}
            long = [(start, stop) for start, stop in found if stop - start > max_chars]
            for piece in chunks:
                for at, ends in ((piece["start"], starts), (piece["stop"], stops)):
                    assert at in ends or any(start < at < stop for start, stop in long), (ascii(text), piece)


def test_an_overlap_begins_at_a_word(rng: random.Random) -> None:
    """And as early as the limit allows, unless the next word would have no room."""
    for max_chars, overlap in ((40, 15), (100, 30), (800, 200)):
        [chunks] = chunk([PROSE], max_chars, overlap)
        found = words(PROSE)
        assert len(chunks) > 3
        for piece, following in itertools.pairwise(chunks):
            at = next((i for i, word in enumerate(found) if word[1] == piece["stop"]), None)
            if at is None:
                continue  # a cut within a long address
            new = found[at + 1]
            if new[1] - new[0] > max_chars:
                assert following["start"] == new[0]
                continue
            earliest = max(piece["stop"] - overlap, new[1] - max_chars, piece["start"] + 1)
            assert following["start"] == min(start for start, _ in found if start >= earliest)


def test_prose_is_broken_at_paragraphs_then_sentences() -> None:
    text = "\n\n".join(["A short paragraph. It has two sentences here."] * 20)
    [chunks] = chunk([text], 100, 0)
    assert {piece["text"] for piece in chunks} == {"\n\n".join(["A short paragraph. It has two sentences here."] * 2)}
    [chunks] = chunk(["One sentence of some length is this one. " * 40], 100, 0)
    assert {piece["text"] for piece in chunks} == {" ".join(["One sentence of some length is this one."] * 2)}
    [chunks] = chunk(["a line without any stop at its end\n" * 40], 100, 0)
    assert {piece["text"] for piece in chunks} == {"\n".join(["a line without any stop at its end"] * 2)}


def test_text_without_spaces_overlaps_by_the_limit() -> None:
    for letter in "xиไ😀":
        [chunks] = chunk([letter * 1000], 100, 30)
        assert [(piece["start"], piece["stop"]) for piece in chunks] == [
            (70 * i, min(70 * i + 100, 1000)) for i in range(14)
        ]
    [chunks] = chunk(["漢" * 1000], 100, 30)
    assert [piece["start"] for piece in chunks] == [70 * i for i in range(14)]


def test_no_cut_before_a_mark(rng: random.Random) -> None:
    """Nor within an emoji, as long as a chunk has room for it beyond its overlap."""
    joined = "👩\u200d👩\u200d👧\u200d👦"
    for _ in range(100 * SCALE):
        letters = [
            rng.choice("aé漢👩") + "".join(rng.choices("\u0301\u0323🏽\ufe0f", k=rng.randint(0, 3))) for _ in range(60)
        ]
        for text in ("".join(letters), "".join(joined if rng.random() < 0.2 else letter for letter in letters)):
            for max_chars, overlap in ((8, 0), (12, 4), (30, 10)):
                [chunks] = chunk([text], max_chars, overlap)
                check(text, chunks, max_chars, overlap)
                for piece in chunks:
                    assert not unicodedata.combining(text[piece["start"]])
                    for at in (piece["start"], piece["stop"]):
                        # An ideograph behind a joiner is a word all the same.
                        assert at in (0, len(text)) or not _continues(text, at) or text[at] == "漢"


@pytest.mark.parametrize(
    "options", [(0,), (-1, -2), (10, -1), (10, 10), (10, 11), (200,), (2**40, 2**40)], ids=lambda options: str(options)
)
def test_bad_options(options: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^chunk_text: expected (max_chars|overlap) .*, got -?\d+$"):
        streamliner_udf.chunk_text("text", *options)
    with pytest.raises(ValueError, match=r"^chunk_text: expected (max_chars|overlap) .*, got -?\d+$"):
        reference.chunk_text("text", *options)


def test_numbers_above_any_text() -> None:
    assert streamliner_udf.chunk_text(PROSE, 2**62, 2**61) == reference.chunk_text(PROSE, 2**62, 2**61)
    assert len(streamliner_udf.chunk_text(PROSE, 2**62, 2**62 - 1)) == 1
