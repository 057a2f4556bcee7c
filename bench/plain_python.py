"""What "plain Python" means in every ratio: the code that pipelines write, and never our specification.

The functions stand in `streamliner_udf.plain`, because the demo compares with them too; here they become DuckDB UDFs.
Where our function does more (all kinds of personal data, the trailing punctuation of URLs), it is still compared with
these.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import corpora
import duckdb

from streamliner_udf import plain

NAMESPACE = uuid.NAMESPACE_OID


@dataclass(frozen=True)
class PlainFunction:
    """One row at a time; `returns` and `takes` are its SQL types."""

    run: Callable[..., Any]
    returns: str = "VARCHAR"
    takes: str = "VARCHAR"
    texts: int = 1


def uuid5(text: str) -> str:
    """In the one namespace that the benchmarks use."""
    return plain.uuid5(NAMESPACE, text)


@functools.cache
def many() -> tuple[list[str], re.Pattern[str], dict[str, str]]:
    """The patterns of the benchmarks, as a list, as one expression, and with what goes in their place."""
    patterns = corpora.patterns(1_000)
    return patterns, plain.any_of(patterns), dict.fromkeys(patterns, "*")


def pack(sizes: list[int]) -> list[tuple[int, int, int]]:
    """With the one budget that the benchmarks use."""
    return plain.pack_windows(sizes, 4000, 500)


FUNCTIONS: dict[str, PlainFunction] = {
    "scrub_pii": PlainFunction(plain.scrub_pii),
    "normalize": PlainFunction(plain.normalize),
    "strip_invisible": PlainFunction(plain.strip_invisible),
    "squash_spaces": PlainFunction(plain.squash_spaces),
    "clean_text": PlainFunction(plain.clean_text),
    "fold": PlainFunction(plain.fold),
    "straighten_quotes": PlainFunction(plain.straighten_quotes),
    "unquote": PlainFunction(plain.unquote),
    "html_escape": PlainFunction(plain.html_escape),
    "html_unescape": PlainFunction(plain.html_unescape),
    "html_to_text": PlainFunction(plain.html_to_text),
    "slugify": PlainFunction(lambda text: plain.slugify(text)),
    "extract_urls": PlainFunction(plain.extract_urls, "VARCHAR[]"),
    "extract_emails": PlainFunction(plain.extract_emails, "VARCHAR[]"),
    "extract_mentions": PlainFunction(plain.extract_mentions, "VARCHAR[]"),
    "extract_hashtags": PlainFunction(plain.extract_hashtags, "VARCHAR[]"),
    "extract_emoji": PlainFunction(plain.extract_emoji, "VARCHAR[]"),
    "extract_media": PlainFunction(plain.extract_media, "VARCHAR[]"),
    "media_to_markdown": PlainFunction(plain.media_to_markdown),
    "chunk_text": PlainFunction(lambda text: plain.chunk_text(text), "VARCHAR[]"),
    "count_words": PlainFunction(plain.count_words, "BIGINT"),
    "estimate_tokens": PlainFunction(plain.estimate_tokens, "BIGINT"),
    "pack_windows": PlainFunction(
        lambda sizes: [dict(zip(("first", "last", "total"), window, strict=True)) for window in pack(sizes)],
        'STRUCT("first" BIGINT, "last" BIGINT, total BIGINT)[]',
        "BIGINT[]",
    ),
    "uuid5": PlainFunction(uuid5),
    "has_pii": PlainFunction(plain.has_pii, "BOOLEAN"),
    "pseudonym": PlainFunction(lambda text: plain.pseudonym(text, "key")),
    "edit_distance": PlainFunction(plain.edit_distance, "BIGINT", texts=2),
    "ratio": PlainFunction(plain.ratio, "DOUBLE", texts=2),
    "token_sort_ratio": PlainFunction(plain.token_sort_ratio, "DOUBLE", texts=2),
    "contains_any": PlainFunction(lambda text: plain.contains_any(text, many()[0]), "BOOLEAN"),
    "find_many": PlainFunction(
        lambda text: plain.find_many(text, many()[1]), 'STRUCT(pattern VARCHAR, "start" BIGINT, stop BIGINT)[]'
    ),
    "replace_many": PlainFunction(lambda text: plain.replace_many(text, *many()[1:])),
    "minhash": PlainFunction(lambda text: plain.minhash(text), "UBIGINT[]"),
    "simhash": PlainFunction(lambda text: plain.simhash(text), "UBIGINT"),
}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """The functions as Python UDFs `py_<name>(text)`, or of two texts."""
    for name, function in FUNCTIONS.items():
        parameters: list[Any] = [duckdb.sqltype(function.takes)] * function.texts
        connection.create_function(f"py_{name}", function.run, parameters, duckdb.sqltype(function.returns))
