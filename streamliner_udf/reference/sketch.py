"""Sketches: short stand-ins for texts from which their similarity can be estimated.

All arithmetic is on whole numbers modulo 2**64, so that every value can be recomputed by hand. The constants are those
of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195).
"""

from __future__ import annotations

__all__ = ["minhash", "minhash_bands", "minhash_similarity", "simhash"]

MOST_HASHES = 4096
LONGEST_NGRAM = 64
WORD = 2**64  # numbers are taken modulo this
NOTHING = 2**32 - 1  # in each place of the signature of a text without words
STEP = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB


def _mix(number: int) -> int:
    """Spreads every bit of a 64-bit number over all of them: the output function of SplitMix64."""
    number = (number ^ number >> 30) * FIRST % WORD
    number = (number ^ number >> 27) * SECOND % WORD
    return number ^ number >> 31


def _fold(start: int, numbers: list[int]) -> int:
    """A hash of some 64-bit numbers in their order."""
    folded = start * STEP % WORD
    for number in numbers:
        folded = (folded ^ number) * FIRST % WORD
        folded ^= folded >> 32
    return folded


def _join(hashes: list[int]) -> int:
    """A hash of an n-gram out of those of its members, a polynomial, so that the next n-gram is two steps away."""
    joined = 0
    for value in hashes:
        joined = (joined * STEP + value) % WORD
    return joined


def _ngrams(members: list[int], size: int) -> list[list[int]]:
    """All runs of so many members; of fewer, the one run of all of them; of none, none."""
    if not members:
        return []
    return [members[start : start + size] for start in range(max(1, len(members) - size + 1))]


def _word(word: str) -> int:
    """A hash of the UTF-8 bytes of a word, eight of them (the first lowest) a number."""
    data = word.encode()
    return _fold(len(data), [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)])


def _check(function: str, name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise ValueError(f"{function}: expected {name} from 1 to {most}, got {value}")


def minhash(text: str, num_hashes: int = 128, ngram_size: int = 3, seed: int = 1) -> list[int]:
    """MinHash signature of the word n-grams of a text, for an estimate of the share that two texts have in common.

    Parameters
    ----------
    text : text
        Any text. Words are what Python's `str.split` gives: separated by Unicode white space, with their punctuation
        and case. Fold the text first (`fold`, `clean_text`) where those should not count.
    num_hashes : integer, default 128
        Length of the signature, 1 to 4096. The standard error of an estimate is sqrt(J (1 - J) / num_hashes).
    ngram_size : integer, default 3
        Words in an n-gram, 1 to 64.
    seed : integer, default 1
        Chooses the hash functions. Only signatures of equal seed and ngram_size can be compared.

    Returns
    -------
    list of natural
        Value i is the least of (a h + b) mod 2**32 over the n-grams' hashes h, where r is output i of SplitMix64
        started at seed, a is the upper half of r made odd, b its lower half. A text with fewer words than ngram_size
        has one n-gram of them all. Without any word every value is 2**32 - 1: texts without words are equal to each
        other and to no other.
        The signature with fewer hashes is the beginning of that with more.

        A word's hash: x = bytes * 0x9E3779B97F4A7C15, then for each eight bytes of its UTF-8 as a little-endian number
        d (zeros behind the last): x = (x ^ d) * 0xBF58476D1CE4E5B9, x = x ^ x >> 32, all mod 2**64. The n-gram's: from
        y = 0, y = y * 0x9E3779B97F4A7C15 + x for each of its words; h is the upper half of SplitMix64's output
        function of y.

    Nulls : NULL in, NULL out.
    Errors : num_hashes outside 1 to 4096, ngram_size outside 1 to 64.
    Cost : O(len(text) + words * num_hashes).
    Source : Broder 1997, doi:10.1109/SEQUEN.1997.666900; Steele, Lea and Flood 2014 (SplitMix64).

    Examples
    --------
    >>> minhash("see you at the station", 3)
    [1455449238, 247014807, 180100145]
    >>> minhash("  see you at\\nthe station ", 2)
    [1455449238, 247014807]
    >>> minhash(" ", 2)
    [4294967295, 4294967295]
    """
    _check("minhash", "num_hashes", num_hashes, MOST_HASHES)
    _check("minhash", "ngram_size", ngram_size, LONGEST_NGRAM)
    shingles = {_mix(_join(ngram)) >> 32 for ngram in _ngrams([_word(word) for word in text.split()], ngram_size)}
    signature = []
    for place in range(1, num_hashes + 1):
        chosen = _mix((seed + place * STEP) % WORD)
        a, b = chosen >> 32 | 1, chosen % 2**32
        signature.append(min(((a * shingle + b) % 2**32 for shingle in shingles), default=NOTHING))
    return signature


def minhash_similarity(a: list[int], b: list[int]) -> float:
    """Estimated Jaccard similarity of the texts of two MinHash signatures.

    Parameters
    ----------
    a : list of natural
        A signature of `minhash`.
    b : list of natural
        Another, made with the same num_hashes, ngram_size and seed.

    Returns
    -------
    real
        The share of places in which both are equal, 0 to 1. It estimates without bias what share of all
        n-grams of two texts is in both.

    Nulls : NULL in, NULL out; also if one of the numbers is NULL.
    Errors : signatures of unequal length, and empty ones.
    Cost : O(len(a)).
    Source : Broder 1997, doi:10.1109/SEQUEN.1997.666900.

    Examples
    --------
    >>> minhash_similarity([1, 2, 3, 4], [1, 2, 3, 5])
    0.75
    >>> minhash_similarity(minhash("Ana has a cat"), minhash("Ana has a cat"))
    1.0
    """
    if len(a) != len(b):
        raise ValueError(f"minhash_similarity: expected signatures of equal length, got {len(a)} and {len(b)}")
    if not a:
        raise ValueError("minhash_similarity: expected signatures of one number or more, got 0 and 0")
    return sum(x == y for x, y in zip(a, b, strict=True)) / len(a)


def minhash_bands(signature: list[int], bands: int) -> list[int]:
    """Hashes of the bands of a MinHash signature: texts that share one are worth comparing.

    Parameters
    ----------
    signature : list of natural
        A signature of `minhash`.
    bands : integer
        How many bands, each of len(signature) / bands numbers. Two texts of similarity s share at least one with
        probability 1 - (1 - s**rows) ** bands, where rows is that quotient.

    Returns
    -------
    list of natural
        One hash a band. The number of the band is hashed too, so the hashes of all bands can stand in one column and be
        joined: no hash of one band equals a hash of another but by chance, which is about 2**-64 a pair.

        From x = rows * 0x9E3779B97F4A7C15: for the band's number (from 0) and then each of its numbers d,
        x = (x ^ d) * 0xBF58476D1CE4E5B9, x = x ^ x >> 32, all mod 2**64.

    Nulls : NULL in, NULL out; also if one of the numbers is NULL.
    Errors : bands outside 1 to 4096, an empty signature, and one whose length is no multiple of bands.
    Cost : O(len(signature)).
    Source : Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.

    Examples
    --------
    >>> a, b = minhash_bands([7, 8, 9, 4], 2), minhash_bands([7, 8, 9, 5], 2)
    >>> a[0] == b[0], a[1] == b[1]
    (True, False)
    >>> minhash_bands([7, 7], 2)
    [10716664701047583546, 804385296538317358]
    """
    _check("minhash_bands", "bands", bands, MOST_HASHES)
    if not signature or len(signature) % bands:
        raise ValueError(
            f"minhash_bands: expected a signature whose length is a multiple of {bands} bands, got {len(signature)}"
        )
    rows = len(signature) // bands
    return [_fold(rows, [band, *signature[band * rows : (band + 1) * rows]]) for band in range(bands)]


def simhash(text: str, ngram_size: int = 4) -> int:
    """SimHash of the character n-grams of a text: similar texts differ in few of its 64 bits.

    Parameters
    ----------
    text : text
        Any text. Case, punctuation and white space count; fold the text first (`fold`, `clean_text`) where they should
        not.
    ngram_size : integer, default 4
        Code points in an n-gram, 1 to 64.

    Returns
    -------
    natural
        Bit i is set if it is set in the hashes of more than half of the n-grams, each counted as often as it occurs. A
        text shorter than ngram_size has one n-gram, all of it; of the empty text no bit is set. In SQL the distance of
        two texts is `bit_count(xor(a, b))`, 0 to 64: near 32 for strangers.

        The n-gram's hash: from y = 0, y = (y * 0x9E3779B97F4A7C15 + c + 1) mod 2**64 for each of its code points c,
        then the output function of SplitMix64.

    Nulls : NULL in, NULL out.
    Errors : ngram_size outside 1 to 64.
    Cost : O(len(text)).
    Source : Charikar 2002, doi:10.1145/509907.509965; Steele, Lea and Flood 2014 (SplitMix64).

    Examples
    --------
    >>> near = simhash("we meet at the station at nine") ^ simhash("we meet at the station at ten")
    >>> near.bit_count() < 20
    True
    >>> simhash("")
    0
    """
    _check("simhash", "ngram_size", ngram_size, LONGEST_NGRAM)
    hashes = [_mix(_join(ngram)) for ngram in _ngrams([ord(character) + 1 for character in text], ngram_size)]
    return sum(1 << bit for bit in range(64) if 2 * sum(value >> bit & 1 for value in hashes) > len(hashes))
