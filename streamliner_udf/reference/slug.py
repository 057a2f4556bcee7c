"""Slugs: text as part of an address or a file name."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["slugify"]


def slugify(text: str, max_length: int = 60) -> str:
    """Lower-case ASCII slug of a text.

    Parameters
    ----------
    text : text
        Any text.
    max_length : integer, default 60
        The most characters that the slug may have, at least 1.

    Returns
    -------
    text
        Letters a-z, digits and single hyphens, never one at an end; empty when nothing is left. Characters are
        decomposed (NFKD) and what is not ASCII then is dropped: an accent goes, and so does a whole word of a script
        that has no ASCII in its decomposition. Runs of all other characters become one hyphen.

    Nulls : NULL in, NULL out.
    Errors : an error if max_length is below 1.
    Cost : O(len(text)), and no more is read than the slug takes.
    Source : Unicode 3.11 (NFKD), with the Unicode data of the Python that built the package.

    Examples
    --------
    >>> slugify("Olá, Mundo!")
    'ola-mundo'
    >>> slugify("one two three", 8)
    'one-two'
    >>> slugify("½ ﬁle №5")
    '12-file-no5'
    >>> slugify("日本")
    ''
    """
    if max_length < 1:
        raise ValueError(f"slugify: expected max_length >= 1, got {max_length}")
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub("[^a-z0-9]+", "-", ascii_only).strip("-")
    return slug[:max_length].rstrip("-")
