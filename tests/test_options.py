"""Options that are columns: each row has its own, or none, and gives what it gives alone."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

import streamliner_udf
from streamliner_udf import reference

WORDS = [
    "the",
    "harbour",
    "was",
    "when",
    "ferry",
    "came",
    "in,",
    "<b>&amp;</b>",
    "gulls",
    "boy’s",
    "bicycle",
    "é",
    "語",
]
# Values of each option of a function, in order: of 8 bytes, of 16, of 1 and lists. Long texts differ in the last byte.
OPTIONS: dict[str, list[tuple[str, list[Any]]]] = {
    "minhash": [("BIGINT", [1, 2, 3, 16, 17, 128]), ("BIGINT", [1, 2, 3])],
    "slugify": [("BIGINT", [1, 7, 8, 80])],
    "html_escape": [("BOOLEAN", [False, True])],
    "normalize": [("VARCHAR", ["NFC", "NFD", "NFKC", "NFKD"])],
    "pseudonym": [("VARCHAR", ["k", "l", "k" * 12, "k" * 39 + "a", "k" * 39 + "b"])],
    "uuid5": [("UUID", [uuid.NAMESPACE_DNS, uuid.NAMESPACE_URL, uuid.UUID(int=1 << 64), uuid.UUID(int=1)])],
    "contains_any": [("VARCHAR[]", [["boy"], ["bay"], ["boy", "ferry"], []])],
}


def rows_of(rng: random.Random, name: str, count: int, longest: int, nulls: bool) -> list[tuple[Any, ...]]:
    """Runs of rows with equal options, of up to `longest` rows each."""
    texts = [*(" ".join(rng.choices(WORDS, k=rng.randint(0, 12))) for _ in range(40)), "", None]
    rows: list[tuple[Any, ...]] = []
    while len(rows) < count:
        options = [rng.choice([*values, *([None] * nulls)]) for _, values in OPTIONS[name]]
        rows += [(rng.choice(texts), *options) for _ in range(min(rng.randint(1, longest), count - len(rows)))]
    return rows


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("nulls", [False, True])
def test_rows_with_options_of_their_own(name: str, nulls: bool, rng: random.Random) -> None:
    """Runs shorter and longer than what is compared at once, and than a vector; their ends anywhere in it."""
    connection = streamliner_udf.connect()
    oracle = (lambda text, space: reference.uuid5(str(space), text)) if name == "uuid5" else getattr(reference, name)
    types = [type_name for type_name, _ in OPTIONS[name]]
    columns = ["text", *(f"option_{i}" for i in range(len(types)))]
    for count, longest in ((63, 3), (64, 64), (65, 65), (129, 70), (700, 1), (5000, 200), (5000, 4500)):
        rows = rows_of(rng, name, count, longest, nulls)
        fields = ", ".join(f"{column} {kind}" for column, kind in zip(columns, ["VARCHAR", *types], strict=True))
        connection.execute(f"CREATE OR REPLACE TABLE t (i INTEGER, {fields})")
        lists = ", ".join(f"unnest(?::{kind}[])" for kind in ["INTEGER", "VARCHAR", *types])
        connection.execute(f"INSERT INTO t SELECT {lists}", [list(range(count)), *map(list, zip(*rows, strict=True))])
        first = columns[::-1] if name == "uuid5" else columns  # which takes the namespace first
        found = connection.execute(f"SELECT sl_{name}({', '.join(first)}) FROM t ORDER BY i").fetchall()
        alone = {repr(row): None if None in row else oracle(*row) for row in rows}
        assert [value for (value,) in found] == [alone[repr(row)] for row in rows], (count, longest)
