"""Normal forms: one spelling for texts that read the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, cast

__all__ = ["clean_text", "normalize", "squash_spaces", "strip_invisible"]

_FORMS = ("NFC", "NFD", "NFKC", "NFKD")

# Default-ignorable code points (Unicode 5.21) that are controls and leave running text as it was when they go.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,7}\U000e007f)|["  # a region's flag, which stays
    "\u00ad"  # soft hyphen
    "\u034f"  # combining grapheme joiner
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides and isolates
    "\u200b\u2060\ufeff"  # zero width space, word joiner, byte order mark
    "\u2061-\u2064"  # invisible mathematical operators
    "\u206a-\u206f"  # deprecated format characters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of shorthand and of musical notation
    "\U000e0001\U000e0020-\U000e007f"  # language tag, tags
    "]"
)


def normalize(text: str, form: str = "NFKC") -> str:
    """Unicode normalisation form of a text.

    Parameters
    ----------
    text : text
        Any text.
    form : text, default "NFKC"
        `NFC` or `NFD`, composed or decomposed and otherwise equal; `NFKC` or `NFKD`, with compatibility characters
        such as ligatures, full-width letters and circled digits replaced by what they stand for. In capitals.

    Returns
    -------
    text
        The form. Normalising it again changes nothing, and equivalent texts have equal forms. At most eleven times as
        many bytes as the input (one character, U+FDFA, becomes eighteen).

    Nulls : NULL in, NULL out.
    Errors : an error if form is none of the four.
    Cost : O(len(text)); a text that is in its form already is only looked at.
    Source : UAX #15, with the Unicode data of the Python that built the package.

    Examples
    --------
    >>> normalize("ﬁne ①")
    'fine 1'
    >>> normalize("ﬁ", "NFC")
    'ﬁ'
    >>> normalize("é", "NFD") == "e\\u0301"
    True
    >>> normalize("")
    ''
    """
    if form not in _FORMS:
        raise ValueError(f"normalize: expected form to be one of {', '.join(_FORMS)}, got '{form}'")
    return unicodedata.normalize(cast(Literal["NFC", "NFD", "NFKC", "NFKD"], form), text)


def strip_invisible(text: str) -> str:
    """Text without invisible characters that carry no meaning.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The text without the default-ignorable characters that are controls and whose absence a reader does not
        notice: soft hyphen, combining grapheme joiner, zero width space, word joiner, byte order mark, direction
        controls, invisible operators, deprecated format characters, layout controls of shorthand and musical notation,
        and tags. Tags stay only where three to seven of small letters and digits and a cancel tag follow a black flag,
        which makes the flag of a region; elsewhere they are a way to hide text. These stay, because they change how
        text reads: the zero width joiner and non-joiner, all variation selectors, the Mongolian vowel separator;
        Hangul fillers and Khmer inherent vowels, which are letters; interlinear annotation characters, which keep
        text and annotation apart; unassigned code points. White space is none of this and stays, too.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without invisible characters is only looked at.
    Source : Unicode 5.21 and 23 (default-ignorable code points, special characters); UTS #51, C.1 (flags).

    Examples
    --------
    >>> strip_invisible("a\\u200bb\\u00adc")
    'abc'
    >>> strip_invisible("\\ufeff")
    ''
    >>> strip_invisible("👩\\u200d🚀 ❤\\ufe0f") == "👩\\u200d🚀 ❤\\ufe0f"
    True
    """
    return _INVISIBLE.sub(r"\1", text)


def squash_spaces(text: str) -> str:
    """Text with every run of white space as one space, ends trimmed.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The text with one space for every run of white space, and none at an end. White space is what Python's
        `str.split()` takes for it: Unicode's White_Space property and the information separators U+001C to U+001F.
        Invisible characters such as the zero width space are none. Doing it again changes nothing.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without white space to mend is only looked at.
    Source : UAX #44 (White_Space).

    Examples
    --------
    >>> squash_spaces("  two \\t\\n words ")
    'two words'
    >>> squash_spaces("a\\u3000b\\u00a0c")
    'a b c'
    >>> squash_spaces(" \\n")
    ''
    """
    return " ".join(text.split())


def clean_text(text: str) -> str:
    """NFKC, invisible characters removed, white space squashed and trimmed.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The NFKC form without what `strip_invisible` removes, composed again where that brought characters together,
        so that the result is NFKC, too. Then every run of white space becomes one space, and none is left at an end.
        White space is what Python's `str.split()` takes for it: Unicode's White_Space property and the information
        separators U+001C to U+001F. Cleaning a clean text changes nothing.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)), one pass; a clean text is only looked at.
    Source : UAX #15 (NFKC), UAX #44 (White_Space); see normalize and strip_invisible.

    Examples
    --------
    >>> clean_text("  ﬁne   day ")
    'fine day'
    >>> clean_text("e\\u200b\\u0301") == "é"
    True
    >>> clean_text("１２\\u3000\\u200e\\u00a0km²\\n")
    '12 km2'
    >>> clean_text(" \\u200b\\t")
    ''
    """
    visible = strip_invisible(unicodedata.normalize("NFKC", text))
    return squash_spaces(unicodedata.normalize("NFKC", visible))
