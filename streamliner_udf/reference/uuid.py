"""UUIDs: stable identifiers made from names."""

from __future__ import annotations

import re
import uuid as _uuid

__all__ = ["uuid5"]

_WELL_KNOWN = {
    "dns": _uuid.NAMESPACE_DNS,
    "url": _uuid.NAMESPACE_URL,
    "oid": _uuid.NAMESPACE_OID,
    "x500": _uuid.NAMESPACE_X500,
}


def _read_namespace(namespace: str) -> _uuid.UUID:
    lower = str(namespace).lower()
    if lower in _WELL_KNOWN:
        return _WELL_KNOWN[lower]
    # As uuid.UUID reads it, less what int() would let through: signs, spaces, underscores, digits of other scripts.
    digits = lower.strip("{}").removeprefix("urn:").removeprefix("uuid:").strip("{}").replace("-", "")
    if not re.fullmatch("[0-9a-f]{32}", digits):
        raise ValueError(f"uuid5: expected namespace to be a UUID or one of dns, url, oid, x500, got '{namespace}'")
    return _uuid.UUID(hex=digits)


def uuid5(namespace: str, name: str) -> _uuid.UUID:
    """Name-based UUID, version 5, of a name in a namespace.

    Parameters
    ----------
    namespace : text
        A `uuid.UUID` (in SQL a UUID), its text in any form that Python's `uuid.UUID` reads (hyphens, braces and
        `urn:uuid:` are optional, any case), or one of the namespaces of RFC 9562: dns, url, oid, x500 (any case).
    name : text
        Any text; its UTF-8 bytes are hashed.

    Returns
    -------
    UUID
        Equal namespace and name give an equal UUID, here and in every other implementation of version 5.

    Nulls : NULL in, NULL out.
    Errors : an error if namespace is neither a UUID nor one of the four names.
    Cost : one SHA-1 of len(name) + 16 bytes.
    Source : RFC 9562 section 5.5; uuid.uuid5 of Python's standard library.

    Examples
    --------
    >>> str(uuid5("dns", "python.org"))
    '886313e1-3b8a-5372-9b90-0c9aee199e5d'
    >>> str(uuid5("{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}", "python.org"))
    '886313e1-3b8a-5372-9b90-0c9aee199e5d'
    >>> str(uuid5("dns", ""))
    '4ebd0208-8328-5d69-8c44-ec50939c0967'
    """
    return _uuid.uuid5(_read_namespace(namespace), name)
