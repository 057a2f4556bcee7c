"""Quotation marks: typographic ones made plain, and those around a text removed."""

from __future__ import annotations

__all__ = ["straighten_quotes", "unquote"]

# The characters of Unicode's property Quotation_Mark, but for ASCII and for corner brackets, which have no counterpart there.
_STRAIGHT = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛‹›＇", "'"),
        **dict.fromkeys("“”„‟«»⹂〝〞〟＂", '"'),
    }
)

# What closes what: of each pair both marks are gone after unquote.
_CLOSING = {
    '"': '"',
    "'": "'",
    "“": "”",
    "‘": "’",
    "„": "“”",
    "‚": "‘’",
    "‟": "”",
    "‛": "’",
    "”": "”",
    "’": "’",
    "«": "»",
    "»": "«»",
    "‹": "›",
    "›": "‹›",
    "「": "」",
    "『": "』",
    "﹁": "﹂",
    "﹃": "﹄",
    "｢": "｣",
    "〝": "〞〟",
    "＂": "＂",
    "＇": "＇",
}


def straighten_quotes(text: str) -> str:
    """Text with typographic quotation marks as ASCII ones.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The text with `'` for each of ‘ ’ ‚ ‛ ‹ › ＇ and `"` for each of “ ” „ ‟ « » ⹂ 〝 〞 〟 ＂. These are the characters
        of Unicode's property Quotation_Mark outside ASCII, without the corner brackets 「」『』 and their vertical and
        half-width forms: ASCII has nothing that stands for them. Apostrophes are straightened with the rest, since U+2019 is both. Primes,
        accents that stand alone, modifier letters and ornaments are no quotation marks and stay. Doing it again changes
        nothing.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without typographic quotation marks is only looked at.
    Source : PropList.txt of the Unicode Character Database, Quotation_Mark.

    Examples
    --------
    >>> straighten_quotes("“it’s” «so»")
    '"it\\'s" "so"'
    >>> straighten_quotes("5′ 10″ 「はい」")
    '5′ 10″ 「はい」'
    >>> straighten_quotes("")
    ''
    """
    return text.translate(_STRAIGHT)


def unquote(text: str) -> str:
    """Text without the pair of quotation marks around it.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    text
        The text without its first and last character if they are a pair of quotation marks: `"…"`, `'…'`, “…”, ‘…’,
        „…“, „…”, ‚…‘, ‚…’, ‟…”, ‛…’, ”…”, ’…’, «…», »…«, »…», ‹…›, ›…‹, ›…›, 「…」, 『…』, ﹁…﹂, ﹃…﹄, ｢…｣, 〝…〞, 〝…〟, ＂…＂ or
        ＇…＇. Otherwise the text as it is, also where it is a single mark or has white space around the marks. Only
        the two ends count and not what is between: of `"a" and "b"` the outer marks go. One pair goes, of `""a""` the
        outer one.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(1) to decide, O(len(text)) to copy.
    Source : the Unicode Standard, 6.2 (quotation marks and how languages pair them).

    Examples
    --------
    >>> unquote('"so be it"')
    'so be it'
    >>> unquote("„gut“"), unquote("『はい』")
    ('gut', 'はい')
    >>> unquote('"'), unquote("“mixed'"), unquote('""')
    ('"', "“mixed'", '')
    """
    if len(text) >= 2 and text[-1] in _CLOSING.get(text[0], ""):
        return text[1:-1]
    return text
