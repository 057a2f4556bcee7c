"""The corpora of the benchmarks: chat messages and author names, seeded, of any size.

    python bench/corpora.py --rows 1000000        writes what the corpus is really made of

Nobody wrote these messages. Lengths and the shares of what text functions look for are those of group chats: most rows
are short and ASCII, a fifth is not, addresses and numbers are rare.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from streamliner_udf.sql import quoted

DOCUMENT_MESSAGES = 50
LIST_MESSAGES = 1000
CACHE = Path(__file__).parents[1] / "build" / "bench-cache"


def _words(text: str) -> list[str]:
    return text.split()


# ---- what messages are made of -------------------------------------------------------------------------------------

# A window of a tape ends with a whole word, so the median of the messages is two bytes less; the spread gives a mean of
# 100 bytes and one row in a hundred above 510.
WINDOW_BYTES, SPREAD, LONGEST = 71, 0.861, 4_096

# Shares of rows.
LANGUAGES = (("latin", 0.112), ("chinese", 0.026), ("arabic", 0.012), ("cyrillic", 0.018), ("decomposed", 0.006))
EMOJI, INVISIBLE, COMPATIBILITY = 0.044, 0.006, 0.006
EMAIL, MENTION, PHONE, URL, MEDIA, LINES, MARKUP, QUOTES = 0.023, 0.009, 0.02, 0.08, 0.02, 0.036, 0.035, 0.03

_ENGLISH = _words("""
    the a to and of in it is you that we for on be at with this have not are but was what they from will can all just if
    so like about there out get one when time would good know see make go could now really think then want need some
    here more come back today tomorrow tonight meeting dinner lunch train station ticket price market garden school
    family kids mother brother friend neighbour house kitchen window table paper project report invoice order delivery
    street corner bridge river mountain weather rain sunny cold warm winter summer weekend Monday Friday morning evening
    night hour minute later soon maybe perhaps probably sure definitely great nice lovely awful funny strange quick slow
    early late busy free open closed full empty first second third last next other another many few enough please thanks
    sorry hello yes no okay right wrong left answer question idea plan photo video music concert film book story game
    coffee tea bread cheese soup salad doctor medicine phone battery laptop account bank money budget receipt key door
    lol ok haha btw idk fyi ... !! ?? :) ;)
""")
_NUMBERS = _words("10:30 5pm 50% $20 24/7 v2.0 2024 3 12")
_WIDE = {
    "latin": _words("""
        você não está amanhã reunião também até mãe café pão coração preço avião para com uma mais hoje obrigado vamos
        mañana qué cómo niño año días corazón aquí después gracias donde cuando schön für über müssen Straße Grüße
        nächste früh später heißt Küche ich wir und das nicht auf été déjà après où être très français garçon forêt nous
        avec pour demain merci maison bien
    """),
    "chinese": _words("今天 明天，我们 你好 谢谢 可以的 什么时候 晚上开会 吃饭 回家 火车 电影 没问题 知道了。 多少钱"),
    "arabic": _words("مرحبا شكرا اليوم غدا البيت العمل أين متى كيف صباح مساء الخير جميل نعم لا في من على إلى هذا"),
    "cyrillic": _words("привет сегодня завтра спасибо хорошо где когда можно нужно очень дом работа встреча вечером"),
}
_WIDE["decomposed"] = [unicodedata.normalize("NFD", word) for word in _WIDE["latin"]]
_EMOJI = _words("😂 👍 ❤️ 🙏 🎉 😅 🔥 😍 🤔 👏 💪 😊 ☕ 👨‍👩‍👧‍👦 👍🏽 🇧🇷 🏳️‍🌈 😭 ✨ 1️⃣")
_INVISIBLE = ["\u200e", "\u200f", "\u2060", "\ufeff", "\u200b"]
_COMPATIBILITY = ["wait…", "ﬁne", "½ price", "5 km²", "Ｈｅｌｌｏ", "no\u00a0way", "①", "℡", "Ⅳ"]
_MARKUP = ["<3", "a & b", "->", "x < y", "R&D", "<Media omitted>", "=> ok", "Q&A", "<b>", ">>>"]
_QUOTES = ["don't", "it's", '"yes"', "I'm", "let's", 'the "plan"']
_GIVEN = _words("""
    Ana Bruno Carla Diego Elena Felipe Gabi Hugo Inês João Karla Luís Maria Nuno Olga Pedro Rita Sofia Tiago Zoë Anna
    Ben Chloé Daniel Emma Finn Grace Hans Ida Jack Kim Lars Mia Noah Oskar Paul Lucía Jürgen André Иван Ольга 王伟 محمد
""")
_FAMILY = _words("""
    Silva Santos Costa Pereira Gonçalves Müller Schmidt Weber Smith Jones Brown Taylor Nguyen Kowalski Novák Martin
    Bernard Dubois García López Rossi Ivanov Hansen Olsen de~Souza van~Dijk O'Brien Muñoz Åberg Öztürk
""")
_TAPE_WORDS = 60_000  # of each language; a message is a window of such a tape


def _email(rng: random.Random) -> str:
    # Few addresses hold a letter outside ASCII; expressions that know only ASCII miss those.
    family = rng.choice(_FAMILY[:4] if rng.random() < 0.97 else _FAMILY[4:6]).lower()
    name = f"{rng.choice(_GIVEN[:8]).lower()}.{family}{rng.randrange(100)}"
    return f"{name}@{rng.choice(('example.org', 'example.com.br', 'mail.example.net'))}"


def _mention(rng: random.Random) -> str:
    return f"@{rng.choice(_GIVEN[:8]).lower()}"


def _phone(rng: random.Random) -> str:
    a, b, c = rng.randrange(200, 999), rng.randrange(100, 999), rng.randrange(1000, 9999)
    foreign = (f"+1 {a} {b} {c}", f"+55 11 9{b}1-{c}", f"+44 20 7{b} {c}")
    return rng.choice((*foreign, f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}"))


def _url(rng: random.Random) -> str:
    host = rng.choice(("example.com", "www.example.org", "news.example.net", "maps.example.com", "youtu.example"))
    tail = f"{rng.getrandbits(48):x}"
    form = rng.random()
    if form < 0.15:
        return f"https://{host}/watch?v={tail}&t={rng.randrange(300)}s"
    if form < 0.6:
        return f"https://{host}/{rng.choice(_ENGLISH[70:180])}/{tail}"
    return f"http{'s' if form < 0.9 else ''}://{host}/{tail[:6]}" + ("." if form > 0.95 else "")


def _media(rng: random.Random) -> str:
    day, number = f"2024{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}", rng.randrange(10_000)
    names = (f"IMG-{day}-WA{number:04}.jpg", f"VID-{day}-WA{number:04}.mp4", f"PTT-{day}-WA{number:04}.opus")
    return f"{rng.choice(names)} (file attached)"


_EXTRAS: tuple[tuple[float, Callable[[random.Random], str]], ...] = (
    (EMOJI, lambda rng: rng.choice(_EMOJI)),
    (INVISIBLE, lambda rng: rng.choice(_INVISIBLE)),
    (COMPATIBILITY, lambda rng: rng.choice(_COMPATIBILITY)),
    (EMAIL, _email),
    (MENTION, _mention),
    (PHONE, _phone),
    (URL, _url),
    (MEDIA, _media),
    (MARKUP, lambda rng: rng.choice(_MARKUP)),
    (QUOTES, lambda rng: rng.choice(_QUOTES)),
)


class _Tape:
    """A long run of words of one language, of which messages are windows."""

    def __init__(self, rng: random.Random, words: Sequence[str]) -> None:
        self.text = " ".join(rng.choices(words, k=_TAPE_WORDS))
        self.bytes_per_character = len(self.text.encode()) / len(self.text)

    def window(self, rng: random.Random, size: float) -> str:
        """About `size` bytes, whole words; at least one."""
        length = int(size / self.bytes_per_character)
        start = self.text.find(" ", int(rng.random() * (len(self.text) - length - 64))) + 1
        stop = self.text.rfind(" ", start, start + length + 1)
        return self.text[start : stop if stop > start else self.text.find(" ", start)]


def _insert(rng: random.Random, text: str, extra: str) -> str:
    at = text.find(" ", int(rng.random() * 1.2 * len(text)))
    return f"{text} {extra}" if at < 0 else f"{text[:at]} {extra}{text[at:]}"


def chat_messages(rows: int, seed: int = 7) -> list[str]:
    """Messages of a chat; a longer corpus begins with the shorter one."""
    rng = random.Random(f"chat {seed}")
    tapes = {name: _Tape(rng, words) for name, words in _WIDE.items()}
    english = _Tape(rng, [*_ENGLISH * 4, *_NUMBERS])
    below, wide = 0.0, []
    for name, share in LANGUAGES:
        below += share
        wide.append((below, name))
    messages = []
    for _ in range(rows):
        size = min(rng.lognormvariate(0, SPREAD) * WINDOW_BYTES, LONGEST - 100)
        draw = rng.random()
        if draw < below:
            name = next(name for limit, name in wide if draw < limit)
            text = tapes[name].window(rng, size)
            if text.isascii():
                text = f"{rng.choice(_WIDE[name][:3])} {text}"
        else:
            text = english.window(rng, size)
        for share, make in _EXTRAS:
            if rng.random() < share:
                extra = make(rng)
                # A short message with an address in it is little more than the address.
                if len(extra) > 12:
                    text = text[: max(0, len(text) - len(extra))].rpartition(" ")[0]
                text = _insert(rng, text, extra) if text else extra
        if rng.random() < LINES:
            at = text.find(" ", len(text) // 2)
            text = f"{text[:at]}\n{text[at + 1 :]}" if at > 0 else f"{text}\nok"
        messages.append(text)
    return messages


def authors(rows: int, seed: int = 7) -> list[str]:
    """Who wrote each message: about 600 names, a few of which write most."""
    rng = random.Random(f"authors {seed}")
    names = dict.fromkeys(f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}".replace("~", " ") for _ in range(8 * 600))
    chosen = list(names)[:600]
    return rng.choices(chosen, weights=[1 / (5 + rank) for rank in range(len(chosen))], k=rows)


def documents(rows: int, seed: int = 7) -> list[str]:
    """Texts of about 5,000 bytes: fifty messages each, a line a message, a blank line before every tenth."""
    messages = chat_messages(rows * DOCUMENT_MESSAGES, seed)
    return [
        "\n\n".join("\n".join(messages[at : at + 10]) for at in range(first, first + DOCUMENT_MESSAGES, 10))
        for first in range(0, len(messages), DOCUMENT_MESSAGES)
    ]


# ---- into DuckDB ---------------------------------------------------------------------------------------------------


def _cached(kind: str, make: Callable[[int], list[str]], rows: int) -> Path:
    """A Parquet file (id, t); another version of this module makes another file."""
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    path = CACHE / f"{kind}-{rows}-{version}.parquet"
    if not path.exists():
        import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
        import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]

        CACHE.mkdir(parents=True, exist_ok=True)
        table = pa.table({"id": pa.array(range(rows), pa.int64()), "t": pa.array(make(rows), pa.string())})
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(table, unfinished)
        unfinished.replace(path)
    return path


def load(connection: duckdb.DuckDBPyConnection, rows: int, table: str = "m") -> None:
    """Messages as the table (id, t); in memory if the database is."""
    _create(connection, table, _cached("chat", chat_messages, rows))


def load_authors(connection: duckdb.DuckDBPyConnection, rows: int, table: str = "a") -> None:
    """Authors as the table (id, t)."""
    _create(connection, table, _cached("authors", authors, rows))


def load_documents(connection: duckdb.DuckDBPyConnection, rows: int, table: str = "d") -> None:
    """Documents as the table (id, t)."""
    _create(connection, table, _cached("documents", documents, rows))


def misspelt(rows: int, seed: int = 7) -> list[str]:
    """Authors once more: half of them with a letter changed, the others strangers."""
    rng = random.Random(f"{seed} misspelt")
    names, found = authors(rows, seed), []
    for name in names:
        at = rng.randrange(len(name))
        changed = name[:at] + rng.choice("aeinorst ") + name[at + rng.randrange(2) :]
        found.append(changed if rng.random() < 0.5 else rng.choice(names))
    return found


def reworded(rows: int, seed: int = 7) -> list[str]:
    """Messages once more: half of them with words taken out or put in, the others strangers."""
    rng = random.Random(f"{seed} reworded")
    messages, found = chat_messages(rows, seed), []
    for message in messages:
        words = message.split(" ")
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(words) + 1)
            words[at : at + rng.randrange(2)] = rng.choice(([], ["maybe"], [rng.choice(_ENGLISH)]))
        found.append(" ".join(words) if rng.random() < 0.5 else rng.choice(messages))
    return found


def pages(rows: int, seed: int = 7) -> list[str]:
    """Small HTML pages, fifty messages each, with what pages have around their text."""
    rng = random.Random(f"{seed} pages")
    blocks = ("<p>{}</p>", "<li>{}", '<div class="x y">{}</div>', "<h2>{}</h2>", "<td>{}</td>", "{}<br/>", "<b>{}</b> ")
    found = []
    for document in documents(rows, seed):
        lines = [
            rng.choice(blocks).format(line.replace("&", "&amp;").replace("<", "&lt;")) for line in document.split("\n")
        ]
        head = f"<title>{rng.choice(_ENGLISH)}</title><style>p {{ margin: 0 }}</style><script>if (a < b) run()</script>"
        found.append(f"<!DOCTYPE html><html><head>{head}</head><body>\n" + "\n".join(lines) + "\n</body></html>")
    return found


def patterns(count: int, seed: int = 7) -> list[str]:
    """What to look for in messages: a few things that they hold, and made-up words that they do not."""
    rng = random.Random(f"patterns {seed}")
    held = [
        "coffee",
        "train station",
        "invoice_",
        "budget",
        "reunião",
        "São Paulo",
        "今天晚上",
        "спасибо",
        "@maria",
        "+44 20",
    ]
    found = dict.fromkeys(held)
    while len(found) < count:
        syllables = (rng.choice("bcdfghjklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randint(3, 6)))
        found["".join(syllables) + rng.choice(("", "n", "s", "r"))] = None
    return list(found)[:count]


def load_patterns(connection: duckdb.DuckDBPyConnection, count: int = 1_000, table: str = "patterns") -> None:
    """Patterns as the table (id, p)."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT unnest(range(?)) AS id, unnest(?) AS p", [count, patterns(count)]
    )


def load_pairs(connection: duckdb.DuckDBPyConnection, rows: int, table: str, kind: str) -> None:
    """Pairs as the table (id, t, u): of "authors" or of "messages"."""
    first, second = {
        "authors": (_cached("authors", authors, rows), _cached("misspelt", misspelt, rows)),
        "messages": (_cached("chat", chat_messages, rows), _cached("reworded", reworded, rows)),
    }[kind]
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT a.id, a.t, b.t AS u FROM read_parquet({quoted(first)}) a "
        f"JOIN read_parquet({quoted(second)}) b USING (id) ORDER BY a.id"
    )


def load_pages(connection: duckdb.DuckDBPyConnection, rows: int, table: str = "h") -> None:
    """Pages as the table (id, t)."""
    _create(connection, table, _cached("pages", pages, rows))


def load_sizes(connection: duckdb.DuckDBPyConnection, messages: str = "m", table: str = "s") -> None:
    """The lengths of the messages as the table (id, t), a thousand to a list."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT id // {LIST_MESSAGES} AS id, list(strlen(t) ORDER BY m.id) AS t "
        f"FROM {messages} AS m GROUP BY ALL ORDER BY 1"
    )


def _create(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT id, t FROM read_parquet({quoted(path)}) ORDER BY id")


# ---- what it is made of --------------------------------------------------------------------------------------------


_DIALLED = re.compile(r"\+\d{1,2} \d|\(\d{3}\) \d{3}-|\b\d{3}([.-])\d{3}\1\d{4}\b")


def statistics(messages: Sequence[str]) -> dict[str, float]:
    """Lengths in bytes, and shares of rows in percent."""
    sizes = sorted(len(text.encode()) for text in messages)
    count = len(messages)

    def share(holds: Callable[[str], bool]) -> float:
        return 100 * sum(map(holds, messages)) / count

    return {
        "mean_bytes": sum(sizes) / count,
        "median_bytes": sizes[count // 2],
        "p99_bytes": sizes[count * 99 // 100],
        "max_bytes": sizes[-1],
        "non_ascii": share(lambda t: not t.isascii()),
        "nfc_differs": share(lambda t: not t.isascii() and unicodedata.normalize("NFC", t) != t),
        "nfkc_differs": share(lambda t: not t.isascii() and unicodedata.normalize("NFKC", t) != t),
        "at_sign": share(lambda t: "@" in t),
        "phone": share(lambda t: _DIALLED.search(t) is not None),
        "url": share(lambda t: "http" in t),
        "media": share(lambda t: "(file attached)" in t),
        "multi_line": share(lambda t: "\n" in t),
        "markup": share(lambda t: "<" in t or ">" in t or "&" in t),
        "digit": share(lambda t: any(map(str.isdecimal, t))),
        "quotes": share(lambda t: "'" in t or '"' in t),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args(argv)
    messages = chat_messages(arguments.rows, arguments.seed)
    print(f"{len(messages):,} messages, {sum(len(text.encode()) for text in messages) / 1e6:.1f} MB")
    for name, value in statistics(messages).items():
        unit = "" if name.endswith("bytes") else " % of rows"
        print(f"{name:<14} {value:8.1f}{unit}")
    print(f"{'authors':<14} {len(set(authors(arguments.rows))):8}")


if __name__ == "__main__":
    main()
