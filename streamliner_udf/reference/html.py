"""HTML: references for reserved characters."""

from __future__ import annotations

import html as _html

__all__ = ["html_escape"]


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
