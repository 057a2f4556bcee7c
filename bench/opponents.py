"""What else a user would pick for each function: Polars, and the library of the field. All of them optional.

An opponent is made once from a table's columns and then timed; what it needs and is not installed is skipped and said.
Polars gets a column of eight chunks, because one chunk is one thread to it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import corpora

Columns = Sequence[list[str]]
Run = Callable[[], object]
CHUNKS = 8
MANY = 8_000_000  # rows, all there are
URL = r'https?://[^\s<>"{}|\\^`\[\]]+'
EMAIL = r"[\w.-]+@[\w.-]+\.\w+"
PHONE = r"(\+\d{1,2}\s?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}"
INVISIBLE = r"[\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]"


@dataclass(frozen=True)
class Opponent:
    """One way to do what a function does.

    package : what has to be installed, as its distribution is called.
    rows : most rows that it is timed on; its time is scaled to the rest.
    make : takes the columns that the function's case reads, gives what is timed.
    """

    label: str
    package: str
    rows: int
    make: Callable[[Columns], Run]

    def version(self) -> str | None:
        """The version installed, None if there is none."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return None


def polars(expression: Callable[[Any, Any], Any], package: str = "polars") -> Opponent:
    """`expression(pl, column)` over the first column."""

    def make(columns: Columns) -> Run:
        import polars as pl

        step = max(1, -(-len(columns[0]) // CHUNKS))
        frame = pl.concat(
            [
                pl.DataFrame({name: column[at : at + step] for name, column in zip("tu", columns, strict=False)})
                for at in range(0, len(columns[0]), step)
            ],
            rechunk=False,
        )
        lazy = frame.lazy().select(expression(pl, pl.col("t")))
        return lambda: lazy.collect()

    return Opponent("Polars", package, MANY, make)


def rows(label: str, package: str, count: int, prepare: Callable[[], Callable[..., object]]) -> Opponent:
    """A function of one row, called in a list comprehension."""

    def make(columns: Columns) -> Run:
        function = prepare()
        if len(columns) == 1:
            (column,) = columns
            return lambda: [function(text) for text in column]
        return lambda: [function(a, b) for a, b in zip(*columns, strict=True)]

    return Opponent(label, package, count, make)


def imported(module: str, name: str) -> Callable[[], Callable[..., object]]:
    def prepare() -> Callable[..., object]:
        function: Callable[..., object] = getattr(importlib.import_module(module), name)
        return function

    return prepare


def cpdist(scorer: str) -> Opponent:
    """RapidFuzz over pairs at once, on both cores."""

    def make(columns: Columns) -> Run:
        from rapidfuzz import distance, fuzz, process  # type: ignore[import-not-found,import-untyped,unused-ignore]

        function = distance.Levenshtein.distance if scorer == "levenshtein" else getattr(fuzz, scorer)
        a, b = columns
        return lambda: process.cpdist(a, b, scorer=function, workers=2)

    return Opponent("rapidfuzz cpdist", "rapidfuzz", 200_000, make)


def patterns_of(count: int = 1_000) -> list[str]:
    """The patterns of the benchmarks of many patterns."""
    return corpora.patterns(count)


def aho_corasick(use: Callable[[Any, str, list[str]], object]) -> Opponent:
    def prepare() -> Callable[..., object]:
        import ahocorasick_rs  # type: ignore[import-not-found,import-untyped,unused-ignore]

        patterns = patterns_of()
        automaton = ahocorasick_rs.AhoCorasick(patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
        return lambda text: use(automaton, text, patterns)

    return rows("ahocorasick_rs", "ahocorasick-rs", 100_000, prepare)


def datasketch() -> Opponent:
    def make(columns: Columns) -> Run:
        from datasketch import MinHash  # type: ignore[import-not-found,import-untyped,unused-ignore]

        def shingles(text: str) -> list[bytes]:
            words = text.split()
            return [" ".join(words[i : i + 3]).encode() for i in range(max(1, len(words) - 2))]

        return lambda: MinHash.bulk([shingles(text) for text in columns[0]], num_perm=128)

    return Opponent("datasketch bulk", "datasketch", 2_000, make)


def rensa() -> Opponent:
    def prepare() -> Callable[..., object]:
        from rensa import RMinHash  # type: ignore[import-not-found,import-untyped,unused-ignore]

        def signature(text: str) -> object:
            words = text.split()
            made = RMinHash(num_perm=128, seed=1)
            made.update([" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))])
            return made.digest()

        return signature

    return rows("rensa", "rensa", 20_000, prepare)


def splitter() -> Opponent:
    def prepare() -> Callable[..., object]:
        from semantic_text_splitter import TextSplitter  # type: ignore[import-not-found,import-untyped,unused-ignore]

        made = TextSplitter((200, 800), overlap=199)
        return lambda text: made.chunks(text)

    return rows("semantic-text-splitter", "semantic-text-splitter", 1_000, prepare)


def selectolax() -> Opponent:
    def prepare() -> Callable[..., object]:
        from selectolax.lexbor import LexborHTMLParser as HTMLParser  # type: ignore[import-not-found,import-untyped,unused-ignore]

        def visible(html: str) -> object:
            tree = HTMLParser(html)
            for tag in tree.css("script, style"):
                tag.decompose()
            return tree.text(separator="\n", strip=True) if tree.body else ""

        return visible

    return rows("selectolax", "selectolax", 20_000, prepare)


OPPONENTS: dict[str, tuple[Opponent, ...]] = {
    "normalize": (polars(lambda pl, t: t.str.normalize("NFKC")),),
    "normalize, NFC": (polars(lambda pl, t: t.str.normalize("NFC")),),
    "strip_invisible": (polars(lambda pl, t: t.str.replace_all(INVISIBLE, "")),),
    "squash_spaces": (polars(lambda pl, t: t.str.replace_all(r"\s+", " ").str.strip_chars(" ")),),
    "clean_text": (
        polars(
            lambda pl, t: (
                t.str.normalize("NFKC").str.replace_all(INVISIBLE, "").str.replace_all(r"\s+", " ").str.strip_chars(" ")
            )
        ),
    ),
    "straighten_quotes": (
        polars(
            lambda pl, t: t.str.replace_many({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
        ),
    ),
    "html_escape": (
        polars(
            lambda pl, t: t.str.replace_many({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
        ),
    ),
    "html_to_text, pages": (selectolax(),),
    "scrub_pii": (
        polars(lambda pl, t: t.str.replace_all(EMAIL, "<EMAIL_REDACTED>").str.replace_all(PHONE, "<PHONE_REDACTED>")),
    ),
    "has_pii": (polars(lambda pl, t: t.str.contains(EMAIL) | t.str.contains(PHONE)),),
    "extract_urls": (polars(lambda pl, t: t.str.extract_all(URL)),),
    "extract_emails": (polars(lambda pl, t: t.str.extract_all(EMAIL)),),
    "extract_mentions": (polars(lambda pl, t: t.str.extract_all(r"@\w+")),),
    "extract_hashtags": (polars(lambda pl, t: t.str.extract_all(r"#\w+")),),
    "extract_emoji": (rows("emoji", "emoji", 20_000, imported("emoji", "emoji_list")),),
    "slugify": (
        polars(
            lambda pl, t: (
                t.str.normalize("NFKD")
                .str.replace_all(r"[^\x00-\x7F]", "")
                .str.to_lowercase()
                .str.replace_all("[^a-z0-9]+", "-")
                .str.strip_chars("-")
                .str.slice(0, 60)
                .str.strip_chars_end("-")
            )
        ),
        rows("python-slugify", "python-slugify", 20_000, imported("slugify", "slugify")),
    ),
    "chunk_text, documents": (splitter(),),
    "count_words": (polars(lambda pl, t: t.str.count_matches(r"\w+")),),
    "edit_distance": (cpdist("levenshtein"),),
    "ratio": (cpdist("ratio"),),
    "partial_ratio": (cpdist("partial_ratio"),),
    "token_sort_ratio": (cpdist("token_sort_ratio"),),
    "token_set_ratio": (cpdist("token_set_ratio"),),
    "contains_any": (
        polars(lambda pl, t: t.str.contains_any(patterns_of())),
        aho_corasick(lambda automaton, text, _: bool(automaton.find_matches_as_indexes(text))),
    ),
    "find_many": (
        polars(lambda pl, t: t.str.find_many(patterns_of(), leftmost=True)),
        aho_corasick(lambda automaton, text, _: automaton.find_matches_as_indexes(text)),
    ),
    "replace_many": (polars(lambda pl, t: t.str.replace_many(patterns_of(), ["*"], leftmost=True)),),
    "minhash": (datasketch(), rensa()),
}
