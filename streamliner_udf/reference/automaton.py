"""Many patterns at once: whether, where, and with what in their place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["contains_any", "find_many", "replace_many"]

_OPTIONS = ("ignore_case", "whole_words")


def _check(function: str, patterns: list[str], options: str) -> set[str]:
    """The words of `options`; an error if one is unknown or a pattern is empty."""
    words = [word for word in re.split("[, ]", options) if word]
    for word in words:
        if word not in _OPTIONS:
            raise ValueError(f"{function}: expected options to be a list of {', '.join(_OPTIONS)}, got '{word}'")
    for number, pattern in enumerate(patterns, 1):
        if not pattern:
            raise ValueError(f"{function}: expected patterns of one character or more, got '' as number {number}")
    return set(words)


def _fold(character: str) -> str:
    """One character without its case: always one character, so that offsets stay what they are."""
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


def _is_word(character: str) -> bool:
    """A letter, a digit, a mark or `_`. Variation selectors only choose the look of an emoji and are not."""
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False
    return character == "_" or unicodedata.category(character)[0] in "LNM"


def _stands_alone(text: str, start: int, stop: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[stop : stop + 1]
    return not (before and _is_word(before)) and not (after and _is_word(after))


def _search(text: str, patterns: list[str], options: set[str]) -> Iterator[tuple[int, int, int]]:
    """Number of the pattern, start and stop of each match: at each place the longest, then on behind it."""
    sought = list(patterns)
    searched = text
    if "ignore_case" in options:
        sought = ["".join(map(_fold, pattern)) for pattern in patterns]
        searched = "".join(map(_fold, text))
    longest_first = sorted(range(len(sought)), key=lambda number: -len(sought[number]))
    at = 0
    while at < len(searched):
        for number in longest_first:
            stop = at + len(sought[number])
            if searched.startswith(sought[number], at) and (
                "whole_words" not in options or _stands_alone(text, at, stop)
            ):
                yield number, at, stop
                at = stop
                break
        else:
            at += 1


def contains_any(text: str, patterns: list[str]) -> bool:
    """Whether a text contains at least one of many patterns.

    Parameters
    ----------
    text : text
        Any text.
    patterns : list of text
        What to look for, character by character as it stands. None may be empty or NULL; the list may be.

    Returns
    -------
    boolean
        True if one of the patterns is a substring of the text; false for an empty list.

    Nulls : NULL in, NULL out; a NULL among the patterns is an error.
    Errors : an error if a pattern is empty.
    Cost : O(len(text)) however many patterns there are. They are compiled once a query.
    Source : Aho and Corasick 1975, doi:10.1145/360825.360855.

    Examples
    --------
    >>> contains_any("the cat sat", ["dog", "cat"])
    True
    >>> contains_any("the Cat sat", ["dog", "cat"])
    False
    >>> contains_any("the cat sat", [])
    False
    """
    return any(True for _ in _search(text, patterns, _check("contains_any", patterns, "")))


def find_many(text: str, patterns: list[str], options: str = "") -> list[dict[str, str | int]]:
    """Where many patterns occur in a text: the pattern and its code-point offsets, without overlaps.

    Parameters
    ----------
    text : text
        Any text.
    patterns : list of text
        What to look for, character by character as it stands. None may be empty or NULL; the list may be.
    options : text, default ''
        Words with commas or spaces between them. `ignore_case`: upper and lower case are equal, character by
        character: each by its case folding where that is one character, else by its lower-case form where that is one,
        else as it is. So ẞ equals ß and not ss, final ς equals σ, K (the sign of kelvin) equals k, İ equals nothing
        but itself. `whole_words`: only where the characters right before and behind are no letter, digit, mark or `_`.
        Scripts without spaces between words, such as Chinese, have few such places.

    Returns
    -------
    list of struct(pattern, start, stop)
        From left to right, at each place the longest pattern that matches there (with `whole_words`, the longest that
        stands alone), then on behind it. `pattern` is the pattern as given, the first of several that are equal. Its
        match is the characters from `start` (0 is the first) up to `stop`, which is the place behind the last.

    Nulls : NULL in, NULL out; a NULL among the patterns is an error.
    Errors : an error if a pattern is empty or a word of `options` is unknown.
    Cost : O(len(text)) however many patterns there are; with `whole_words` a place where a word begins can cost as much
        as the longest pattern is long. The patterns are compiled once a query. In SQL a subquery, `(SELECT list(p) FROM
        patterns)`, is the cheap way to pass thousands; a list that is written out is made anew for each vector.
    Source : Aho and Corasick 1975, doi:10.1145/360825.360855; Unicode 5.18 (case folding), with the Unicode data of the
        Python that built the package.

    Examples
    --------
    >>> find_many("New York City", ["York", "New York", "City"])
    [{'pattern': 'New York', 'start': 0, 'stop': 8}, {'pattern': 'City', 'start': 9, 'stop': 13}]
    >>> find_many("Cat, catalogue", ["cat"], "ignore_case, whole_words")
    [{'pattern': 'cat', 'start': 0, 'stop': 3}]
    >>> find_many("aaaaa", ["aa"])
    [{'pattern': 'aa', 'start': 0, 'stop': 2}, {'pattern': 'aa', 'start': 2, 'stop': 4}]
    >>> find_many("", ["a"])
    []
    """
    found = _search(text, patterns, _check("find_many", patterns, options))
    return [{"pattern": patterns[number], "start": start, "stop": stop} for number, start, stop in found]


def replace_many(text: str, patterns: list[str], replacements: list[str], options: str = "") -> str:
    """Text with many patterns replaced, each by its own replacement.

    Parameters
    ----------
    text : text
        Any text.
    patterns : list of text
        What to look for, character by character as it stands. None may be empty or NULL; the list may be.
    replacements : list of text
        One for each pattern, in the same order; inserted as it stands.
    options : text, default ''
        `ignore_case` and `whole_words`, as in `find_many`.

    Returns
    -------
    text
        The text with what `find_many` finds replaced. Replacements are not searched again. Of equal patterns the first
        and its replacement count.

    Nulls : NULL in, NULL out; a NULL among the patterns or replacements is an error.
    Errors : an error if there are not as many replacements as patterns, if a pattern is empty or a word of `options` is
        unknown.
    Cost : as find_many, and the length of the result.
    Source : as find_many.

    Examples
    --------
    >>> replace_many("the cat and the dog", ["cat", "dog"], ["dog", "cat"])
    'the dog and the cat'
    >>> replace_many("CATS, a cat", ["cat"], ["🐈"], "ignore_case whole_words")
    'CATS, a 🐈'
    >>> replace_many("abc", [], [])
    'abc'
    """
    words = _check("replace_many", patterns, options)
    if len(patterns) != len(replacements):
        raise ValueError(
            f"replace_many: expected one replacement for each of {len(patterns)} patterns, got {len(replacements)}"
        )
    made, end = "", 0
    for number, start, stop in _search(text, patterns, words):
        made += text[end:start] + replacements[number]
        end = stop
    return made + text[end:]
