"""Things in a text: web addresses."""

from __future__ import annotations

import re

__all__ = ["extract_urls"]

_SCHEME = re.compile("https?://", re.ASCII | re.IGNORECASE)
_START = re.compile(r"https?://|www\.", re.ASCII | re.IGNORECASE)
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]")

# Not part of a URL: quotation marks and brackets that RFC 3986 leaves out, and everything up to the space.
_ASCII_ENDS = '"<>{}|\\^`\x7f' + "".join(map(chr, range(0x21)))
_ASCII_TRAILING = ".,;:!?'*_~"
_PARTNER = {")": "(", "]": "["}

# Other characters at which a URL ends: spaces, controls, invisible marks, quotation marks, dashes and dots of prose,
# East Asian punctuation, arrows, dingbats and emoji. All others, letters of any script above all, belong to it.
_WIDE_ENDS = (
    (0x0080, 0x00A0),  # controls, no-break space
    (0x00AB, 0x00AB),  # «
    (0x00BB, 0x00BB),  # »
    (0x061C, 0x061C),  # Arabic letter mark
    (0x1680, 0x1680),  # Ogham space
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x2000, 0x200B),  # spaces, zero width space
    (0x200E, 0x200F),  # direction marks
    (0x2014, 0x2017),  # long dashes
    (0x201C, 0x202F),  # double quotes, bullets, ellipsis, separators, direction controls
    (0x2039, 0x203A),  # single guillemets
    (0x205F, 0x206F),  # space, invisible operators, direction controls
    (0x2190, 0x2BFF),  # arrows, technical and other symbols, dingbats
    (0x3000, 0x3004),  # ideographic space, comma, full stop
    (0x3008, 0x3020),  # brackets, quotes, wave dash
    (0x3030, 0x3030),  # wavy dash
    (0xFE10, 0xFE1F),  # vertical forms
    (0xFE30, 0xFE6F),  # compatibility and small forms
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFF01, 0xFF0F),  # full-width punctuation
    (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65),
    (0xFFF9, 0xFFFC),  # annotation marks, object replacement
    (0x1F000, 0x1FAFF),  # emoji
)
_WIDE_TRAILING = (
    (0x037E, 0x037E),  # Greek question mark
    (0x0589, 0x0589),  # Armenian full stop
    (0x060C, 0x060C),  # Arabic comma
    (0x061B, 0x061B),  # Arabic semicolon
    (0x061F, 0x061F),  # Arabic question mark
    (0x06D4, 0x06D4),  # Urdu full stop
    (0x0964, 0x0965),  # dandas
    (0x2010, 0x2013),  # hyphens, en dash
    (0x2018, 0x201B),  # single quotes
    (0x203C, 0x203D),  # double exclamation mark, interrobang
    (0x2047, 0x2049),  # double question marks
)


def _within(c: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(c) <= last for first, last in ranges)


def _ends_url(c: str) -> bool:
    return c in _ASCII_ENDS or _within(c, _WIDE_ENDS)


def _is_trailing(c: str) -> bool:
    return c in _ASCII_TRAILING or _within(c, _WIDE_TRAILING)


def _is_ascii_word(c: str) -> bool:
    return c.isascii() and c.isalnum()


def _is_host_character(c: str) -> bool:
    if c.isascii():
        return c.isalnum()
    return not _ends_url(c) and not _is_trailing(c)


def _may_start(text: str, at: int, word: str) -> bool:
    """Whether what stands before `at` lets a URL start there."""
    before, one_more = text[max(at - 1, 0) : at], text[max(at - 2, 0) : max(at - 1, 0)]
    if not before:
        return True
    if word.endswith("//"):
        return not _is_ascii_word(before)
    # Without a scheme also not in the middle of a host, a path, a file name or an e-mail address.
    return not _is_ascii_word(before) and before not in "_@/-" and (before != "." or one_more == ".")


def _measure_domain(text: str, at: int) -> tuple[bool, int]:
    """Whether `at` begins labels with a dot between them, the last like a top-level domain, and where they end."""
    labels = [""]
    while at < len(text):
        if text[at] == "." and labels[-1]:
            labels.append("")
        elif text[at] == "-" or _is_host_character(text[at]):
            labels[-1] += text[at]
        else:
            break
        at += 1
    if not labels[-1]:
        labels.pop()
    is_domain = len(labels) >= 2 and len(labels[-1]) >= 2 and labels[-1][0] not in "-0123456789"
    return is_domain, at


def _measure_url(text: str, at: int) -> tuple[int, int]:
    """Where a URL ends whose host begins at `at`, and where the run of its characters ends."""
    end = unpaired = at
    depth = {"(": 0, "[": 0}
    while at < len(text):
        c = text[at]
        if _ends_url(c) or (c in ",;([" and _SCHEME.match(text, at + 1)):
            break
        if c in "([":
            if not any(depth.values()):
                unpaired = end
            depth[c] += 1
        elif c in ")]":
            if not depth[_PARTNER[c]]:
                break
            depth[_PARTNER[c]] -= 1
        at += 1
        if not _is_trailing(c):
            end = at
    return (unpaired if any(depth.values()) else end), at


def extract_urls(text: str) -> list[str]:
    """Web addresses in a text, in order of appearance.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    list of text
        What starts with `http://`, `https://` (any case, not after an ASCII letter or digit) and a host, or with `www.`
        and a domain of two more labels (`www.` not inside a word, a host, a path or an e-mail address). A URL ends
        before white space, controls, any of ``"<>{}|\\^` ``, typographic double quotes, dashes and ellipses, East
        Asian punctuation, symbols and emoji; before a round or square bracket that has no partner inside the URL; and
        before a comma, semicolon or opening bracket that another `http://` or `https://` follows. Trailing
        ``.,;:!?'*_~`` and their like in other scripts are left out. Letters of all scripts belong to a URL. After an
        opening bracket without partner, the search goes on behind the run of characters that it is part of.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `:/` and `ww` is only looked at.
    Source : RFC 3986 for the characters; GitHub Flavored Markdown 6.9 for trailing punctuation and brackets.

    Examples
    --------
    >>> extract_urls("see https://duckdb.org/docs, or www.python.org!")
    ['https://duckdb.org/docs', 'www.python.org']
    >>> extract_urls("(https://en.wikipedia.org/wiki/Duck_(disambiguation))")
    ['https://en.wikipedia.org/wiki/Duck_(disambiguation)']
    >>> extract_urls("請看https://例え.jp/道。")
    ['https://例え.jp/道']
    >>> extract_urls("http:// www. ")
    []
    """
    urls = []
    at = 0
    while start := _START.search(text, at):
        host = start.end()
        if not _may_start(text, start.start(), start.group()):
            at = start.start() + 1
            continue
        if start.group().endswith("//"):
            found, at = bool(_IPV6.match(text, host)) or _is_host_character(text[host : host + 1] or " "), host
        else:
            found, at = _measure_domain(text, host)
        if found:
            end, at = _measure_url(text, host)
            urls.append(text[start.start() : end])
    return urls
