"""Search keys: one spelling for texts that a person who searches takes for the same."""

from __future__ import annotations

import unicodedata

__all__ = ["fold"]


def fold(text: str) -> str:
    """Search key of a text: compatibility forms, case and accents do not count.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The NFKD form of the text with full case folding, without combining marks, in NFKC. Combining marks are the
        characters whose combining class is not 0: accents, and also Hebrew points, Arabic vowel signs, the voicing
        marks of kana (がん and かん have one key) and viramas. Vowel signs that have class 0, as most of those of Indic
        scripts do, are letters in this sense and stay, as do joiners and variation selectors. Letters with a stroke or
        without a dot (ø, ł, ı) are letters of their own in Unicode and stay as well. No language is assumed: İ and I have the
        key i, ß has ss. The key of a key is the key itself, and canonically or compatibly equivalent texts have one key. At most
        eleven times as many bytes as the input (one character, U+FDFA, becomes eighteen).

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a key is only looked at.
    Source : UAX #15 (NFKD, NFKC); the Unicode Standard, 3.13 (full case folding) and 4.3 (combining classes), with the
        Unicode data of the Python that built the package.

    Examples
    --------
    >>> fold("Ação, STRASSE, Straße")
    'acao, strasse, strasse'
    >>> fold("ﬁne Ⅷ ｆｕｌｌ")
    'fine viii full'
    >>> fold("한국어 हिंदी")
    '한국어 हिंदी'
    >>> fold("\\u0301")
    ''
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", "".join(c for c in folded if not unicodedata.combining(c)))
