"""Things in a text: emoji."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path

__all__ = ["extract_emoji"]

_EMOJI_LIST = Path(__file__).with_suffix(".txt")
_LONGEST = 10  # code points


def expand(listed: str) -> Iterator[str]:
    """The sequences of emoji.txt, whose first lines say how it is written."""
    for line in listed.replace("|\n", "|").split("\n"):
        if line.startswith("#"):
            continue
        places = []
        for place in line.split():
            ranges = [choice.partition("..") for choice in place.split("|")]
            points = [chr(p) for first, _, last in ranges for p in range(int(first, 16), int(last or first, 16) + 1)]
            places.append(["\ufe0f", ""] if points == ["\ufe0f"] else points)
        if places:
            yield from map("".join, itertools.product(*places))


@functools.cache
def _listed() -> frozenset[str]:
    return frozenset(expand(_EMOJI_LIST.read_text(encoding="utf-8")))


def _is_indicator(c: str) -> bool:
    return "\U0001f1e6" <= c <= "\U0001f1ff"


def _measure(text: str, at: int) -> int:
    """Length of the longest listed sequence at `at` without U+FE0E behind it; 0 if there is none."""
    for size in range(min(_LONGEST, len(text) - at), 0, -1):
        if text[at : at + size] in _listed() and text[at + size : at + size + 1] != "\ufe0e":
            return size
    return 0


def extract_emoji(text: str) -> list[str]:
    """Emoji in a text, whole sequences, in order of appearance.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    list of text
        From left to right the longest sequence that Unicode's emoji-test.txt lists, of whatever status: families and
        other sequences joined by U+200D, flags, skin tones, keycaps, also without their U+FE0F; symbols that are text
        unless U+FE0F follows, such as `©`, with or without it; and skin tones and hair alone. Digits, `#` and `*` are
        emoji only as keycaps. What U+FE0E follows was asked for as text, and is none. Regional indicators are read in
        pairs from the first of a run on, and a pair that is no flag is passed over. A sequence that is not listed comes
        out as the listed ones in it.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)).
    Source : Unicode emoji-test.txt, version 18.0; UTS #51 for presentation; UAX #29 for pairs of regional indicators.

    Examples
    --------
    >>> extract_emoji("ok 👍🏽 from 👨‍👩‍👧‍👦 in 🇧🇷🇵🇹")
    ['👍🏽', '👨‍👩‍👧‍👦', '🇧🇷', '🇵🇹']
    >>> extract_emoji("1, 2, 3️⃣ ©")
    ['3️⃣', '©']
    >>> extract_emoji("no emoji :)")
    []
    """
    found = []
    at = 0
    while at < len(text):
        size = _measure(text, at)
        if size:
            found.append(text[at : at + size])
        elif _is_indicator(text[at]) and at + 1 < len(text) and _is_indicator(text[at + 1]):
            size = 2
        at += size or 1
    return found
