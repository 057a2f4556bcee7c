"""Pseudonyms: stable names that give nothing away without the key."""

from __future__ import annotations

import hmac

__all__ = ["pseudonym"]


def pseudonym(text: str, key: str) -> str:
    """Keyed one-way pseudonym of a text: 32 hexadecimal digits of its HMAC-SHA-256.

    Parameters
    ----------
    text : text
        Any text; its UTF-8 bytes are hashed, so the same name in another case or normal form gets another pseudonym.
    key : text
        A secret of one character or more; its UTF-8 bytes are the key. Whoever knows it can find the pseudonym of any
        name that they can guess; without it a pseudonym tells only that two texts are equal.

    Returns
    -------
    text
        The first 16 bytes of the digest in lower-case hexadecimal. Equal text and key give an equal pseudonym; unequal
        texts share one with a probability of about 2**-128.

    Nulls : NULL in, NULL out.
    Errors : an empty key.
    Cost : two SHA-256 blocks, and one more for each 64 bytes of a text longer than 55.
    Source : RFC 2104; FIPS 180-4; RFC 4231 for test vectors.

    Examples
    --------
    >>> pseudonym("what do ya want for nothing?", "Jefe")
    '5bdcc146bf60754e6a042426089575c7'
    >>> pseudonym("Ana", "k1") == pseudonym("Ana", "k2")
    False
    >>> len(pseudonym("", "key"))
    32
    """
    if not key:
        raise ValueError("pseudonym: expected key of one character or more, got ''")
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()[:32]
