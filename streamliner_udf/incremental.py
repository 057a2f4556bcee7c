"""Results that are kept in a table, and computed again only where their input is new or has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from . import __version__
from .row_groups import advice, all_threads, fills_no_group
from .sql import count, identifier, nodes, one_select, quoted
from .transaction import is_open, transaction

__all__ = ["MaterializeReport", "materialize"]

_CHANGED = "streamliner_changed"
_BLOCKS = "streamliner_blocks"
# Rows of a table whose inputs are compared as one, before any of them is looked at by itself.
_BLOCK = 256
_VIEW = "streamliner_changed_rows"


@dataclass(frozen=True)
class MaterializeReport:
    """What one call did. `computed` = new + changed; every row of the source is new, changed or unchanged.

    deleted : rows of the table whose source rows are gone; they were taken out if `pruned`, and stay otherwise.
    reason : "first", "incremental", or why all was computed again: "query changed", "functions changed".
    rows : of the table now.
    warnings : what keeps threads from working on the table, and what helps.
    """

    target: str
    source: str
    reason: str
    rows: int
    computed: int
    new: int
    changed: int
    unchanged: int
    deleted: int
    pruned: bool
    seconds: float
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        gone = f", {self.deleted:,} gone{' and taken out' if self.pruned else ''}" if self.deleted else ""
        return (
            f"{self.target}: {self.computed:,} computed ({self.new:,} new, {self.changed:,} changed), "
            f"{self.unchanged:,} kept{gone}; {self.rows:,} rows, {self.reason}, {self.seconds:.2f} s"
            + "".join(f"\nwarning: {warning}" for warning in self.warnings)
        )


@dataclass(frozen=True)
class _Name:
    """A table as a query names it; empty parts are those that it leaves out."""

    catalog: str
    schema: str
    table: str

    def __str__(self) -> str:
        return ".".join(identifier(part) for part in (self.catalog, self.schema, self.table) if part)

    def with_table(self, table: str) -> _Name:
        return _Name(self.catalog, self.schema, table)


def _tables(tree: Any) -> list[_Name]:
    """Tables that a query reads, without its own common table expressions."""
    own = {entry["key"] for node in nodes(tree) for entry in (node.get("cte_map") or {}).get("map", [])}
    found = [
        _Name(node["catalog_name"], node["schema_name"], node["table_name"])
        for node in nodes(tree)
        if node.get("type") == "BASE_TABLE"
    ]
    return list(dict.fromkeys(name for name in found if name.schema or name.table not in own))


class _Query:
    """A query that answers each row of its source by itself, and how to ask it of some rows only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, query: str, source: str | None) -> None:
        self.connection = connection
        self.text = query
        self.tree = one_select(connection, query, "materialize: expected query")
        tables = _tables(self.tree)
        if source is not None:
            wanted = _tables(one_select(connection, f"FROM {source}", "materialize: expected source"))
            if len(wanted) != 1 or wanted[0] not in tables:
                raise ValueError(
                    f"materialize: expected source to be one of the tables of the query "
                    f"({', '.join(map(str, tables))}), got {source}"
                )
            tables = wanted
        if len(tables) != 1:
            came = ", ".join(map(str, tables)) or "none"
            raise ValueError(f"materialize: expected a query of one table, or source= to say which, got {came}")
        self.source = tables[0]
        self._check()

    def _check(self) -> None:
        """An error for what makes a row of the answer depend on more than one row."""
        names = {node["function_name"] for node in nodes(self.tree) if node.get("class") == "FUNCTION"}
        listed = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
        aggregates = {row[0] for row in self.connection.execute(listed).fetchall()}
        found = sorted(names & aggregates)
        for node in nodes(self.tree):
            if node.get("class") == "WINDOW":
                found.append("a window function")
            if node.get("group_expressions"):
                found.append("GROUP BY")
            if node.get("type") == "SET_OPERATION_NODE":
                found.append("a set operation")
            if node.get("sample"):
                found.append("a sample")
            for modifier in node.get("modifiers") or []:
                kind = str(modifier.get("type", "")).partition("_MODIFIER")[0]
                if kind != "ORDER":
                    found.append(kind.replace("_PERCENT", ""))
        if found:
            raise ValueError(
                "materialize: expected a query whose every row comes of one row of "
                f"{self.source}, got {', '.join(dict.fromkeys(found))}"
            )

    def columns(self, there: list[str]) -> list[str]:
        """Columns of the source that the query may read."""
        if any(node.get("class") == "STAR" for node in nodes(self.tree)):
            return there
        used = {name.lower() for node in nodes(self.tree) for name in node.get("column_names") or []}
        return [name for name in there if name.lower() in used]

    def fingerprint(self, given: dict[str, str]) -> dict[str, str]:
        """What the answers depend on beside the rows: the query with the columns it gives, and our functions in it."""
        names = {str(node["function_name"]).lower() for node in nodes(self.tree) if node.get("class") == "FUNCTION"}
        ours = sorted(name for name in names if name.startswith("sl_"))
        normal = self.connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(self.tree)]).fetchall()[0][0]
        return {
            "query": hashlib.sha256(json.dumps([normal, given]).encode()).hexdigest(),
            "functions": ", ".join(f"{name} {__version__}" for name in ours),
            "inputs": "key, input, place",
        }

    def of(self, view: str) -> str:
        """The query over another table in place of its source."""
        tree = json.loads(json.dumps(self.tree))
        for node in nodes(tree):
            if node.get("type") != "BASE_TABLE":
                continue
            if _Name(node["catalog_name"], node["schema_name"], node["table_name"]) == self.source:
                node["alias"] = node["alias"] or self.source.table
                node |= {"catalog_name": "", "schema_name": "", "table_name": view}
                if "qualified_name" in node:
                    node["qualified_name"] = {"path": [view]}
        text = self.connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()[0][0]
        return str(text)


@dataclass
class _Counts:
    new: int
    changed: int
    unchanged: int
    deleted: int


class _Store:
    """The table of results and, beside it, which inputs they were computed from."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, target: str, key: str, query: _Query) -> None:
        names = _tables(one_select(connection, f"FROM {target}", "materialize: expected target"))
        if len(names) != 1:
            raise ValueError(f"materialize: expected target to be the name of a table, got {target}")
        self.connection = connection
        self.key = identifier(key)
        self.name = key
        self.query = query
        self.target = names[0]
        self.state = names[0].with_table(f"{names[0].table}__inputs")
        # DuckDB finds rows of a table by their number without reading the others; a view has none.
        self.has_places = bool(self.comments(query.source))
        self.has_moves = False

    def describe(self, table: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}

    def comments(self, name: _Name) -> list[str | None]:
        """The comment of the table, if there is one of that name; it is no view."""
        found = self.connection.execute(
            f"SELECT comment FROM duckdb_tables() WHERE table_name = {quoted(name.table)} "
            f"AND database_name = {self._catalog(name)} AND schema_name = {self._schema(name)}"
        ).fetchall()
        return [row[0] for row in found]

    def is_small(self) -> bool:
        """Whether the source is a table with less than a row group a thread."""
        name = self.query.source
        found = self.connection.execute(
            f"SELECT estimated_size, current_setting('threads') FROM duckdb_tables() "
            f"WHERE table_name = {quoted(name.table)} AND database_name = {self._catalog(name)} "
            f"AND schema_name = {self._schema(name)}"
        ).fetchall()
        return len(found) == 1 and fills_no_group(*found[0])

    @staticmethod
    def _catalog(name: _Name) -> str:
        return quoted(name.catalog) if name.catalog else "current_database()"

    @staticmethod
    def _schema(name: _Name) -> str:
        return quoted(name.schema) if name.schema else "current_schema()"

    def count(self, query: str) -> int:
        return count(self.connection, query)

    def remembered(self) -> dict[str, str] | None:
        """The fingerprint of what is in the table, or None if there is no table."""
        known, there = self.comments(self.state), bool(self.comments(self.target))
        if there and not known:
            raise ValueError(
                f"materialize: expected target to be new, or a table that materialize made, got {self.target}, "
                f"which has no {self.state} beside it"
            )
        if not there:
            return None
        try:
            remembered: dict[str, str] = json.loads(known[0] or "")
        except ValueError:
            return {}
        return remembered

    def inputs(self, columns: list[str], where: str = "true") -> str:
        """Key, hash and place of rows of the source."""
        listed = ", ".join(map(identifier, columns))
        hashed = f"hash({self.key}{', ' if listed else ''}{listed})"
        place = "rowid" if self.has_places else "NULL::BIGINT"
        return f"SELECT {self.key} AS key, {hashed} AS input, {place} AS place FROM {self.query.source} WHERE {where}"

    def fill(self, inputs: str, fingerprint: dict[str, str]) -> None:
        """Everything anew."""
        run = self.connection.execute
        run(f"CREATE OR REPLACE TABLE {self.target} AS {self.query.text}")
        run(f"CREATE OR REPLACE TABLE {self.state} AS {inputs}")
        run(f"COMMENT ON TABLE {self.state} IS {quoted(json.dumps(fingerprint))}")
        keys, different, there = run(f"SELECT count(*), count(DISTINCT key), count(key) FROM {self.state}").fetchall()[
            0
        ]
        if there < keys:
            raise ValueError(f"materialize: expected no NULL in column {self.name}, got {keys - there:,}")
        self._check_unique(keys - different)

    def _check_unique(self, repeated: int) -> None:
        if repeated:
            raise ValueError(
                f"materialize: expected different values of {self.name} in every row of {self.query.source}, "
                f"got {repeated:,} that come again"
            )

    def _find_blocks(self, columns: list[str]) -> tuple[str, str]:
        """Which rows of the source and of the state there are to compare, as conditions. Rows that stand where they
        stood, with the inputs that they had, make blocks with the sums that they had: hashing and adding up costs a
        third of a join by key."""
        if not self.has_places:
            return "true", "true"
        sums = f"place // {_BLOCK} AS block, count(*) AS rows, bit_xor(input) AS mixed, sum(input) AS added"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_BLOCKS} AS SELECT coalesce(n.block, o.block) AS block "
            f"FROM (SELECT {sums} FROM ({self.inputs(columns)}) GROUP BY block) n "
            f"FULL OUTER JOIN (SELECT {sums} FROM {self.state} WHERE place IS NOT NULL GROUP BY block) o "
            f"ON n.block = o.block "
            f"WHERE n.rows IS DISTINCT FROM o.rows OR n.mixed IS DISTINCT FROM o.mixed "
            f"OR n.added IS DISTINCT FROM o.added"
        )
        first, last = self.connection.execute(f"SELECT min(block), max(block) FROM temp.{_BLOCKS}").fetchall()[0]
        if first is None:
            return "false", "place IS NULL"
        # The range lets DuckDB pass over the other row groups.
        found = (
            f"{{0}} BETWEEN {first * _BLOCK} AND {last * _BLOCK + _BLOCK - 1} "
            f"AND {{0}} // {_BLOCK} IN (SELECT block FROM temp.{_BLOCKS})"
        )
        return found.format("rowid"), f"place IS NULL OR {found.format('place')}"

    def find_changes(self, columns: list[str]) -> _Counts:
        """The temporary table of keys that are new, have changed, are gone or have only moved."""
        run = self.connection.execute
        of_source, of_state = self._find_blocks(columns)
        run(
            f"CREATE OR REPLACE TEMP TABLE {_CHANGED} AS "
            f"SELECT coalesce(n.key, o.key) AS key, n.input AS input, n.place AS place, "
            f"o.key IS NULL AS is_new, n.key IS NULL AS is_gone, "
            f"n.input IS NOT DISTINCT FROM o.input AS is_moved, o.place IS NOT NULL AS was_there "
            f"FROM ({self.inputs(columns, of_source)}) n "
            f"FULL OUTER JOIN (SELECT * FROM {self.state} WHERE {of_state}) o ON n.key = o.key "
            f"WHERE n.input IS DISTINCT FROM o.input OR n.place IS DISTINCT FROM o.place"
        )
        new, changed, deleted, nulls, other, different = run(
            f"SELECT count(*) FILTER (is_new), count(*) FILTER (NOT is_new AND NOT is_gone AND NOT is_moved), "
            f"count(*) FILTER (is_gone), count(*) FILTER (key IS NULL), "
            f"count(*) FILTER (is_moved OR is_gone AND was_there), count(DISTINCT key) FILTER (is_new) "
            f"FROM temp.{_CHANGED}"
        ).fetchall()[0]
        if nulls:
            raise ValueError(f"materialize: expected no NULL in column {self.name}, got {nulls:,}")
        rows, before = (
            self.count(f"SELECT count(*) FROM {self.query.source}"),
            self.count(f"SELECT count(*) FROM {self.state}"),
        )
        unchanged = rows - new - changed
        # A key that comes again in the source meets its row of the state twice, or is new twice, or is new and has a
        # row in the state that was not looked at.
        repeated = unchanged + changed + deleted - before + new - different
        if new and of_state != "true":
            repeated += self.count(
                f"SELECT count(*) FROM {self.state} WHERE key IN (SELECT key FROM temp.{_CHANGED} WHERE is_new)"
            )
        self._check_unique(repeated)
        self.has_moves = other > 0
        return _Counts(new, changed, unchanged, deleted)

    def update(self, prune: bool) -> None:
        """Takes out what is not right any more, and puts in what is."""
        run = self.connection.execute
        stale = f"SELECT key FROM temp.{_CHANGED} WHERE NOT is_new AND (NOT is_gone OR {prune})"
        run(f"DELETE FROM {self.state} WHERE key IN ({stale})")
        run(f"DELETE FROM {self.target} WHERE {self.key} IN ({stale} AND NOT is_moved)")
        found = "rowid IN (SELECT place" if self.has_places else f"{self.key} IN (SELECT key"
        run(
            f"CREATE OR REPLACE TEMP VIEW {_VIEW} AS SELECT * FROM {self.query.source} "
            f"WHERE {found} FROM temp.{_CHANGED} WHERE NOT is_gone AND NOT is_moved)"
        )
        run(f"INSERT INTO {self.target} BY NAME {self.query.of(_VIEW)}")
        run(f"INSERT INTO {self.state} SELECT key, input, place FROM temp.{_CHANGED} WHERE NOT is_gone")
        if not prune:  # what is gone is nowhere, so that it does not make those beside it look changed
            gone = f"SELECT key FROM temp.{_CHANGED} WHERE is_gone AND was_there"
            run(f"UPDATE {self.state} SET place = NULL WHERE key IN ({gone})")


def materialize(
    con: duckdb.DuckDBPyConnection,
    target: str,
    query: str,
    key: str = "msg_key",
    *,
    source: str | None = None,
    prune: bool = False,
) -> MaterializeReport:
    """The answer of a query as a table, computed only for rows that are new or have changed since the last call.

    Parameters
    ----------
    con : DuckDBPyConnection
        Where source and target are.
    target : str
        Name of the table, as SQL has it. Beside it there is a table `<target>__inputs`: the key of every row of the
        source and a hash of the columns that the query reads.
    query : str
        A SELECT that answers each row of its source by itself, with the key among its columns: functions, filters,
        `unnest`; no aggregates, windows, DISTINCT, LIMIT or set operations.
    key : str
        The column that tells the rows of the source apart.
    source : str, optional
        Which table it is, where the query reads several. Changes of the others are not noticed.
    prune : bool
        Take out results whose rows are gone from the source.

    Returns
    -------
    MaterializeReport
        Counts, and why all was computed again if it was: the query, or the version of a function of ours in it, is
        another one than last time.

    Nulls : a NULL key is an error; other NULLs are values.
    Errors : ValueError for a query that mixes rows, a key that is missing, NULL or comes again, and a table that
    materialize did not make; DuckDB's own for wrong SQL. One transaction: after an error, or the end of the process,
    the table and what is known about it are as they were.
    Cost : reading the source once and adding up a hash a row, then the query over the rows that changed; where rows
    have changed all over the table, or the source is a view, a join of two numbers a row.

    Examples
    --------
    >>> import streamliner_udf
    >>> con = streamliner_udf.connect()
    >>> _ = con.execute("CREATE TABLE notes AS SELECT 1 AS id, 'mail a@example.org' AS said")
    >>> query = "SELECT id, sl_scrub_pii(said) AS said FROM notes"
    >>> streamliner_udf.materialize(con, "clean", query, key="id").computed
    1
    >>> _ = con.execute("INSERT INTO notes VALUES (2, 'hello')")
    >>> report = streamliner_udf.materialize(con, "clean", query, key="id")
    >>> report.computed, report.unchanged, report.rows
    (1, 1, 2)
    """
    started = time.perf_counter()
    asked = _Query(con, query, source)
    store = _Store(con, target, key, asked)
    ours = not is_open(con)
    by_vectors = ours and store.remembered() is None and store.is_small()
    with all_threads(con) if by_vectors else contextlib.nullcontext(), transaction(con):
        there = list(store.describe(str(asked.source)))
        if key not in there:
            raise ValueError(f"materialize: expected {asked.source} to have a column {key}, got {', '.join(there)}")
        given = store.describe(f"({query})")
        if key not in given:
            raise ValueError(f"materialize: expected the query to give a column {key}, got {', '.join(given)}")
        columns = asked.columns(there)
        fingerprint = asked.fingerprint(given)
        remembered = store.remembered()
        if remembered == fingerprint:
            reason = "incremental"
            try:
                counts = store.find_changes(columns)
                if counts.new or counts.changed or store.has_moves or (prune and counts.deleted):
                    store.update(prune)
            finally:
                with contextlib.suppress(duckdb.Error):
                    con.execute(f"DROP VIEW IF EXISTS temp.{_VIEW}")
                    con.execute(f"DROP TABLE IF EXISTS temp.{_CHANGED}")
                    con.execute(f"DROP TABLE IF EXISTS temp.{_BLOCKS}")
        else:
            reason = "first"
            if remembered is not None:
                reason = "query changed" if remembered.get("query") != fingerprint["query"] else "functions changed"
            gone = 0
            if remembered is not None:
                gone = store.count(
                    f"SELECT count(*) FROM {store.state} o ANTI JOIN {asked.source} n ON o.key = n.{store.key}"
                )
            store.fill(store.inputs(columns), fingerprint)
            rows = store.count(f"SELECT count(*) FROM {asked.source}")
            counts = _Counts(rows, 0, 0, gone)
            prune = True  # nothing of the former table is left
        total = store.count(f"SELECT count(*) FROM {store.target}")
    # Not within the caller's transaction, which an error would end.
    warning = advice(con, str(store.target)) if ours else None
    return MaterializeReport(
        str(store.target),
        str(asked.source),
        reason,
        total,
        counts.new + counts.changed,
        counts.new,
        counts.changed,
        counts.unchanged,
        counts.deleted,
        prune and counts.deleted > 0,
        time.perf_counter() - started,
        (warning,) if warning else (),
    )
