"""One temporary table between a file and the message table, for rows that are dear to make and are read several times.

DuckDB moves it to disk where memory is short. It belongs to the transaction of the ingestion, so that an error leaves
nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import duckdb

from .adapter import SURROGATE

__all__ = ["TABLE", "clean", "create", "drop", "fill"]

TABLE = "streamliner_staged"
_PORTION, _PORTION_SIZE = 8_192, 1 << 22  # rows and characters that are handed over at once


def clean(text: str) -> str:
    """Text that DuckDB takes: half of a pair of surrogates, which has no UTF-8, becomes U+FFFD; NUL is dropped."""
    return text if text.isascii() and "\0" not in text else SURROGATE.sub("\ufffd", text).replace("\0", "")


def create(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """The table with what a query gives."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} AS {query}")
    return connection.table(f"temp.{TABLE}")


def fill(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, str], rows: Iterable[Sequence[object]]
) -> duckdb.DuckDBPyRelation:
    """The table with these columns, names and SQL types, and rows of text (`clean`), int and None."""
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} ({listed})")
    values = ", ".join(f"CAST(r->>{number} AS {kind})" for number, kind in enumerate(columns.values()))
    # As one JSON text: the way that is fast on every version of DuckDB and needs no other package.
    insert = f"INSERT INTO temp.{TABLE} SELECT {values} FROM (SELECT unnest(from_json(?, '[\"JSON\"]')) AS r)"
    portion: list[str] = []
    size = 0
    for row in rows:
        portion.append(json.dumps(row, ensure_ascii=False))
        size += len(portion[-1])
        if len(portion) == _PORTION or size > _PORTION_SIZE:
            connection.execute(insert, [f"[{','.join(portion)}]"])
            portion, size = [], 0
    if portion:
        connection.execute(insert, [f"[{','.join(portion)}]"])
    return connection.table(f"temp.{TABLE}")


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"DROP TABLE IF EXISTS temp.{TABLE}")
