"""Seeded texts: what chats hold, what the functions look for, and what Unicode allows."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable


def listed(text: str) -> list[str]:
    return text.split("|")


ASCII_WORDS = listed(
    "the|cat|sat|on|a|mat|see|you|at|5pm|ok|don't|e-mail|me|re:|invoice_42|v2.0.1|and/or|3,50|it's|'quoted'"
)
WORDS = listed(
    "Olá|São|niño|Straße|œuvre|Ærø|Ĳssel|ﬁne|ﬂow|½|№|Ⅷ|①|ｆｕｌｌ|日本語|東京|한국어|العربية|עברית|हिन्दी|ไทย|Ελλάδα|Привет|İstanbul|ǆ"
)
MARKS = [0x300, 0x301, 0x308, 0x327, 0x323, 0x345, 0x5B0, 0x64B, 0x93C, 0xE31, 0x1D165, 0x20E3, 0x3099, 0x302A, 0xFE0F]
INVISIBLE = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x17B4, 0x180E, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0x1BCA0, 0x1D173),
    *(*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xE0001, 0xE0061, 0xE0100),
]
SPACES = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
EMOJI = listed("☺︎|©|5⃣|🇽🇽|👩‍👩|🏴󠁧󠁢|😀|👍🏽|👨‍👩‍👧‍👦|🏳️‍🌈|🇧🇷|🇵🇹🇯🇵|1️⃣|❤️|☎|🧑🏿‍🚀|🏴󠁧󠁢󠁥󠁮󠁧󠁿|‍|🏻")
PERSONAL = listed(
    "ana@example.org|a.b+c@mail.example.co.uk|x@y|@ana|ana@|josé@exämple.de|+1 (555) 010-9999|+351 912 345 678|"
    "0044 20 7946 0958|(11) 98765-4321|11987654321|555-0199|4111 1111 1111 1111|4111-1111-1111-1112|378282246310005|"
    "GB82 WEST 1234 5698 7654 32|DE89370400440532013000|192.168.0.1|256.1.1.1|10.0.0.1/8|2001:db8::ff00:42:8329|::1|"
    "123-45-6789|000-12-3456|529.982.247-25|52998224725|11.222.333/0001-81|00:1B:44:11:3A:B7|v1.2.3.4|R$ 1.234,56|"
    "0x52908400098527886E0F7030069857D2E4169EE7|1BoatSLRHtKNngkdXEeobR76b53LETtpyT|https://user:pass@host.example|"
    "2024-03-05 09:15:00|05/03/2024|order 20240305001|<EMAIL_REDACTED>"
)
QUOTES = "\"'“”‘’„‟‚‛«»‹›⹂〝〞〟＂＇「」『』﹁﹂﹃﹄｢｣′″…、。"
ADDRESSES = listed(
    "http://x|https://example.org/a(b)?c=d#e|HTTPS://EXAMPLE.ORG|www.python.org|www.|http://|https://例え.jp/道|"
    "http://[::1]:80/|https://a.b/c,https://d.e|ftp://no|//cdn.example|see:https://t.co/x.|(http://a.b/(c)|"
    "https://user@host/|wwww.a.b.c|xhttp://a"
)
TAGS = listed(
    "@ana|@bo.li|@\u2068Ana Silva\u2069|@5511987654321|#tag|#日本語|#हिन्दी|#a#b|＃東京|＠ana|#2024|.@x|a+@b.org|"
    "https://x.org/@ana#b|&#x27;|@a@b.example"
)
MARKUP = listed(
    '<b>|</b>|<br/>|<a href="x">|&amp;|&lt;|&#x27;|&#128512;|&notin;|&bogus;|<!-- c -->|<script>x</script>|'
    "<|>|&|\"|'|<<>>|<p>|</p>|<br>|<pre>|</pre>|<td>|<!--|-->|</script>|<style>|<a b='"
)
HEADERS = listed(
    "[05/03/2024, 09:15:20] Ana: |05/03/2024, 09:15 - Ana: |3/5/24, 9:15\u202fAM - Bo: |05.03.24, 09:15 - |"
    "2024-03-05, 21:15 - +55 11 98765-4321: |[5/3/24 9:15:20 PM] ~\u202fZoë 🦆: |\u200e[05/03/2024, 09:16:00] Ana: |"
    "13/13/2024, 25:61 - x: |31/12/99, 23:59 - A: b: "
)
BODIES = listed(
    "ok|<Media omitted>|\u200eimage omitted|IMG-20240305-WA0001.jpg (file attached)|line one\nline two|null|"
    "\u200e<attached: 00000012-PHOTO.jpg>|This message was deleted|Messages and calls are end-to-end encrypted.|"
    "my plan (2).docx (arquivo anexado)|<Anhang: a b.vcf>|PTT-20210101-WA12.opus|Ana added Bo|"
    "05/03 at 09:15 - not a header"
)
ODD = listed("\0|\x7f|\u0080|\ufffd|\uffff|\U0010ffff|.|,|:|@|(|)|[|-|%")


def code_point(rng: random.Random) -> str:
    """Any code point but a surrogate; every block size has its share, the whole space included."""
    while True:
        point = rng.randrange(rng.choice((0x80, 0x250, 0x800, 0x3100, 0xAC00, 0x10000, 0x20000, 0x110000)))
        if not 0xD800 <= point <= 0xDFFF:
            return chr(point)


def number(rng: random.Random) -> str:
    """Digits with separators: like a phone or a card, and mostly neither."""
    digits = "".join(rng.choices("0123456789", k=rng.randint(1, 20)))
    cut = rng.randint(0, len(digits))
    start, between = rng.choice(("", "+", "(", "00")), rng.choice(("", " ", "-", ".", ") ", ":", "/"))
    return start + digits[:cut] + between + digits[cut:]


PIECES: dict[str, Callable[[random.Random], str]] = {
    "ascii": lambda rng: rng.choice(ASCII_WORDS),
    "word": lambda rng: rng.choice(WORDS),
    "any": code_point,
    "mark": lambda rng: rng.choice("aeoAé語") + "".join(chr(p) for p in rng.choices(MARKS, k=rng.randint(1, 4))),
    "hangul": lambda rng: chr(rng.randint(0x1100, 0x11FF)) + chr(rng.randint(0x1160, 0x11FF)),
    "invisible": lambda rng: chr(rng.choice(INVISIBLE)),
    "space": lambda rng: rng.choice(SPACES) * rng.randint(1, 3),
    "emoji": lambda rng: rng.choice(EMOJI),
    "quote": lambda rng: rng.choice(QUOTES),
    "personal": lambda rng: rng.choice(PERSONAL),
    "number": number,
    "address": lambda rng: rng.choice(ADDRESSES),
    "tag": lambda rng: rng.choice(TAGS),
    "markup": lambda rng: rng.choice(MARKUP),
    "chat": lambda rng: rng.choice(("", "", "\n", "\r\n")) + rng.choice(HEADERS) + rng.choice(BODIES),
    "odd": lambda rng: rng.choice([*ODD, "|"]),
}


def text(rng: random.Random, length: int | None = None) -> str:
    """A text out of a few kinds of pieces, so that alike ones meet; at most `length` code points."""
    length = rng.randint(0, 200) if length is None else length
    kinds = rng.choices(list(PIECES), k=rng.randint(1, 4))
    glue = rng.choice((" ", " ", "", "\n", ", "))
    made, size = [], 0
    while size < length:
        made.append(PIECES[rng.choice(kinds)](rng) + (glue if rng.random() < 0.8 else ""))
        size += len(made[-1])
    return "".join(made)[:length]


def exact_bytes(rng: random.Random, size: int) -> str:
    """A text of exactly so many UTF-8 bytes, which often ends in a wide character."""
    made = text(rng, size).encode()[:size].decode(errors="ignore")
    missing = size - len(made.encode())
    for wide in ("😀", "語", "é"):
        if missing >= len(wide.encode()) and rng.random() < 0.5:
            made, missing = made + wide, missing - len(wide.encode())
    return made + "x" * missing


# DuckDB keeps up to 12 bytes inside the string; masks have 64 bits; vectors have 2,048 rows.
EDGES = (0, 1, 7, 8, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 2047, 2048, 2049)


def texts(rng: random.Random, count: int) -> list[str]:
    """`count` texts of up to 200 code points, and one of each length at which something changes."""
    return [text(rng) for _ in range(count)] + [exact_bytes(rng, size) for size in EDGES]


def changed(rng: random.Random, base: str) -> str:
    """A copy with a few pieces put in, taken out, moved or put in place of others."""
    for _ in range(rng.randint(1, 4)):
        at, to = sorted(rng.randint(0, len(base)) for _ in range(2))
        to = min(to, at + 12)
        piece = rng.choice(("", "", base[at:to], text(rng, rng.randint(1, 8))))
        base = base[:at] + piece + base[to:] if rng.random() < 0.7 else base[to:] + " " + base[:at]
    return base


def pairs(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Pairs of texts: alike, equal, and strangers, of lengths that are equal or far apart."""
    found = []
    for a in texts(rng, count):
        roll = rng.random()
        b = changed(rng, a) if roll < 0.5 else a if roll < 0.55 else text(rng, rng.choice((0, 1, 8, len(a), 200)))
        found.append((a, b) if rng.random() < 0.5 else (b, a))
    return found


def integers(rng: random.Random, count: int) -> list[list[int]]:
    """Lists of sizes: most below a hundred, some zero, some far above."""
    lengths = [0, 1, *(rng.choice((2, 5, 40, 300)) for _ in range(count))]
    return [[rng.choice((0, 1, rng.randint(1, 99), rng.randint(1, 10**6))) for _ in range(n)] for n in lengths]


NATURALS = 128


def naturals(rng: random.Random, count: int) -> list[list[int]]:
    """Lists of one length, out of a few numbers each, so that two of them agree in places."""
    pool = [0, 1, 2**63, 2**64 - 1, *(rng.getrandbits(64) for _ in range(4))]
    return [rng.choices(pool, k=NATURALS) for _ in range(count)]


# ---- exports of chats ------------------------------------------------------------------------------------------------

DIGITS = listed("0123456789|٠١٢٣٤٥٦٧٨٩|۰۱۲۳۴۵۶۷۸۹|०१२३४५६७८९|০১২৩৪৫৬৭৮৯|๐๑๒๓๔๕๖๗๘๙|０１２３４５６７８９|𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡")
MARKERS = listed(
    "AM,PM|am,pm|a.m.,p.m.|a. m.,p. m.|a.\u00a0m.,p.\u00a0m.|上午,下午|凌晨,晚上|清晨,中午|午前,午後|오전,오후|ص,م|"
    "ق.ظ.,ب.ظ.|π.μ.,μ.μ.|дп,пп|de.,du.|dop.,odp.|fm,em|ap.,ip.|SA,CH|пр.об.,сл.об.|vorm.,nachm.|vormittags,nachmittags|"
    "morgens,abends|nachts,mittags|ÖÖ,ÖS|לפנה״צ,אחה״צ|in the morning,in the afternoon|xm,ym|Uhr,Uhr"
)
CONNECTORS = listed("|||klo|à|às|kl.|um|at|el día")
DATES = listed(
    "d/m/Y|d/m/Y|m/d/y|m/d/y|d.m.y|d.m.Y.|d. m. Y.|d-m-Y|"
    "Y-m-d|Y/m/d|Y. m. d.|Y年m月d日|m/d/B BE|d.m.y г.|m/d/E|E/m/d|S/m/d"
)
SPACES_IN_HEADERS = listed(" | | |\u00a0|\u202f|\u2009|\t")
HEADER_MARKS = ("", "", "", "", "", "\u200e", "\u200f", "\ufeff", "\u202a")
AUTHORS = listed(
    'Ana|Bo|+55 61 5550-0101|~\u202fZoë|Dr: House|Re:Max|12:30 Club|"JJ" Smith|„Max“ M|a "b|علي|小明 🦆|[x] - y'
)


def digits_of(number: int, width: int, system: str) -> str:
    return "".join(system[int(digit)] for digit in str(number).rjust(width, "0"))


class Dialect:
    """One way to write headers."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.form = rng.choice(("bracket", "dash", "dash", "dash", "time first", "colon", "word"))
        self.system = DIGITS[0] if rng.random() < 0.7 else rng.choice(DIGITS)
        self.date = rng.choice(DATES)
        self.padded = rng.choice((1, 2, 2))
        self.comma = rng.choice((",", ",", "", "،", "."))
        self.space = rng.choice(SPACES_IN_HEADERS)
        self.connector = rng.choice(CONNECTORS)
        self.colon = rng.choice((":", ":", ":", ".", " h ", "\u00a0h\u00a0"))
        self.has_seconds = self.form in ("bracket", "time first", "colon") or rng.random() < 0.1
        self.markers = rng.choice(MARKERS).split(",") if rng.random() < 0.5 else None
        self.place = rng.choice(("after", "after", "before"))
        self.marks = rng.random() < 0.2
        self.dash = rng.choice("--–—")

    def number(self, value: int, width: int = 1) -> str:
        return digits_of(value, width, self.system)

    def day(self, date: datetime.datetime) -> str:
        fields = {
            "d": self.number(date.day, self.padded),
            "m": self.number(date.month, self.padded),
            "Y": self.number(date.year),
            "y": self.number(date.year % 100, 2),
            "B": self.number(date.year + 543),
            "E": "R" + self.number(date.year - 2018),
            "S": self.number(date.year - 621),
        }
        marks = HEADER_MARKS if self.marks else ("",)
        written = [fields.get(c, c) + (self.rng.choice(marks) if c in "/.-" else "") for c in self.date]
        return self.rng.choice(marks) + "".join(written)

    def clock(self, time: datetime.datetime) -> str:
        hour = time.hour
        if self.markers and self.rng.random() < 0.98:
            hour = hour % 12 or 12
        written = self.number(hour, self.rng.choice((1, self.padded))) + self.colon + self.number(time.minute, 2)
        if self.has_seconds:
            second = self.number(time.second, 2)
            written += f" min {second} s" if "h" in self.colon else self.colon + second
        if not self.markers:
            return written
        marker = self.markers[time.hour >= 12]
        gap = self.rng.choice(("", " ", self.space))
        return written + gap + marker if self.place == "after" else marker + gap + written

    def header(self, at: datetime.datetime) -> str:
        mark = self.rng.choice(HEADER_MARKS) if self.marks else ""
        connector = self.connector + self.space if self.connector else ""
        stamp = self.day(at) + self.comma + self.space + connector + self.clock(at)
        if self.form == "word":
            month = self.rng.choice(("Sep", "März", "de agosto", "OKT.", "août", "x"))
            date = f"{self.number(at.day)} {month} {self.number(at.year)}"
            return f"{mark}{self.clock(at)}, {date} {self.dash} "
        if self.form == "bracket":
            return f"{mark}[{mark}{stamp}{mark}] "
        if self.form == "time first":
            return f"{mark}[{self.clock(at)}, {self.day(at)}] "
        return f"{mark}{stamp}: " if self.form == "colon" else f"{mark}{stamp} {self.dash} "


def export_lines(rng: random.Random, dialect: Dialect, count: int) -> list[str]:
    """Messages in one dialect; some hold lines that look like headers."""
    at = datetime.datetime(2019, 1, 1) + datetime.timedelta(minutes=rng.randrange(3_000_000))
    other, lines = Dialect(rng), []
    authors = rng.choices(AUTHORS, k=rng.randint(1, 4))
    for _ in range(count):
        at += datetime.timedelta(seconds=rng.choice((0, 20, 90, 4000, 90_000, -90, 3_000_000)))
        author = rng.choice([*authors, *authors, None])
        body = rng.choice(BODIES) if rng.random() < 0.6 else text(rng, rng.randint(0, 60))
        if rng.random() < 0.05:
            body += f" IMG-{at:%Y%m%d}-WA0001.jpg"
        lines.append(dialect.header(at) + (f"{author}{rng.choice((': ', ': ', ': ', ':'))}" if author else "") + body)
        if rng.random() < 0.08:
            lines.append(
                rng.choice((other.header(at) + "X: pasted", dialect.header(at)[1:], "12:30 - lunch", "", "3 x"))
            )
    return lines


def export(rng: random.Random) -> str:
    """A chat as a phone of some language exports it; sometimes two behind each other, or lines before it."""
    lines = ["no header"] * rng.choice((0, 0, 0, 1, 3))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        lines += export_lines(rng, Dialect(rng), rng.choice((1, 3, 8, 30)))
    ends = rng.choice((["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\r\n", "\r\n", "\r\n", "\n"]))
    return "".join(line + rng.choice(ends) for line in lines)


def mutated(rng: random.Random, content: str) -> str:
    """A chat that was cut, or lost, gained or swapped characters and lines."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(content))
        kind = rng.randrange(5)
        if kind == 0:
            content = content[:at] if rng.random() < 0.3 else content[at:]
        elif kind == 1:
            content = content[:at] + content[at + 1 :]
        elif kind == 2 and at < len(content):
            flipped = chr(ord(content[at]) ^ 1 << rng.randrange(8))
            content = content[:at] + (flipped if flipped.isprintable() else "\0") + content[at + 1 :]
        elif kind == 3:
            lines = content.split("\n")
            rng.shuffle(lines)
            content = "\n".join(lines)
        else:
            content = (
                content[:at]
                + rng.choice((":", " ", "\u200e", "\n", "\r", "٣", "9", "AM", "-", "]", "\0"))
                + content[at:]
            )
    return content
