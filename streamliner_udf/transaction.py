"""One transaction around several statements, within the caller's own if there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb

__all__ = ["is_open", "transaction"]


def is_open(connection: duckdb.DuckDBPyConnection) -> bool:
    """Asking for a second transaction would end the caller's, but outside of one each statement has its own number."""
    first, second = (connection.execute("SELECT txid_current()").fetchall() for _ in range(2))
    return first == second


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commits at the end, and rolls back after an error. Within a transaction of the caller's both are his to do."""
    if is_open(connection):
        yield
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # An error of COMMIT has ended the transaction already.
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
