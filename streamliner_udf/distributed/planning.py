"""What is to be done: partitions of a source, and for each task a key that is the same in every run."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import streamliner_udf

from ..resources import GROUP_MAX
from ..sql import identifier, nodes, one_select, quoted

__all__ = [
    "Partition",
    "Source",
    "Table",
    "attach",
    "check_query",
    "file_list",
    "hashed",
    "key_of",
    "partitions",
    "state_of",
    "versions",
]

# Rows of a partition of a table, if nobody says otherwise.
_ROWS = GROUP_MAX
_FORMAT = 1
_DATABASE = "streamliner_database"

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Table:
    """A table of a DuckDB file, cut into parts that workers read each for itself.

    database : path of the file. Nobody may have it open for writing while the run is under way.
    name : the table, as SQL has it: `messages`, `main.messages`.
    parts : how many; by default as many as there are row groups of 122,880 rows.
    by : a column, or several. Rows with equal values there come into the same part; every part reads those columns
        whole. Without it parts are ranges of rows, and each is read for itself.
    """

    database: PathLike
    name: str
    parts: int | None = None
    by: str | Sequence[str] | None = None


Source = PathLike | Sequence[PathLike] | Table


@dataclass(frozen=True)
class Partition:
    """Rows that one task reads.

    label : for people. rows_of : a SELECT that gives the rows. database : file that has to be attached for it.
    inputs : the files behind it, with what tells whether they have changed. rows : how many there are, where that can
        be known beforehand. error : why it cannot be read.
    """

    label: str
    rows_of: str
    database: str | None
    inputs: tuple[tuple[str, int, int], ...]
    rows: int | None
    error: str | None = None

    def identity(self) -> list[Any]:
        return [self.rows_of, self.database, [list(one) for one in self.inputs]]


def versions() -> dict[str, str]:
    """Of what decides how rows are computed; all workers have to have these."""
    return {"streamliner_udf": streamliner_udf.__version__, "duckdb": duckdb.__version__}


def key_of(*parts: object) -> str:
    """The name of a task: another one as soon as anything is different that its result depends on."""
    text = json.dumps([_FORMAT, versions(), *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def state_of(path: str) -> tuple[str, int, int]:
    """The file with its size and the time of its last change."""
    found = os.stat(path)
    return path, found.st_size, found.st_mtime_ns


def hashed(columns: str | Sequence[str]) -> str:
    """DuckDB's hash of some columns, equal for what SQL holds to be equal, NULLs among them."""
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names:
        raise ValueError("distributed.run: expected by to name a column or more, got none")
    return f"hash({', '.join(map(identifier, names))})"


def file_list(paths: Sequence[str]) -> str:
    """Names of files as `read_parquet` takes them, none of which is a pattern."""
    return quoted([glob.escape(path) for path in paths])


# ---- partitions ----------------------------------------------------------------------------------------------------


def partitions(source: Source) -> list[Partition]:
    """The parts of a source, always in the same order."""
    if isinstance(source, Table):
        return _of_table(source)
    given = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    paths = [path for one in given for path in _files(os.fspath(one))]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"distributed.run: expected every file of source once, got {twice} again")
    with duckdb.connect() as con:
        return [_of_file(con, path) for path in paths]


def _files(given: str) -> Iterator[str]:
    path = Path(given)
    if path.is_dir():
        found = [str(one) for one in path.rglob("*.parquet") if one.is_file()]
    elif path.exists() or not glob.has_magic(given):
        found = [given]
    else:
        found = [one for one in glob.glob(given, recursive=True) if Path(one).is_file()]
    if not found:
        raise ValueError(f"distributed.run: expected source to be Parquet files, got {given}, which matches none")
    for one in sorted(found):
        if not Path(one).is_file():
            raise FileNotFoundError(
                f"distributed.run: expected source to be Parquet files, got {one}, which is no file"
            )
        yield os.path.abspath(one)


def _of_file(con: duckdb.DuckDBPyConnection, path: str) -> Partition:
    rows, error = None, None
    try:
        rows = con.execute(f"SELECT num_rows FROM parquet_file_metadata({file_list([path])})").fetchall()[0][0]
    except duckdb.Error as failure:  # the run goes on without it, and says so
        error = str(failure).splitlines()[0]
    return Partition(path, f"SELECT * FROM read_parquet({file_list([path])})", None, (state_of(path),), rows, error)


def _of_table(source: Table) -> list[Partition]:
    path = os.path.abspath(os.fspath(source.database))
    if not Path(path).is_file():
        raise FileNotFoundError(f"distributed.run: expected a database at {path}, got none")
    inputs = tuple(state_of(one) for one in (path, f"{path}.wal") if os.path.exists(one))
    table = f"{_DATABASE}.{source.name}"
    with duckdb.connect() as con:
        attach(con, path)
        rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        parts = source.parts if source.parts is not None else max(1, -(-rows // _ROWS))
        if parts < 1:
            raise ValueError(f"distributed.run: expected parts of {source.name} to be 1 or more, got {parts}")
        if source.by is not None:
            place = f"{hashed(source.by)} % {parts}"
            counts = dict(con.execute(f"SELECT {place}, count(*) FROM {table} GROUP BY 1").fetchall())
            wanted = [(f"{place} = {part}", counts.get(part, 0)) for part in range(parts)]
        else:
            try:
                last = con.execute(f"SELECT coalesce(max(rowid) + 1, 0) FROM {table}").fetchall()[0][0]
            except duckdb.BinderException:
                raise ValueError(
                    f"distributed.run: expected {source.name} to be a table, or by= to say how it is to be cut, "
                    "got a view, which has no numbers of rows"
                ) from None
            if source.parts is None:
                parts, edges = -(-last // _ROWS) or 1, range(0, last + _ROWS, _ROWS)
            else:
                edges = range(0, last + 1, -(-last // parts) or 1)
            wanted = []
            for part in range(parts):
                first = edges[part] if part < len(edges) else last
                stop = edges[part + 1] if part + 1 < parts and part + 1 < len(edges) else last
                where = f"rowid >= {first} AND rowid < {stop}"
                counted = con.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchall()[0][0]
                wanted.append((where, counted))
    made = [
        Partition(
            f"{source.name}, part {part} of {parts}", f"SELECT * FROM {table} WHERE {where}", path, inputs, counted
        )
        for part, (where, counted) in enumerate(wanted, 1)
    ]
    if sum(one.rows or 0 for one in made) != rows:
        raise RuntimeError(f"distributed.run: expected the parts of {source.name} to hold its {rows} rows")
    return made


def attach(con: duckdb.DuckDBPyConnection, path: str) -> None:
    """The database of a table, for reading."""
    try:
        con.execute(f"ATTACH {quoted(path)} AS {_DATABASE} (READ_ONLY)")
    except duckdb.Error as error:
        raise RuntimeError(
            f"distributed.run: expected {path} to be free for reading, got: {str(error).splitlines()[0]}. "
            "Close connections that have it open for writing, or COPY the table to Parquet files"
        ) from error


# ---- queries -------------------------------------------------------------------------------------------------------


def check_query(con: duckdb.DuckDBPyConnection, sql: str, name: str, together: bool) -> None:
    """An error for what does not give the same rows each time, or not the same in parts as in one.

    together : rows that belong together come together, so that a query may put rows in relation to each other.
    """
    tree = list(nodes(one_select(con, sql, f"distributed.run: expected {name}")))
    tables = {str(node["table_name"]).lower() for node in tree if node.get("type") == "BASE_TABLE"}
    if "source" not in tables:
        came = ", ".join(sorted(tables)) or "none"
        raise ValueError(f"distributed.run: expected {name} to read the table source, got {came}")
    names = {str(node["function_name"]).lower() for node in tree if node.get("class") == "FUNCTION"}
    # A function counts as unsteady if it is so for all types; error() ends the query and gives no rows.
    known = con.execute(
        "SELECT function_name, bool_or(function_type = 'aggregate'), "
        "bool_and(coalesce(stability, 'CONSISTENT') <> 'CONSISTENT') AND function_name <> 'error' "
        "FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate') GROUP BY function_name"
    ).fetchall()
    if unsteady := sorted(names & {row[0] for row in known if row[2]}):
        raise ValueError(
            f"distributed.run: expected {name} to give the same rows whenever it is asked, got {', '.join(unsteady)}"
        )
    if together:
        return
    found = sorted(names & {row[0] for row in known if row[1]})
    for node in tree:
        if node.get("class") == "WINDOW":
            found.append("a window function")
        if node.get("group_expressions"):
            found.append("GROUP BY")
        if node.get("sample"):
            found.append("a sample")
        if node.get("type") == "SET_OPERATION_NODE" and "UNION" not in str(node.get("setop_type", "")):
            found.append(str(node.get("setop_type")))
        kinds = (str(modifier.get("type", "")) for modifier in node.get("modifiers") or [])
        found += [kind.partition("_MODIFIER")[0] for kind in kinds if not kind.startswith("ORDER")]
    if found:
        raise ValueError(
            f"distributed.run: expected {name} to answer each row by itself, got {', '.join(dict.fromkeys(found))}; "
            "by= brings rows together, and per_partition=True asks each partition for itself"
        )
