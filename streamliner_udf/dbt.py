"""A plugin of dbt-duckdb: models call the functions by their SQL names.

    plugins:
      - module: streamliner_udf.dbt

in the profile, and nothing else. DuckDB 2.0 has the functions once this module is imported. Before it the plugin has
the database opened with `allow_unsigned_extensions`, loads the bundled file and switches the setting off again, as
`streamliner_udf.connect` does. Where the profile forbids that, each cursor gets the functions as Arrow UDFs.
"""

from __future__ import annotations

from typing import Any

import duckdb

from ._integration import missing
from .duckdb import Backend, register, status

try:
    from dbt.adapters.duckdb.plugins import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        BasePlugin,
    )
except ImportError as error:
    raise missing("dbt-duckdb", "dbt", error) from error

__all__ = ["Plugin"]

_UNSIGNED = "allow_unsigned_extensions"


class Plugin(BasePlugin):  # type: ignore[misc,unused-ignore]
    """Puts the functions on the connection of a dbt run."""

    _backend: Backend | None = None
    _is_unsigned_ours = False

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        self._is_unsigned_ours = status().backend is not Backend.STATIC and _UNSIGNED not in config
        if self._is_unsigned_ours:
            config[_UNSIGNED] = True

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        self._backend = register(conn)
        if self._is_unsigned_ours:
            conn.execute(f"SET {_UNSIGNED} = false")

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        # The macros of that door belong to one connection, and a cursor is one of its own.
        if self._backend is Backend.ARROW:
            register(cursor)
