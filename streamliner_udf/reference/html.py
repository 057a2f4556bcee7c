"""HTML: references for reserved characters, and back."""

from __future__ import annotations

import html as _html
import re

__all__ = ["html_escape", "html_unescape"]

# Python refuses to read numbers of more than 4,300 digits; eight without leading zeros are already above U+10FFFF.
_LONG_NUMBER = re.compile(r"&#0*([0-9]+)")


def html_escape(text: str, quote: bool = True) -> str:
    """Text with the characters that HTML reserves written as references.

    Parameters
    ----------
    text : text
        Any text. References that it already holds are escaped again.
    quote : boolean, default true
        Whether `"` and `'` are escaped as well, which attribute values need.

    Returns
    -------
    text
        `&`, `<` and `>` as `&amp;`, `&lt;` and `&gt;`; with `quote` also `&quot;` and `&#x27;`. At most six times as
        long as the input.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without reserved characters is only looked at.
    Source : html.escape of Python's standard library.

    Examples
    --------
    >>> html_escape("a < b & c")
    'a &lt; b &amp; c'
    >>> html_escape("it's", False)
    "it's"
    >>> html_escape("&amp; é")
    '&amp;amp; é'
    >>> html_escape("")
    ''
    """
    return _html.escape(text, quote=bool(quote))


def html_unescape(text: str) -> str:
    """Text with HTML character references replaced by what they stand for.

    Parameters
    ----------
    text : text
        Any text: no markup is looked for, only references.

    Returns
    -------
    text
        Every named reference of HTML (`&amp;`, `&nbsp;`, ...) and every numeric one (`&#39;`, `&#x27;`) is replaced,
        once: `&amp;lt;` becomes `&lt;`. The 106 oldest names need no semicolon, and of several the longest counts, so
        `&notit;` is `¬it;`. The numbers 128 to 159 mean Windows-1252; zero, surrogates and numbers above U+10FFFF
        become U+FFFD; other control characters and noncharacters vanish. What is no reference stays as it is. At most
        a fifth longer than the input, in bytes.

    Nulls : NULL in, NULL out.
    Errors : none. Python's own function fails on decimal numbers of more than 4,300 digits; here they are read as well.
    Cost : O(len(text)); a text without `&` is only looked at.
    Source : html.unescape of Python's standard library; HTML Standard, 13.2.5.72 to 13.2.5.80.

    Examples
    --------
    >>> html_unescape("Q&amp;A &lt;3 caf&eacute;")
    'Q&A <3 café'
    >>> html_unescape("&#x27;&#8364;&#128;&copy 2024")
    "'€€© 2024"
    >>> html_unescape("&amp;lt; R&D &bogus; &")
    '&lt; R&D &bogus; &'
    >>> html_unescape("")
    ''
    """
    return _html.unescape(_LONG_NUMBER.sub(lambda number: "&#" + number[1][:8], text))
