"""The code that pipelines write today: plain Python, one row at a time.

Every ratio of the demo and of the benchmarks is against these functions, so that a slow specification flatters nobody.
They are simpler than the library's functions (two kinds of personal data, URLs with their trailing punctuation).
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import hmac
import html
import random
import re
import unicodedata
import uuid
import zlib
from collections.abc import Iterable, Mapping

_EMAIL = re.compile(r"[\w.-]+@[\w.-]+\.\w+")
_PHONE = re.compile(r"(\+\d{1,2}\s?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`\[\]]+")
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^>]*>")
_MENTION = re.compile(r"(?<!\w)@\w+")
_HASHTAG = re.compile(r"(?<!\w)#\w+")
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\U0001f300-\U0001faff](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
)
_MEDIA = (
    re.compile(r"\b(?:IMG|VID|AUD|PTT|DOC)-\d+-WA\d+\.\w+\b"),
    re.compile(r"([\w.-]+\.\w+)\s*\((?:file attached|arquivo anexado|archivo adjunto)\)"),
    re.compile(r"<attached: ([^>]+)>"),
)
_ATTACHED = re.compile(r"(\S+\.(\w+)) \((?:file attached|arquivo anexado|archivo adjunto)\)|<attached: ([^>]+\.(\w+))>")
_MEDIA_KINDS = {"jpg": "!Image", "webp": "!Image", "png": "!Image", "mp4": "Video", "opus": "Audio", "m4a": "Audio"}
_WORD = re.compile(r"\w+")
_PERMUTATIONS = [(random.Random(i).randrange(1, 1 << 32), random.Random(-i).randrange(1 << 32)) for i in range(128)]
_NOT_SLUG = re.compile("[^a-z0-9]+")
_INVISIBLE = dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
_STRAIGHT = str.maketrans("‘’‚“”„", "'''\"\"\"")
_HEADER = re.compile(
    r"[\u200e\u200f]?\[?(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})\.?,?\s(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?"
    r"(?:\s?([AaPp])\.?\s?[Mm]\.?)?(?:\]| -)\s(?:(.*?): )?(.*)"
)


def normalize(text: str) -> str:
    """NFKC."""
    return unicodedata.normalize("NFKC", text)


def strip_invisible(text: str) -> str:
    """Text without the invisible characters that chats contain."""
    return text.translate(_INVISIBLE)


def clean_text(text: str) -> str:
    """NFKC, invisible characters removed, white space squashed."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_INVISIBLE).split())


def squash_spaces(text: str) -> str:
    """One space for each run of white space."""
    return " ".join(text.split())


def fold(text: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def straighten_quotes(text: str) -> str:
    """The quotation marks of English and German."""
    return text.translate(_STRAIGHT)


def unquote(text: str) -> str:
    """Without ASCII quotation marks at both ends."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def html_escape(text: str) -> str:
    """As the standard library."""
    return html.escape(text)


def html_unescape(text: str) -> str:
    """As the standard library."""
    return html.unescape(text)


def html_to_text(text: str) -> str:
    """Scripts and styles out, each tag a space, references replaced, white space squashed."""
    return " ".join(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text))).split())


def scrub_pii(text: str) -> str:
    """E-mail addresses, then phone numbers."""
    return _PHONE.sub("<PHONE_REDACTED>", _EMAIL.sub("<EMAIL_REDACTED>", text))


def extract_urls(text: str) -> list[str]:
    """Everything that starts with http:// or https://."""
    return _URL.findall(text)


def extract_emails(text: str) -> list[str]:
    """What looks like an e-mail address."""
    return _EMAIL.findall(text)


def extract_mentions(text: str) -> list[str]:
    """An at sign and a word."""
    return _MENTION.findall(text)


def extract_hashtags(text: str) -> list[str]:
    """A number sign and a word."""
    return _HASHTAG.findall(text)


def extract_emoji(text: str) -> list[str]:
    """Characters of the blocks that hold most emoji, with a skin tone or a selector, and flags."""
    return _EMOJI.findall(text)


def extract_media(text: str) -> list[str]:
    """Names that WhatsApp makes, and those in the commonest markers."""
    return list(dict.fromkeys(name for pattern in _MEDIA for name in pattern.findall(text)))


def media_to_markdown(text: str) -> str:
    """The commonest markers of attached files, as links."""

    def link(match: re.Match[str]) -> str:
        kind = _MEDIA_KINDS.get((match[2] or match[4]).lower(), "Document")
        name = match[1] or match[3]
        return f"![{kind[1:]}]({name})" if kind[0] == "!" else f"[{kind}]({name})"

    return _ATTACHED.sub(link, text)


def slugify(text: str, max_length: int = 60) -> str:
    """Lower-case ASCII words with hyphens between them."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", ascii_text).strip("-")[:max_length].rstrip("-")


def chunk_text(text: str, max_chars: int = 800, overlap: int = 200) -> list[str]:
    """Words joined up to a length; the next chunk begins with the last ones again."""
    chunks: list[str] = []
    current: list[str] = []
    size = 0
    for word in text.split():
        if current and size + 1 + len(word) > max_chars:
            chunks.append(" ".join(current))
            kept: list[str] = []
            size = -1
            for last in reversed(current):
                if size + 1 + len(last) > overlap:
                    break
                kept.append(last)
                size += 1 + len(last)
            current = kept[::-1]
            size = max(size, 0)
        size += len(word) + bool(current)
        current.append(word)
    if current:
        chunks.append(" ".join(current))
    return chunks


def count_words(text: str) -> int:
    """Runs of letters, digits and underscores."""
    return len(_WORD.findall(text))


def estimate_tokens(text: str) -> int:
    """Four characters a token."""
    return max(1, len(text) // 4)


def pack_windows(sizes: list[int], budget: int, overlap: int = 0) -> list[tuple[int, int, int]]:
    """First and last item, from 1, and total of every window."""
    windows: list[tuple[int, int, int]] = []
    first, total = 0, 0
    for at, size in enumerate(sizes):
        if at > first and total + size > budget:
            windows.append((first + 1, at, total))
            while first < at and (total > overlap or total + size > budget or overlap == 0):
                total -= sizes[first]
                first += 1
        total += size
    if sizes:
        windows.append((first + 1, len(sizes), total))
    return windows


def has_pii(text: str) -> bool:
    """Whether there is an e-mail address or a phone number."""
    return bool(_EMAIL.search(text) or _PHONE.search(text))


def pseudonym(text: str, key: str) -> str:
    """HMAC-SHA-256, cut."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def edit_distance(a: str, b: str) -> int:
    """The textbook's table, two rows of it."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


def ratio(a: str, b: str) -> float:
    """As the standard library has it."""
    return 100 * difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def token_sort_ratio(a: str, b: str) -> float:
    """Of the words in order."""
    return ratio(" ".join(sorted(a.split())), " ".join(sorted(b.split())))


def contains_any(text: str, patterns: Iterable[str]) -> bool:
    """One pattern after the other."""
    return any(pattern in text for pattern in patterns)


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Many patterns as one expression, the longest first."""
    return re.compile("|".join(map(re.escape, sorted(patterns, key=len, reverse=True))))


def find_many(text: str, expression: re.Pattern[str]) -> list[dict[str, str | int]]:
    """What the expression finds and where."""
    return [{"pattern": match[0], "start": match.start(), "stop": match.end()} for match in expression.finditer(text)]


def replace_many(text: str, expression: re.Pattern[str], replacements: Mapping[str, str]) -> str:
    """What the expression finds, looked up."""
    return expression.sub(lambda match: replacements[match[0]], text)


def minhash(text: str, num_hashes: int = 128, ngram_size: int = 3) -> list[int]:
    """The smallest hash of all n-grams of words, for each of several hashes."""
    words = text.split()
    grams = {" ".join(words[i : i + ngram_size]) for i in range(max(1, len(words) - ngram_size + 1))}
    hashes = [zlib.crc32(gram.encode()) for gram in grams]
    return [min((a * h + b) % 4294967311 for h in hashes) for a, b in _PERMUTATIONS[:num_hashes]]


def simhash(text: str, ngram_size: int = 4) -> int:
    """Sums of the bits of all n-grams."""
    sums = [0] * 64
    for i in range(max(1, len(text) - ngram_size + 1)):
        h = int.from_bytes(hashlib.blake2b(text[i : i + ngram_size].encode(), digest_size=8).digest(), "big")
        for bit in range(64):
            sums[bit] += 1 if h >> bit & 1 else -1
    return sum(1 << bit for bit in range(64) if sums[bit] > 0)


def uuid5(namespace: uuid.UUID, name: str) -> str:
    """As the standard library, written out."""
    return str(uuid.uuid5(namespace, name))


def parse_whatsapp(content: str) -> list[tuple[datetime.datetime, str | None, str]]:
    """Time, author and text of every message: one compiled regular expression a line, day before month unless a date
    says otherwise."""
    found: list[tuple[re.Match[str], list[str]]] = []
    month_first = False
    for line in content.split("\n"):
        match = _HEADER.match(line)
        if match is None:
            if found:
                found[-1][1].append(line)
            continue
        month_first = month_first or int(match[2]) > 12
        found.append((match, [match[9]]))
    messages: list[tuple[datetime.datetime, str | None, str]] = []
    for match, lines in found:
        first, second, third = int(match[1]), int(match[2]), int(match[3])
        if first > 31:
            year, month, day = first, second, third
        else:
            day, month = (second, first) if month_first else (first, second)
            year = third + 2000 if third < 100 else third
        hour = int(match[4])
        if match[7]:
            hour = hour % 12 + (12 if match[7] in "pP" else 0)
        try:
            time = datetime.datetime(year, month, day, hour, int(match[5]), int(match[6] or 0))
        except ValueError:  # looks like a header, and is text
            if messages:
                messages[-1] = (*messages[-1][:2], "\n".join([messages[-1][2], match[0], *lines[1:]]).strip())
            continue
        messages.append((time, match[8], "\n".join(lines).strip()))
    return messages
