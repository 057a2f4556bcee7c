"""One temporary table between a file and the message table, for rows that are dear to make and are read several times.

DuckDB moves it to disk where memory is short. It belongs to the transaction of the ingestion, so that an error leaves
nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import duckdb
import numpy as np

__all__ = ["TABLE", "clean", "create", "drop", "fill", "quoted"]

TABLE = "streamliner_staged"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PORTION = 8_192  # rows that are held as Python objects


def quoted(text: str) -> str:
    """The text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def clean(text: str) -> str:
    """Text that DuckDB takes: half of a pair of surrogates, which has no UTF-8, becomes U+FFFD; NUL is dropped."""
    return text if text.isascii() and "\0" not in text else _SURROGATE.sub("\ufffd", text).replace("\0", "")


def create(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """The table with what a query gives."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} AS {query}")
    return connection.table(f"temp.{TABLE}")


def fill(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, str], rows: Iterable[Sequence[object]]
) -> duckdb.DuckDBPyRelation:
    """The table with these columns, names and SQL types, and rows of str, int and None. DuckDB takes them as NumPy
    arrays, a hundred times as fast as one by one."""
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} ({listed})")
    portion: list[Sequence[object]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _PORTION:
            _insert(connection, columns, portion)
            portion.clear()
    _insert(connection, columns, portion)
    return connection.table(f"temp.{TABLE}")


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"DROP TABLE IF EXISTS temp.{TABLE}")


def _insert(connection: duckdb.DuckDBPyConnection, columns: dict[str, str], rows: list[Sequence[object]]) -> None:
    if not rows:
        return
    arrays = {}
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        arrays[name] = np.empty(len(rows), dtype=object)
        arrays[name][:] = values
    connection.register(f"{TABLE}_portion", arrays)
    try:
        connection.execute(f"INSERT INTO temp.{TABLE} SELECT * FROM {TABLE}_portion")
    finally:
        connection.unregister(f"{TABLE}_portion")
