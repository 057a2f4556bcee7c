"""Things in a text: web addresses, e-mail addresses, mentions, hashtags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from streamliner_udf.reference.pii import find_pii

__all__ = ["extract_emails", "extract_hashtags", "extract_mentions", "extract_urls"]

# ---- web addresses -------------------------------------------------------------------------------------------------

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


def _find_urls(text: str) -> Iterator[tuple[int, int]]:
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
            yield start.start(), end


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
    return [text[start:end] for start, end in _find_urls(text)]


# ---- e-mail addresses ----------------------------------------------------------------------------------------------


def extract_emails(text: str) -> list[str]:
    """E-mail addresses in a text, in order of appearance.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    list of text
        The values of `find_pii(text, 'email')`: letters and digits of any script, `_%+'-` and single inner dots before
        the `@`, and behind it labels with dots between them, the last of two letters or more. An address begins and
        ends at a word's end. The `@` behind `user:password` in a URL is none of an address.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `@` is only looked at.
    Source : RFC 5321, RFC 6531; the grammar of find_pii.

    Examples
    --------
    >>> extract_emails("Ana <ana@example.org>, joão@exemplo.com.br.")
    ['ana@example.org', 'joão@exemplo.com.br']
    >>> extract_emails("me @home, user@localhost")
    []
    """
    return [str(finding["value"]) for finding in find_pii(text, "email")]


# ---- mentions and hashtags -----------------------------------------------------------------------------------------

# Joiners that Persian and Indic words hold, the Catalan and the Japanese middle dot.
_JOINERS_OF_TAGS = "\u200c\u200d\u00b7\u30fb"
_JOINERS_OF_NAMES = "\u200c\u200d.-"


def _is_word(c: str) -> bool:
    """A letter, a digit, a mark or `_`; variation selectors only choose the look of an emoji."""
    if "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef":
        return False
    return c == "_" or unicodedata.category(c)[0] in "LNM"


def _measure_name(text: str, at: int, joiners: str) -> int:
    """Where the name that begins at `at` ends: words, single joiners between them, and no mark first."""
    first = text[at : at + 1] or " "
    if not _is_word(first) or unicodedata.category(first)[0] == "M":
        return at
    while at < len(text):
        joins = text[at] in joiners and _is_word(text[at + 1 : at + 2] or " ")
        if not joins and not _is_word(text[at]):
            break
        at += 1
    return at


def _has_letter(name: str) -> bool:
    return any(unicodedata.category(c)[0] == "L" for c in name)


def _covered(spans: Iterator[tuple[int, int]]) -> set[int]:
    return {at for start, end in spans for at in range(start, end)}


def _measure_mention(text: str, at: int) -> int:
    """Where the mention whose `@` is at `at` ends; `at` if there is none."""
    # WhatsApp writes the name of a contact between direction isolates, with spaces.
    if isolated := re.compile("\u2068[^\u2068\u2069\n]+\u2069").match(text, at + 1):
        return isolated.end()
    end = _measure_name(text, at + 1, _JOINERS_OF_NAMES)
    name = text[at + 1 : end]
    if not _has_letter(name) and not re.fullmatch("[0-9]{8,}", name):
        return at
    if text[end : end + 1] == "@":
        server_end = _measure_name(text, end + 1, _JOINERS_OF_NAMES)
        if "." in text[end:server_end]:
            return server_end
    return end


def extract_mentions(text: str) -> list[str]:
    """Mentions of people in a text, `@name`, in order of appearance.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    list of text
        Each as it stands in the text, with its `@` (or the full-width one). A name begins with a letter, a digit or `_`
        and goes on with such and combining marks, of any script; between two of them may stand one of `.`, `-`, U+200C,
        U+200D. It has a letter, or is a number of eight ASCII digits or more, as WhatsApp writes people who are not in
        the contacts. `@name@server.tld` is one mention. So is a name between U+2068 and U+2069 on one line, the way in
        which WhatsApp writes contacts, whatever it holds. No mention stands behind a letter, a digit, `_`, `@` or `/`,
        inside a URL of `extract_urls`, or where the `@` is that of an address of `extract_emails`.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `@` is only looked at.
    Source : user names of Twitter, Instagram, Telegram, Discord, Mastodon; WhatsApp exports.

    Examples
    --------
    >>> extract_mentions("@ana and (@bo.li-2), mail c@d.org")
    ['@ana', '@bo.li-2']
    >>> extract_mentions("3 @ 5, @10, https://example.org/@ana, @5511987654321")
    ['@5511987654321']
    """
    inside = _covered(_find_urls(text)) | _covered((int(f["start"]), int(f["stop"])) for f in find_pii(text, "email"))
    mentions = []
    at = 0
    while sign := re.compile("[@＠]").search(text, at):
        start = at = sign.start()
        before = text[start - 1 : start] or " "
        if not _is_word(before) and before not in "@＠/" and start not in inside:
            at = _measure_mention(text, start)
        if at == start:
            at += 1
        else:
            mentions.append(text[start:at])
    return mentions


def extract_hashtags(text: str) -> list[str]:
    """Hashtags in a text, in order of appearance.

    Parameters
    ----------
    text : text
        Any text.

    Returns
    -------
    list of text
        Each as it stands in the text, with its `#` (or the full-width `＃`). Behind it stands a letter, a digit or `_`,
        then such and combining marks, of any script, at least one of all a letter; between two of them may stand one of
        U+200C, U+200D, `·`, `・`. No hashtag stands behind a letter, a digit, `_`, `&` or `/`, unless another hashtag
        ends there, or inside a URL of `extract_urls`.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `#` is only looked at.
    Source : UAX #31 hashtag identifiers, without emoji.

    Examples
    --------
    >>> extract_hashtags("#DuckDB, #日本語 #2024goals#love")
    ['#DuckDB', '#日本語', '#2024goals', '#love']
    >>> extract_hashtags("C#, issue #42, &#x27; https://example.org/#top")
    []
    """
    inside = _covered(_find_urls(text))
    hashtags = []
    at = last = 0
    while sign := re.compile("[#＃]").search(text, at):
        start = sign.start()
        at = start + 1
        before = text[start - 1 : start] or " "
        follows = start == last > 0
        if (not follows and (_is_word(before) or before in "&/")) or start in inside:
            continue
        end = _measure_name(text, at, _JOINERS_OF_TAGS)
        if _has_letter(text[at:end]):
            hashtags.append(text[start:end])
            at = last = end
    return hashtags
