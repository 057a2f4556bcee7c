"""All threads at work on tables of less than a row group a thread, and a word where that cannot be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb

from .resources import GROUP_MAX, rows_per_group
from .sql import identifier, quoted, syntax_tree

__all__ = ["advice", "all_threads", "fills_no_group", "group_rows", "too_few"]

# Below, a thread more has nothing to gain.
_ROWS_MIN = 20_000


@contextlib.contextmanager
def all_threads(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """DuckDB hands out work by row groups, so that one thread reads a table of 100,000 rows. Within this, it hands it
    out by vectors of 2,048 rows, which DuckDB has for testing itself: answers are equal, also their order. Not within a
    transaction of the caller: after an error there is no way back before its end."""
    try:
        connection.execute("PRAGMA verify_parallelism")
    except duckdb.Error:  # of a version that has it no more, or a connection that forbids it
        yield
        return
    try:
        yield
    finally:
        connection.execute("PRAGMA disable_verify_parallelism")


def fills_no_group(rows: int, threads: int) -> bool:
    """Whether a table has less than a row group a thread, where DuckDB's own are all there is."""
    return threads > 1 and _ROWS_MIN <= rows < threads * GROUP_MAX


def too_few(rows: int, groups: int, threads: int) -> bool:
    """Whether threads have no work on a table that is large enough for them."""
    return threads > 1 and groups < min(2, threads) and _ROWS_MIN <= rows <= 4 * threads * GROUP_MAX


def _find(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any] | None:
    """A table of DuckDB's own, by its name as SQL has it, with all that DuckDB says of its database."""
    tree = syntax_tree(connection, f"FROM {table}")
    if tree["error"]:
        return None
    named = tree["statements"][0]["node"]["from_table"]
    catalog, schema = (quoted(named[part]) if named.get(part) else "NULL" for part in ("catalog_name", "schema_name"))
    found = connection.execute(
        f"SELECT t.schema_name, t.table_name, t.estimated_size, current_setting('threads') AS threads, d.* "
        f"FROM duckdb_tables() t JOIN duckdb_databases() d USING (database_name) "
        f"WHERE t.table_name = {quoted(named.get('table_name', ''))} AND d.type = 'duckdb' AND NOT t.temporary "
        # A name of two parts is a schema and a table, or a database and a table.
        f"AND (coalesce({catalog}, {schema}, current_database()) = t.database_name OR {catalog} IS NULL "
        f"AND {schema} IS NOT NULL AND t.database_name = current_database()) "
        f"AND (coalesce({schema}, current_schema()) IN (t.schema_name, t.database_name))"
    )
    rows = found.fetchall()
    return (
        dict(zip((column[0] for column in found.description or ()), rows[0], strict=True)) if len(rows) == 1 else None
    )


def group_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int | None:
    """Rows of a row group that DuckDB will write into a table; None where it does not say, as before 1.5."""
    found = _find(connection, table)
    if found is None or "options" not in found:
        return None
    return int((found["options"] or {}).get("row_group_size", GROUP_MAX))


def advice(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """What to do so that all threads work on a table, which is committed; None where they do, or there is no way."""
    found = _find(connection, table)
    if found is None:
        return None
    rows, threads = found["estimated_size"], found["threads"]
    if not too_few(rows, 1, threads):
        return None
    whole = ".".join(identifier(found[part]) for part in ("database_name", "schema_name", "table_name"))
    query = f"SELECT count(DISTINCT row_group_id) FROM pragma_storage_info({quoted(whole)})"
    try:
        groups = connection.execute(query).fetchall()[0][0]
    except duckdb.Error:  # before 2.0 of a table with a quote in its name
        return None
    if not too_few(rows, groups, threads):
        return None
    size = rows_per_group(rows, threads)
    remedy = (
        f"open the file with streamliner_udf.connect(path, profile='pipeline'), or ATTACH it with ROW_GROUP_SIZE {size}"
        if found["path"]
        else "keep it in a file that streamliner_udf.connect(path, profile='pipeline') opens"
    )
    return f"{table} has {rows:,} rows in one row group, so that one of {threads} threads reads it: {remedy}"
