"""Similarity of two texts from 0 to 100, as RapidFuzz has it."""

from __future__ import annotations

__all__ = ["partial_ratio", "ratio", "token_set_ratio", "token_sort_ratio"]


def ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """Similarity of two texts, 0 to 100.

    Parameters
    ----------
    a : text
        Any text.
    b : text
        Any text.
    cutoff : real, default 0
        The least similarity that matters, at least 0.

    Returns
    -------
    real
        100 * (1 - d / (len(a) + len(b))), where d is the least number of code points that have to be inserted or
        deleted to make one text the other; 0 if that is below `cutoff`, and so for every `cutoff` above 100. Two empty
        texts are alike, 100. Equal to `rapidfuzz.fuzz.ratio`, bit for bit.

    Nulls : NULL in, NULL out.
    Errors : an error if cutoff is below 0 or not a number.
    Cost : O(len(a) * len(b) / 64): two long texts take long.
    Source : RapidFuzz 3.14, fuzz.ratio; Hyyrö 2004, "Bit-parallel LCS-length computation revisited".

    Examples
    --------
    >>> ratio("this is a test", "this is a test!")
    96.55172413793103
    >>> ratio("this is a test", "this is a test!", 97)
    0.0
    >>> ratio("José", "Jose")
    75.0
    >>> ratio("", "")
    100.0
    """
    _check("ratio", cutoff)
    return _kept(_similarity(a, b), cutoff)


def partial_ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """Similarity of the shorter text and the part of the longer one that is most like it, 0 to 100.

    Parameters
    ----------
    a : text
        Any text.
    b : text
        Any text.
    cutoff : real, default 0
        The least similarity that matters, at least 0.

    Returns
    -------
    real
        The highest `ratio` of the shorter text and a part of the longer one: any part as long as the shorter text, and
        any shorter beginning or end. Of texts of equal length, each is the shorter one in turn. 0 if that is below
        `cutoff`; two empty texts are alike, 100, and one empty text is like no part of another, 0. Equal to
        `rapidfuzz.fuzz.partial_ratio`, bit for bit.

    Nulls : NULL in, NULL out.
    Errors : an error if cutoff is below 0 or not a number.
    Cost : O(longer * shorter * shorter / 64) at worst, and O(longer * shorter / 8) for a shorter text of at most 64
    code
        points; most parts are ruled out by their letters before that. Long texts take very long.
    Source : RapidFuzz 3.14, fuzz.partial_ratio.

    Examples
    --------
    >>> partial_ratio("fuzzy", "a fuzzy bear")
    100.0
    >>> partial_ratio("abc", "abd")
    80.0
    >>> partial_ratio("abc", "")
    0.0
    """
    _check("partial_ratio", cutoff)
    if cutoff > 100:
        return 0.0
    if not a or not b:
        return 100.0 if a == b else 0.0
    best = 0.0
    for shorter, longer in ((a, b), (b, a)):
        size, last = len(shorter), len(longer) - len(shorter)
        for start in range(last):
            similarity = 100 * _similarity(shorter, longer[start : start + size])
            if similarity >= cutoff:
                best = max(best, similarity)
        # RapidFuzz divides the cutoff here, as `ratio` does, and multiplies the similarity above: that rounds
        # differently.
        edges = [longer[:stop] for stop in range(1, size)] + [longer[start:] for start in range(last, last + size)]
        for part in edges if last >= 0 else []:
            best = max(best, _kept(_similarity(shorter, part), cutoff))
    return best


def token_sort_ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """Similarity of two texts with their words in order, 0 to 100.

    Parameters
    ----------
    a : text
        Any text.
    b : text
        Any text.
    cutoff : real, default 0
        The least similarity that matters, at least 0.

    Returns
    -------
    real
        The `ratio` of both texts after their words, which are what Unicode white space separates, have been sorted by
        code points and joined with single spaces; 0 if that is below `cutoff`. Equal to
        `rapidfuzz.fuzz.token_sort_ratio`, bit for bit, with one exception: RapidFuzz's compiled code overlooks U+0085
        and U+00A0 in texts without a code point above U+00FF, here they separate words always, as in `str.split`.

    Nulls : NULL in, NULL out.
    Errors : an error if cutoff is below 0 or not a number.
    Cost : O(len(a) * len(b) / 64): two long texts take long.
    Source : RapidFuzz 3.14, fuzz.token_sort_ratio.

    Examples
    --------
    >>> token_sort_ratio("fuzzy wuzzy was a bear", "wuzzy fuzzy  was a bear")
    100.0
    >>> token_sort_ratio("", " ")
    100.0
    """
    _check("token_sort_ratio", cutoff)
    return _kept(_similarity(" ".join(sorted(a.split())), " ".join(sorted(b.split()))), cutoff)


def token_set_ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """Similarity of two texts by the words they share and the words they do not, 0 to 100.

    Parameters
    ----------
    a : text
        Any text.
    b : text
        Any text.
    cutoff : real, default 0
        The least similarity that matters, at least 0.

    Returns
    -------
    real
        Of the sets of words, sorted and joined with single spaces, the words in both (B), those in both followed by
        those in `a` alone (A) and those in both followed by those in `b` alone (C): the highest of the similarities of
        A with C, B with A and B with C; 0 if that is below `cutoff`. The similarity of A with C takes what B adds as
        equal. 100 if the words of one text are all in the other, 0 if a text has no words. Equal to
        `rapidfuzz.fuzz.token_set_ratio`, bit for bit; white space as in `token_sort_ratio`.

    Nulls : NULL in, NULL out.
    Errors : an error if cutoff is below 0 or not a number.
    Cost : O(len(a) * len(b) / 64): two long texts take long.
    Source : RapidFuzz 3.14, fuzz.token_set_ratio.

    Examples
    --------
    >>> token_set_ratio("fuzzy was a bear", "fuzzy fuzzy was a bear")
    100.0
    >>> token_set_ratio("fuzzy was a bear but not a dog", "fuzzy was a bear but not a cat")
    92.3076923076923
    >>> token_set_ratio("", "")
    0.0
    """
    _check("token_set_ratio", cutoff)
    words_a, words_b = set(a.split()), set(b.split())
    if cutoff > 100 or not words_a or not words_b:
        return 0.0
    both, only_a, only_b = words_a & words_b, words_a - words_b, words_b - words_a
    if both and not (only_a and only_b):
        return 100.0
    rest_a, rest_b = " ".join(sorted(only_a)), " ".join(sorted(only_b))
    shared = len(" ".join(both))
    space = 1 if both else 0
    with_a, with_b = shared + space + len(rest_a), shared + space + len(rest_b)
    similarities = [_percent(_indel_distance(rest_a, rest_b), with_a + with_b)]
    if both:
        similarities.append(_percent(space + len(rest_a), shared + with_a))
        similarities.append(_percent(space + len(rest_b), shared + with_b))
    best = max(similarities)
    return best if best >= cutoff else 0.0


def _check(name: str, cutoff: float) -> None:
    if not cutoff >= 0:
        raise ValueError(f"{name}: expected cutoff >= 0, got {cutoff:g}")


def _kept(similarity: float, cutoff: float) -> float:
    """A similarity from 0 to 1 as one from 0 to 100, or 0."""
    return similarity * 100 if similarity >= cutoff / 100 else 0.0


def _similarity(a: str, b: str) -> float:
    """From 0 to 1, rounded where RapidFuzz rounds."""
    length = len(a) + len(b)
    return 1.0 - _indel_distance(a, b) / length if length else 1.0


def _percent(distance: int, length: int) -> float:
    """The same from 0 to 100 as the ratio of sets rounds it."""
    return 100.0 - 100.0 * distance / length


def _indel_distance(a: str, b: str) -> int:
    return len(a) + len(b) - 2 * _common(a, b)


def _common(a: str, b: str) -> int:
    """Length of the longest common subsequence.

    In the table of these lengths for the beginnings of both texts, a column for each code point of b, the value grows
    by one or not at all from row to row: `same` has a bit for each row where it does not. An addition moves the growth
    in each run of such rows up to the first row that holds the letter.
    """
    places: dict[str, int] = {}
    for row, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << row
    rows = (1 << len(a)) - 1
    same = rows
    for letter in b:
        found = same & places.get(letter, 0)
        same = ((same + found) | (same - found)) & rows
    return len(a) - same.bit_count()
