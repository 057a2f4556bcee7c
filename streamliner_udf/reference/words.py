"""Words, by the boundaries that Unicode defines."""

from __future__ import annotations

import bisect
import functools
import itertools

from streamliner_udf.reference._word_break import RANGES

__all__ = ["count_words"]


def _spans(ranges: str) -> list[tuple[int, int]]:
    spans = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        spans.append((int(first, 16), int(last or first, 16)))
    return spans


_SPANS = {name: _spans(ranges) for name, ranges in RANGES.items()}
# Properties of their own, and no values of Word_Break.
_PICTOGRAPHIC, _LETTER_OR_DIGIT = _SPANS.pop("Extended_Pictographic"), _SPANS.pop("Letter_Or_Digit")
_WORD_BREAK = sorted((first, last, name) for name, spans in _SPANS.items() for first, last in spans)


def _within(c: str, spans: list[tuple[int, int]]) -> bool:
    at = bisect.bisect_right(spans, (ord(c), 0x110000)) - 1
    return at >= 0 and ord(c) <= spans[at][1]


@functools.cache
def _word_break(c: str) -> str:
    at = bisect.bisect_right(_WORD_BREAK, (ord(c), 0x110000, "")) - 1
    return _WORD_BREAK[at][2] if at >= 0 and ord(c) <= _WORD_BREAK[at][1] else "Other"


@functools.cache
def _is_letter_or_digit(c: str) -> bool:
    return _within(c, _LETTER_OR_DIGIT)


_NEWLINES = {"CR", "LF", "Newline"}
_PASSED_OVER = {"Extend", "Format", "ZWJ"}
_LETTERS = {"ALetter", "Hebrew_Letter"}
_MID_LETTER = {"MidLetter", "MidNumLet", "Single_Quote"}
_MID_NUMBER = {"MidNum", "MidNumLet", "Single_Quote"}
_ALNUM = {*_LETTERS, "Numeric"}
_EXTENDED = {*_ALNUM, "Katakana"}


def word_boundaries(text: str) -> list[int]:
    """Where the words of a text begin and end, in code points; 0 and the length included, unless the text is empty."""
    if not text:
        return []
    kinds = [_word_break(c) for c in text]
    # Rule WB4: the others are passed over, and belong to what stands before them.
    solid = [
        at
        for at, kind in enumerate(kinds)
        if kind not in _PASSED_OVER or at == 0 or kinds[at - 1] in _NEWLINES  # WB3a: nothing stands before them
    ]
    boundaries = [0]
    flags = 0  # regional indicators in a row, up to the one before
    for number in range(1, len(solid)):
        at = solid[number]
        right, left = kinds[at], kinds[solid[number - 1]]
        after = kinds[solid[number + 1]] if number + 1 < len(solid) else ""
        before = kinds[solid[number - 2]] if number >= 2 else ""
        flags = flags + 1 if left == "Regional_Indicator" else 0
        if left in _NEWLINES or right in _NEWLINES:
            joined = (left, right) == ("CR", "LF")  # WB3, WB3a, WB3b
        else:
            joined = (
                (kinds[at - 1] == "ZWJ" and _within(text[at], _PICTOGRAPHIC))  # WB3c
                or kinds[at - 1] == right == "WSegSpace"  # WB3d
                or (left in _ALNUM and right in _ALNUM)  # WB5, WB8, WB9, WB10
                or (left in _LETTERS and right in _MID_LETTER and after in _LETTERS)  # WB6
                or (before in _LETTERS and left in _MID_LETTER and right in _LETTERS)  # WB7
                or (left == "Hebrew_Letter" and right == "Single_Quote")  # WB7a
                or (left == after == "Hebrew_Letter" and right == "Double_Quote")  # WB7b
                or (before == right == "Hebrew_Letter" and left == "Double_Quote")  # WB7c
                or (before == right == "Numeric" and left in _MID_NUMBER)  # WB11
                or (left == after == "Numeric" and right in _MID_NUMBER)  # WB12
                or (left == right == "Katakana")  # WB13
                or (left in {*_EXTENDED, "ExtendNumLet"} and right == "ExtendNumLet")  # WB13a
                or (left == "ExtendNumLet" and right in _EXTENDED)  # WB13b
                or (right == "Regional_Indicator" and flags % 2 == 1)  # WB15, WB16
            )
        if not joined:
            boundaries.append(at)
    return [*boundaries, len(text)]


def count_words(text: str) -> int:
    """Number of words in a text, by the word boundaries of Unicode.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    integer
        How many of the pieces between two default word boundaries (UAX #29) hold a letter or a digit, that is a code
        point of general category L or N. `don't`, `3.14` and `e_mail` are one word each, `well-known` is two.
        Ideographs, hiragana and the letters of scripts without spaces, such as Thai, are a word each, because a default
        boundary stands around them; katakana and hangul are not.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); ASCII and letters of Latin and Cyrillic are counted 64 bytes at a time.
    Source : UAX #29 of Unicode 15.0.0, rules WB1 to WB999, with the data of that version whatever Python runs it.

    Examples
    --------
    >>> count_words("The 3 quick brown foxes can't jump 32.3 feet, right?")
    10
    >>> count_words("well-known, olá! 👍🏽 --")
    3
    >>> count_words("日本語 한국어 カタカナ")
    5
    >>> count_words("")
    0
    """
    boundaries = word_boundaries(text)
    pieces = (text[start:stop] for start, stop in itertools.pairwise(boundaries))
    return sum(any(map(_is_letter_or_digit, piece)) for piece in pieces)
