"""Sketches: estimates within the error that theory gives them, every white space, texts of any length."""

from __future__ import annotations

import itertools
import math
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference

WORDS = [first + last for first in ("ba", "ce", "di", "fo", "gu", "ha", "ke", "lo") for last in "nrstlmxzvp"]
PROSE = (
    "The harbour was quiet when the last ferry came in, and only the gulls seemed to notice. A boy with a red bicycle "
    "waited at the end of the pier, counting the lamps along the shore. His grandmother had told him that every lamp "
    "belonged to somebody who was away at sea, and that none of them would be put out before morning. He did not quite "
    "believe it, but he counted all the same: twelve to the left of the church, nine to the right, and one far out, "
    "where there should have been nothing but water."
)
OTHER = (
    "Invoices are due within thirty days of delivery unless another date has been set in writing. Late payment costs "
    "interest at the rate published by the central bank, plus two points. Please quote the number printed at the top "
    "right of this page on every transfer, and send questions about single items to the accounts office by mail; calls "
    "are taken on weekdays from ten until noon. Goods remain our property until they have been paid for in full."
)


def compiled(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(streamliner_udf, name)
    return function


# ---- MinHash -------------------------------------------------------------------------------------------------------


def shingles(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def changed_texts(rng: random.Random, count: int, words: int) -> list[tuple[str, str]]:
    """Pairs of texts, the second with runs of words of its own: from nearly equal to nearly strangers."""
    pairs = []
    for _ in range(count):
        a = rng.choices(WORDS, k=words)
        b = list(a)
        for _ in range(rng.randint(0, words // 6)):
            at = rng.randrange(words)
            b[at : at + 2] = rng.choices(WORDS, k=rng.randint(0, 3))
        pairs.append((" ".join(a), " ".join(b)))
    return pairs


@pytest.mark.parametrize(
    ("num_hashes", "ngram_size", "words"), [(64, 5, 60), (128, 3, 20), (512, 2, 100), (128, 1, 40)]
)
def test_estimates_are_as_good_as_theory(num_hashes: int, ngram_size: int, words: int) -> None:
    """3,000 pairs: no bias, and the root of the mean square error is that of independent hash functions."""
    pairs = changed_texts(random.Random(f"{num_hashes} {ngram_size}"), 3000, words)
    left, right = [
        compiled("minhash")(column, num_hashes, ngram_size) for column in map(list, zip(*pairs, strict=True))
    ]
    estimates = compiled("minhash_similarity")(left, right)
    truth = []
    for a, b in pairs:
        x, y = shingles(a, ngram_size), shingles(b, ngram_size)
        truth.append(len(x & y) / len(x | y))
    assert 0.2 < sum(truth) / len(truth) < 0.9
    variance = sum(j * (1 - j) / num_hashes for j in truth) / len(truth)
    error = math.sqrt(sum((j - e) ** 2 for j, e in zip(truth, estimates, strict=True)) / len(truth))
    bias = sum(e - j for j, e in zip(truth, estimates, strict=True)) / len(truth)
    assert abs(bias) < 4 * math.sqrt(variance / len(truth))
    assert 0.93 < error / math.sqrt(variance) < 1.07


def test_numbered_words() -> None:
    """Words that differ in one digit, as single words: the structure of their hashes must not show."""
    texts = [" ".join(f"word{i:06d}" for i in range(start, start + 100)) for start in range(0, 20000, 50)]
    signatures = compiled("minhash")(texts, 128, 1)
    estimates = compiled("minhash_similarity")(signatures[1:], signatures[:-1])
    assert abs(sum(estimates) / len(estimates) - 1 / 3) < 4 * math.sqrt(1 / 3 * 2 / 3 / 128 / len(estimates))
    assert sum(compiled("minhash_similarity")(signatures[2:], signatures[:-2])) == 0


def test_texts_without_words() -> None:
    minhash, similarity = compiled("minhash"), compiled("minhash_similarity")
    assert similarity(minhash(""), minhash(" \u2003\n")) == 1
    assert similarity(minhash(""), minhash("word")) == 0
    assert minhash("") == [2**32 - 1] * 128


def test_fewer_hashes_begin_more() -> None:
    most = compiled("minhash")(PROSE, 4096)
    assert most == reference.minhash(PROSE, 4096)
    for count in (1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129, 4095):
        assert compiled("minhash")(PROSE, count) == most[:count]


def test_every_white_space() -> None:
    """At each place around the ends of the blocks in which the kernel reads, all of Unicode's and no other."""
    spaces = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace()]
    assert len(spaces) == 29
    near = [chr(ord(c) + step) for c in spaces for step in (-1, 1) if not chr(ord(c) + step).isspace()]
    texts = [
        "x" * at + c + "y" * behind for c in spaces + near for at in (0, 1, *range(58, 67)) for behind in (0, 1, 70)
    ]
    texts += [first + "a" + second * 2 + "b" for first in spaces for second in spaces]
    assert compiled("minhash")(texts, 2, 1) == [reference.minhash(text, 2, 1) for text in texts]


@pytest.mark.parametrize("ngram_size", [1, 2, 5, 63, 64])
def test_any_length(ngram_size: int, rng: random.Random) -> None:
    """As many words and letters as fill the kernel's pieces, one more and one less; words of all lengths."""
    texts = [
        " ".join(rng.choices(WORDS, k=count)) for count in (1, 63, 64, 65, 191, 192, 193, 255, 256, 257, 319, 320, 700)
    ]
    texts += [" " * before + "é" * count + " z" for count in range(40) for before in (0, 1, 61)]
    texts += ["a " * count for count in (31, 32, 33, 222, 223, 224, 255, 256, 257, 300)]
    assert compiled("minhash")(texts, 3, ngram_size) == [reference.minhash(text, 3, ngram_size) for text in texts]
    texts += [rng.choice("aé語") * count for count in (252, 255, 256, 257, 259, 260, 319, 320, 321)]
    assert compiled("simhash")(texts, ngram_size) == [reference.simhash(text, ngram_size) for text in texts]


def test_words_at_the_ends_of_texts(rng: random.Random) -> None:
    """Texts shorter than eight bytes, of a block or two, one more and one less; words of every length in them."""
    texts = ["", *("abcdefg"[:count] for count in range(1, 8)), "a b", "a b c d", " a", "a ", "é", "é é", "語 語"]
    for length in (7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 192):
        texts += ["a" * (length - last - 1) + " " + "b" * last for last in range(length)]
        texts += ["".join(rng.choices("abé \t\u3000\xa0", k=length)) for _ in range(20)]
        texts += ["".join(rng.choices("ab ", k=length)) for _ in range(20)]
    assert compiled("minhash")(texts, 3, 1) == [reference.minhash(text, 3, 1) for text in texts]
    assert compiled("minhash")(texts, 3, 3) == [reference.minhash(text, 3, 3) for text in texts]


def test_seeds_are_other_functions() -> None:
    """Signatures of two seeds agree nowhere; those of one seed, negative or not, are what the specification says."""
    texts = [PROSE, OTHER]
    for seed in (0, 2, -1, 2**63 - 1, -(2**63)):
        signatures = compiled("minhash")(texts, 128, 3, seed)
        assert signatures == [reference.minhash(text, 128, 3, seed) for text in texts]
        assert set(map(tuple, signatures)).isdisjoint(map(tuple, compiled("minhash")(texts, 128, 3, 1)))


def test_bands_find_what_is_similar() -> None:
    """The share of pairs with a common band, by similarity, is 1 - (1 - s**rows)**bands."""
    pairs = changed_texts(random.Random(7), 3000, 40)
    signatures = [compiled("minhash")(column, 128, 2) for column in map(list, zip(*pairs, strict=True))]
    bands, rows = 32, 4
    a, b = ([compiled("minhash_bands")(signature, bands) for signature in column] for column in signatures)
    found = [not set(x).isdisjoint(y) for x, y in zip(a, b, strict=True)]
    truth = []
    for x, y in ((shingles(a, 2), shingles(b, 2)) for a, b in pairs):
        truth.append(1 - (1 - (len(x & y) / len(x | y)) ** rows) ** bands)
    variance = sum(p * (1 - p) for p in truth)
    assert abs(sum(found) - sum(truth)) < 5 * math.sqrt(variance) + 10
    # No band of one number equals one of another, though all the texts' bands stand in one column.
    assert all(set(x[:16]).isdisjoint(y[16:]) for x in a[:200] for y in b[:200])


# ---- SimHash -------------------------------------------------------------------------------------------------------


def perturbed(rng: random.Random, text: str, edits: int) -> str:
    """Some letters replaced, put in or taken out."""
    letters = list(text)
    for _ in range(edits):
        at = rng.randrange(len(letters))
        letters[at : at + rng.randint(0, 1)] = rng.choices("abcdefghijklmnopqrstuvwxyz ", k=rng.randint(0, 1))
    return "".join(letters)


def test_similar_texts_are_near() -> None:
    """The distance grows with the edits, and stays far below that of strangers."""
    rng = random.Random(3)
    simhash = compiled("simhash")

    def distance(a: str, b: str) -> int:
        return int(simhash(a) ^ simhash(b)).bit_count()

    means = []
    for edits in (1, 4, 16, 64):
        distances = [distance(text, perturbed(rng, text, edits)) for text in (PROSE, OTHER) for _ in range(200)]
        means.append(sum(distances) / len(distances))
        if edits <= 4:
            assert max(distances) < distance(PROSE, OTHER)
    assert means == sorted(means)
    assert means[0] < 3
    assert means[1] < 8
    assert means[-1] < 26


def test_strangers_differ_in_half_of_the_bits() -> None:
    rng = random.Random(4)
    texts = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=200)) for _ in range(400)]
    hashes = compiled("simhash")(texts)
    distances = [(a ^ b).bit_count() for a, b in itertools.pairwise(hashes)]
    assert abs(sum(distances) / len(distances) - 32) < 4 * 4 / math.sqrt(len(distances))
    for bit in range(64):
        assert 100 < sum(value >> bit & 1 for value in hashes) < 300


# ---- pseudonyms ----------------------------------------------------------------------------------------------------


def test_pseudonyms_of_every_length(rng: random.Random) -> None:
    """Texts and keys around the ends of the blocks of the hash."""
    texts = ["é" * (count % 2) + "x" * (count - count % 2 * 2) for count in range(2, 200 * SCALE)]
    for length in (1, 63, 64, 65, 200):
        key = "".join(rng.choices("abcé語", k=length))
        assert compiled("pseudonym")(texts, key) == [reference.pseudonym(text, key) for text in texts]
