"""Values and names as SQL writes them, and the number that a query gives."""

from __future__ import annotations

import duckdb

__all__ = ["count", "identifier", "quoted"]


def quoted(value: object) -> str:
    """A text, or a list of texts, as a constant."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name of a table or column, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number that a query gives: of `SELECT count(*)`, and of INSERT."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
