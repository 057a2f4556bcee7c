"""Chunks: a text in overlapping pieces, for retrieval."""

from __future__ import annotations

import bisect
import re

from streamliner_udf.reference._word_break import RANGES

__all__ = ["chunk_text"]

# Kana, bopomofo and ideographs: written without spaces, so that a line may end before almost any of them. Left out are
# the signs that continue what stands before them: voicing marks, the prolonged sound mark, iteration marks.
_IDEOGRAPHS = (
    "\u3041-\u3096\u30a1-\u30fa\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff6f\uff71-\uff9d\U00020000-\U0003fffd"
)
_OPENING = "([{\u00ab\u2018\u201c\u2039\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\u301a\uff08\uff3b\uff5b\uff62"
_CLOSING = (
    "\"')]}\u00bb\u2018\u2019\u201c\u201d\u203a"
    "\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u301b\uff09\uff3d\uff5d\uff63"
)
_TERMINATORS = (
    ".!?\u0589\u061f\u06d4\u0964\u0965\u1362\u2026\u203c\u203d\u2047\u2048\u2049\u3002\uff01\uff0e\uff1f\uff61"
)
# \s of a text is what str.isspace() says.
_BREAK = re.compile(rf"\s+|(?<=[^\s{re.escape(_OPENING)}])(?=[{_IDEOGRAPHS}])")
_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028]")

_WORD, _LINE, _SENTENCE, _PARAGRAPH = range(4)


def _continues(text: str, at: int) -> bool:
    """Whether a cut at `at` would part a character from its marks, its skin tone, or the rest of its emoji."""
    return at > 0 and (text[at] in _EXTENDING or text[at] == "\u200d" or text[at - 1] == "\u200d")


def _points(ranges: str) -> frozenset[str]:
    found: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return frozenset(found)


_EXTENDING = _points(RANGES["Extend"])


def _ends_sentence(text: str, stop: int) -> bool:
    """Whether the word that ends at `stop` ends a sentence: a terminator, then any closing quotes and brackets."""
    while stop > 0 and text[stop - 1] in _CLOSING:
        stop -= 1
    return stop > 0 and text[stop - 1] in _TERMINATORS


def _rank(text: str, stop: int, start: int) -> int:
    """What ends at a break between two words: the better, the higher."""
    gap = text[stop:start]
    lines = len(_LINE_END.findall(gap))
    if lines >= 2 or "\u2029" in gap:
        return _PARAGRAPH
    if _ends_sentence(text, stop):
        return _SENTENCE
    return _LINE if lines else _WORD


def chunk_text(text: str, max_chars: int = 800, overlap: int = 200) -> list[dict[str, int | str]]:
    """Overlapping pieces of a text for retrieval: number, code-point offsets and text of each.

    Parameters
    ----------
    text : text
        Any text.
    max_chars : integer, default 800
        The most code points that a chunk may have, at least 1.
    overlap : integer, default 200
        The most code points that a chunk may share with the one before it, at least 0 and below `max_chars`.

    Returns
    -------
    list of struct
        `idx` counts from 0; `text` is the exact piece from `start` up to, not including, `stop`, in code points from 0.
        No chunk begins or ends with white space, and every other character is in a chunk. White space is what Python's
        `str.isspace()` says.

        Words end at white space, and before each kana, bopomofo or ideograph that does not follow an opening bracket or
        quotation mark. A word ends a paragraph if two line ends (a blank line) or U+2029 follow; it ends a sentence if
        it ends with a terminator of any script (``.!?…。`` and their like) and any closing quotation marks and
        brackets; it ends a line if one line end follows. Abbreviations end sentences, too.

        A chunk takes in the rest of the text if that fits. Else it ends, beyond what the chunk before it holds, at the
        last paragraph that ends in its second half, else at the last sentence that does, else at the last line that
        does, else at the last word that ends in it at all. So a word is cut only if it is longer than `max_chars`: then
        at `max_chars`, or a little before where a character would be parted from its combining marks, an emoji from its
        skin tone or from what a zero width joiner joins, unless these alone take all that is not overlap.

        The next chunk begins at the first word that begins not more than `overlap` code points before that end, later
        if the word that follows the end could not be whole otherwise, and with that word if there is none or if it is
        longer than `max_chars`. Behind a cut within a word the overlap may begin within the word as well.

    Nulls : NULL in, NULL out.
    Errors : an error if max_chars is below 1, overlap below 0, or overlap not below max_chars.
    Cost : O(len(text)) and what the chunks hold together, at most len(text) * max_chars / (max_chars - overlap).
    Source : Unicode 15.0.0 (Word_Break=Extend for the marks); the rule is our own.

    Examples
    --------
    >>> [chunk["text"] for chunk in chunk_text("One two. Three four five.", 15, 0)]
    ['One two.', 'Three four', 'five.']
    >>> [(chunk["start"], chunk["stop"], chunk["text"]) for chunk in chunk_text("One two three four", 10, 4)]
    [(0, 7, 'One two'), (4, 13, 'two three'), (14, 18, 'four')]
    >>> [chunk["text"] for chunk in chunk_text("abcdefgh", 4, 1)]
    ['abcd', 'defg', 'gh']
    >>> chunk_text(" \\n ")
    []
    """
    if max_chars < 1:
        raise ValueError(f"chunk_text: expected max_chars >= 1, got {max_chars}")
    if overlap < 0:
        raise ValueError(f"chunk_text: expected overlap >= 0, got {overlap}")
    if overlap >= max_chars:
        raise ValueError(f"chunk_text: expected overlap < max_chars ({max_chars}), got {overlap}")

    length = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    if start >= length:
        return []
    # A break is where one word stops and the next one starts. The text's end stops the last word.
    found = [match.span() for match in _BREAK.finditer(text, start, length)]
    word_stops = [a for a, _ in found] + [length]
    word_starts = [b for _, b in found]
    ranks = [_rank(text, a, b) for a, b in found]

    def choose(start: int, covered: int, limit: int) -> int:
        """Where a chunk ends that begins at `start`, has to get beyond `covered`, and must not get beyond `limit`."""
        first, behind = bisect.bisect_right(word_stops, covered), bisect.bisect_right(word_stops, limit)
        half = bisect.bisect_right(word_stops, start + max_chars // 2)
        for wanted in (_PARAGRAPH, _SENTENCE, _LINE):
            for at in range(behind - 1, max(first, half) - 1, -1):
                if ranks[at] == wanted:
                    return word_stops[at]
        if first < behind:
            return word_stops[behind - 1]
        for cut in range(limit, max(start, covered), -1):
            if not _continues(text, cut):
                return cut
        return limit

    def resume(start: int, stop: int) -> int:
        """Where the chunk after [start, stop) begins."""
        at = bisect.bisect_left(word_stops, stop)
        within_word = word_stops[at] > stop
        earliest = max(stop - overlap, start + 1)
        if not within_word:
            behind, whole = word_starts[at], word_stops[at + 1] - max_chars
            if whole > behind:
                return behind
            earliest = max(earliest, whole)
        at = bisect.bisect_left(word_starts, earliest)
        if at < len(word_starts) and word_starts[at] < stop:
            return word_starts[at]
        if not within_word:
            return behind
        while earliest < stop and _continues(text, earliest):
            earliest += 1
        return earliest

    chunks: list[dict[str, int | str]] = []
    covered = start
    while True:
        limit = start + max_chars
        stop = length if length <= limit else choose(start, covered, limit)
        chunks.append({"idx": len(chunks), "start": start, "stop": stop, "text": text[start:stop]})
        if stop == length:
            return chunks
        start, covered = resume(start, stop), stop
