"""Values and names as SQL writes them, the number that a query gives, and queries as syntax trees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

__all__ = ["count", "identifier", "nodes", "one_select", "quoted", "syntax_tree"]


def quoted(value: object) -> str:
    """A text, or a list of texts, as a constant. A NUL does not stand in it: before 2.0 DuckDB's parser ends there."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(quoted, value)) + "]"
    parts = ["'" + part.replace("'", "''") + "'" for part in str(value).split("\0")]
    return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"


def identifier(name: str) -> str:
    """A name of a table or column, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number that a query gives: of `SELECT count(*)`, and of INSERT."""
    # All rows: after the first alone the result is not finished, and the connection takes nothing else.
    rows = connection.execute(query).fetchall()
    return int(rows[0][0]) if rows else 0


def syntax_tree(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """What DuckDB reads in a query; "error" in it is true for all but SELECT."""
    found = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0]
    tree: dict[str, Any] = json.loads(found)
    return tree


def one_select(connection: duckdb.DuckDBPyConnection, query: str, expected: str) -> dict[str, Any]:
    """Its syntax tree. `expected` begins the error for what is not one SELECT: "materialize: expected query"."""
    tree = syntax_tree(connection, query)
    if tree["error"] or len(tree["statements"]) != 1:
        came = tree.get("error_message") or f"{len(tree.get('statements', []))} statements"
        raise ValueError(f"{expected} to be one SELECT, got {came}")
    return tree


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a syntax tree."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)
